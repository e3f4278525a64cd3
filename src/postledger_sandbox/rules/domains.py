# SPDX-License-Identifier: Apache-2.0
"""Domains of a package, their zones, and the template records that fill new zones."""

from __future__ import annotations

from postledger_sandbox.rules import letters, quotas, rights
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, World

DNS_GROUP, EXCHANGE_GROUP, ORGANIZATIONS_GROUP = 7, 12, 13
ORGANIZATION_SERVICES = frozenset({12, 13, 31, 32, 41, 52})
DEFAULT_TTL = 86400
WIDTH = 100


def service_of(world: World, package: Row, group_id: int) -> Row | None:
    """The service a package uses for a resource group, when its plan has the group."""
    if not quotas.has_group(world, package, group_id):
        return None
    return world.store.services.first("GroupId", group_id)


def check_name(call: Call, package_id: int, name: str) -> int:
    """0, or why the name cannot be added: it exists, or lies below somebody else's domain."""
    if call.store.domains.first("DomainName", name) is not None:
        return -502
    _, _, parent = name.partition(".")
    while "." in parent:
        above = call.store.domains.first("DomainName", parent)
        if above is not None:
            other = call.store.packages.get(above["PackageId"]) or {}
            own = call.store.packages.get(package_id) or {}
            is_foreign = other.get("UserId") != own.get("UserId")
            if is_foreign and not above.get("HostingAllowed"):
                return -501
            break
        _, _, parent = parent.partition(".")
    return 0


def create(
    call: Call,
    package_id: int,
    name: str,
    *,
    is_sub_domain: bool = False,
    is_pointer: bool = False,
    hosting_allowed: bool = False,
    zone: bool | None = None,
    checks_quota: bool = True,
) -> int:
    """The id of a new domain, or a negative code; W makes its zone at once, S only when asked."""
    rights.demand_account(call, active=True)
    package = rights.demand_active_package(call, package_id)
    name = name.strip().lower()
    if checks_quota:
        code = _quota_code(call, package, is_sub_domain, is_pointer)
        if code:
            return code
    if len(name) > WIDTH:
        raise Fault("String or binary data would be truncated. The statement has been terminated.")
    code = check_name(call, package_id, name)
    if code:
        return code
    if call.is_w and name.startswith("www."):
        return -503
    wants_zone = call.is_w if zone is None else zone
    has_dns = service_of(call.world, package, DNS_GROUP) is not None
    if wants_zone and has_dns and call.store.facts.first("Name", f"zone:{name}") is not None:
        return -509
    domain = call.store.domains.add(
        {
            "PackageId": package_id,
            "DomainName": name,
            "IsSubDomain": is_sub_domain,
            "IsDomainPointer": is_pointer,
            "HostingAllowed": hosting_allowed,
            "ZoneItemId": 0,
            "Records": [],
        }
    )
    if wants_zone and has_dns:
        make_zone(call.world, domain)
    return domain["DomainId"]


def _quota_code(call: Call, package: Row, is_sub_domain: bool, is_pointer: bool) -> int:
    if is_sub_domain:
        return -508 if quotas.is_full(call.world, package, "OS.SubDomains") else 0
    if is_pointer:
        is_full = call.is_w and quotas.is_full(call.world, package, "OS.DomainPointers")
        return -500 if is_full else 0
    return -500 if quotas.is_full(call.world, package, "OS.Domains") else 0


# Zones


def make_zone(world: World, domain: Row) -> None:
    """Give a domain its zone: SOA, the name servers, and the templates."""
    package = world.store.packages.rows[domain["PackageId"]]
    setting = letters.pair(letters.package_settings(world, package, "NameServers"), "NameServers")
    servers = [server.strip() for server in setting.split(";") if server.strip()]
    name = domain["DomainName"]
    primary = servers[0] if servers else f"ns.{name}"
    records = [record("SOA", "", f"{primary} hostmaster.{name}")]
    records += [record("NS", "", server) for server in servers or [primary]]
    zone_id = world.store.organizations.next_id
    world.store.organizations.next_id += 1
    world.store.domains.change(domain, ZoneItemId=zone_id, Records=records)
    add_templates(world, domain, template_levels(world, package))


def drop_zone(world: World, domain: Row) -> None:
    world.store.domains.change(domain, ZoneItemId=0, Records=[])


def record(
    kind: str,
    name: str,
    data: str,
    *,
    priority: int = 0,
    ttl: int = DEFAULT_TTL,
    srv: dict[str, int] | None = None,
) -> Row:
    """A record as kept in a zone; the type is its name, for its number differs between dialects."""
    return {"Type": kind, "Name": name, "Data": data, "Priority": priority, "TTL": ttl, "Srv": srv or {}}


def template_levels(world: World, package: Row) -> list[list[Row]]:
    """The templates for a zone of a package, level by level, the nearest first."""
    templates = world.store.templates
    levels = [templates.find("PackageId", level["PackageId"]) for level in quotas.ancestry(world, package)]
    server_id = package.get("ServerId")
    if server_id:
        levels.append(templates.find("ServerId", server_id))
    for service in world.store.services:
        # The later generations add those of an organization's services when the domain joins the organization.
        is_later = not world.is_w and service["GroupId"] in ORGANIZATION_SERVICES
        if not is_later and quotas.has_group(world, package, service["GroupId"]):
            levels.append(templates.find("ServiceId", service["ServiceId"]))
    return levels


def service_templates(world: World, package: Row, group_ids: tuple[int, ...]) -> list[list[Row]]:
    levels = []
    for group_id in group_ids:
        service = service_of(world, package, group_id)
        if service is not None:
            levels.append(world.store.templates.find("ServiceId", service["ServiceId"]))
    return levels


def add_templates(world: World, domain: Row, levels: list[list[Row]]) -> None:
    """Add template records; a type and name that an earlier level or the zone already has is left alone."""
    records = list(domain["Records"])
    taken = {(item["Type"], item["Name"].lower()) for item in records if item["Type"] not in ("SOA", "NS")}
    for level in levels:
        added = set()
        for template in level:
            key = (template["RecordType"], (template.get("RecordName") or "").lower())
            if key in taken:
                continue
            added.add(key)
            records.append(_from_template(template, domain["DomainName"]))
        taken |= added
    world.store.domains.change(domain, Records=records)


def remove_templates(world: World, domain: Row, levels: list[list[Row]]) -> None:
    made = [_from_template(template, domain["DomainName"]) for level in levels for template in level]
    keys = {(item["Type"], item["Name"].lower(), item["Data"].lower()) for item in made}
    kept = [
        item
        for item in domain["Records"]
        if (item["Type"], item["Name"].lower(), item["Data"].lower()) not in keys
    ]
    world.store.domains.change(domain, Records=kept)


def _from_template(template: Row, domain_name: str) -> Row:
    address = template.get("ExternalIP") or template.get("InternalIP") or ""
    data = (template.get("RecordData") or "").replace("[domain_name]", domain_name)
    data = data.replace("[ip]", address).replace("[IP]", address) or address
    return record(
        template["RecordType"],
        template.get("RecordName") or "",
        data,
        priority=template.get("MxPriority") or 0,
        ttl=template.get("RecordTTL") or DEFAULT_TTL,
    )


def find_record(domain: Row, kind: str, name: str, data: str) -> Row | None:
    for item in domain["Records"]:
        is_same = item["Type"] == kind and item["Name"].lower() == name.lower()
        if is_same and item["Data"].rstrip(".").lower() == data.rstrip(".").lower():
            return item
    return None
