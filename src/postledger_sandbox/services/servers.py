# SPDX-License-Identifier: Apache-2.0
"""esServers: domains and their zones, and the servers and services of the installation."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.contract import GROUPS
from postledger_sandbox.rules import domains, paging, quotas, rights
from postledger_sandbox.services import users
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, Refused, World, null_reference
from postledger_sandbox.wire.writing import DataSet

operations = Operations("esServers")


# Domains


def info(domain: Row) -> Row:
    """A domain as DomainInfo."""
    zone_name = domain["DomainName"] if domain["ZoneItemId"] else None
    return {
        **domain,
        "ZoneName": zone_name,
        "RecordDefaultTTL": domains.DEFAULT_TTL,
        "RecordMinimumTTL": 3600,
        "MinimumTTL": 3600,
    }


def _known(call: Call, domain_id: int) -> Row:
    """The domain, which exists and whose package the caller may access."""
    domain = call.store.domains.get(domain_id)
    if domain is None:
        raise null_reference()
    rights.demand_package(call, domain["PackageId"])
    return domain


@operations.act
def get_my_domains(call: Call, package_id: int) -> list[Row]:
    rights.demand_package(call, package_id)
    return [info(domain) for domain in call.store.domains.find("PackageId", package_id)]


def _below(call: Call, package_id: int, recursive: bool) -> list[Row]:
    rights.demand_package(call, package_id)
    package = call.store.packages.get(package_id)
    if package is None:
        return []
    levels = quotas.below(call.world, package) if recursive else [package]
    return [domain for p in levels for domain in call.store.domains.find("PackageId", p["PackageId"])]


@operations.act
def get_domains(call: Call, package_id: int) -> list[Row]:
    return [info(domain) for domain in _below(call, package_id, True)]


@operations.act
def get_reseller_domains(call: Call, package_id: int) -> list[Row]:
    package = call.store.packages.get(package_id) or {}
    parent = call.store.packages.get(package.get("ParentPackageId") or 0)
    if parent is None:
        return []
    found = [
        domain
        for level in quotas.below(call.world, parent)
        for domain in call.store.domains.find("PackageId", level["PackageId"])
    ]
    return [info(domain) for domain in found if domain.get("HostingAllowed")]


@operations.act
def get_domain(call: Call, domain_id: int) -> Row | None:
    domain = call.store.domains.get(domain_id)
    return info(domain) if domain and rights.has_package(call, domain["PackageId"]) else None


@operations.act
def get_domains_by_domain_id(call: Call, domain_id: int) -> list[Row]:
    domain = get_domain(call, domain_id)
    return [domain] if domain else []


def _of_package(name: str) -> paging.Column:
    return lambda world, domain: (world.store.packages.get(domain["PackageId"]) or {}).get(name)


def _user(world: World, domain: Row) -> Row:
    package = world.store.packages.get(domain["PackageId"]) or {}
    return world.store.users.get(package.get("UserId") or 0) or {}


def _of_user(name: str) -> paging.Column:
    return lambda world, domain: _user(world, domain).get(name)


VIEW: paging.View = {
    "DomainID": paging.member("DomainId"),
    "PackageID": paging.member("PackageId"),
    "ZoneItemID": lambda world, domain: domain["ZoneItemId"] or None,
    "DomainName": paging.member("DomainName"),
    "HostingAllowed": lambda world, domain: bool(domain.get("HostingAllowed")),
    "IsSubDomain": lambda world, domain: bool(domain.get("IsSubDomain")),
    "IsInstantAlias": lambda world, domain: False,
    "IsPreviewDomain": lambda world, domain: False,
    "IsDomainPointer": lambda world, domain: bool(domain.get("IsDomainPointer")),
    "PackageName": _of_package("PackageName"),
    "ServerID": lambda world, domain: 0,
    "ServerName": lambda world, domain: "None",
    "ServerComments": lambda world, domain: "",
    "VirtualServer": lambda world, domain: False,
    "UserID": _of_package("UserId"),
    "Username": _of_user("Username"),
    "FirstName": _of_user("FirstName"),
    "LastName": _of_user("LastName"),
    "FullName": lambda world, domain: users.full_name(world, _user(world, domain)),
    "RoleID": _of_user("RoleId"),
    "Email": _of_user("Email"),
}


@operations.act
def get_domains_paged(
    call: Call,
    package_id: int,
    recursive: bool,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> DataSet:
    found = paging.filtered(
        call.world, _below(call, package_id, recursive), VIEW, column=filter_column, value=filter_value
    )
    found = paging.ordered(call.world, found, VIEW, sort_column or "DomainName")
    page = paging.window(found, start_row, maximum_rows, inclusive=False)
    rows = [paging.view_row(VIEW, call.world, domain) for domain in page]
    return DataSet("esServers.GetDomainsPaged", [[{"Column1": len(found)}], rows])


@operations.act
def add_domain(call: Call, domain: Row | None) -> int:
    if domain is None:
        raise null_reference()
    rights.demand_package(call, domain["PackageId"])
    return domains.create(
        call,
        domain["PackageId"],
        domain["DomainName"] or "",
        is_sub_domain=domain["IsSubDomain"],
        is_pointer=domain["IsDomainPointer"],
        hosting_allowed=domain["HostingAllowed"],
    )


DOMAIN, SUB_DOMAIN, PROVIDER_SUB_DOMAIN, DOMAIN_POINTER = range(4)


@operations.act
def add_domain_with_provisioning(
    call: Call,
    package_id: int,
    domain_name: str | None,
    domain_type: int,
    create_dns_zone: bool,
    allow_sub_domains: bool,
    **others: Any,
) -> int:
    rights.demand_package(call, package_id)
    return domains.create(
        call,
        package_id,
        domain_name or "",
        is_sub_domain=domain_type in (SUB_DOMAIN, PROVIDER_SUB_DOMAIN),
        is_pointer=domain_type == DOMAIN_POINTER,
        hosting_allowed=allow_sub_domains,
        zone=create_dns_zone,
    )


@operations.act
def update_domain(call: Call, domain: Row | None) -> int:
    if domain is None:
        raise null_reference()
    rights.demand_account(call, active=True)
    stored = _known(call, domain["DomainId"])
    call.store.domains.change(stored, HostingAllowed=domain["HostingAllowed"])
    return 0


@operations.act
def delete_domain(call: Call, domain_id: int) -> int:
    rights.demand_account(call)
    domain = _known(call, domain_id)
    package = rights.demand_active_package(call, domain["PackageId"])
    reserved = call.world.contract.quotas.get("OS.NotAllowTenantDeleteDomains")
    if reserved is not None and quotas.value(call.world, package, reserved) > 0:
        rights.demand_account(call, role=rights.ADMINISTRATOR)
    if domain.get("WebSiteId"):
        return -506
    if domain.get("MailDomainId"):
        return -507
    if call.store.organization_domains.count("DomainId", domain_id):
        return -2705
    call.store.domains.remove(domain)
    return 0


@operations.act
def detach_domain(call: Call, domain_id: int) -> int:
    rights.demand_account(call, active=True, role=rights.ADMINISTRATOR)
    call.store.domains.remove(_known(call, domain_id))
    return 0


@operations.act
def enable_domain_dns(call: Call, domain_id: int) -> int:
    rights.demand_account(call, active=True)
    domain = _known(call, domain_id)
    package = rights.demand_active_package(call, domain["PackageId"])
    if domain["ZoneItemId"] or domains.service_of(call.world, package, domains.DNS_GROUP) is None:
        return 0
    if call.store.facts.first("Name", f"zone:{domain['DomainName']}") is not None:
        return -509
    domains.make_zone(call.world, domain)
    if not call.is_w and call.store.organization_domains.count("DomainId", domain_id):
        groups = (domains.ORGANIZATIONS_GROUP, domains.EXCHANGE_GROUP)
        domains.add_templates(call.world, domain, domains.service_templates(call.world, package, groups))
    return 0


@operations.act
def disable_domain_dns(call: Call, domain_id: int) -> int:
    rights.demand_account(call, active=True)
    domain = _known(call, domain_id)
    rights.demand_active_package(call, domain["PackageId"])
    domains.drop_zone(call.world, domain)
    return 0


@operations.act_as(
    "CreateDomainInstantAlias",
    "CreateDomainPreviewDomain",
    "DeleteDomainInstantAlias",
    "DeleteDomainPreviewDomain",
)
def change_instant_alias(call: Call, domain_id: int) -> int:
    _known(call, domain_id)
    return -511 if call.operation.startswith("Create") else 0


# Zones


def _record_info(call: Call, item: Row) -> Row:
    numbers = call.world.contract.enums["DnsRecordType"].numbers
    return {
        "RecordName": item["Name"],
        "RecordType": numbers.get(item["Type"], numbers["Other"]),
        "RecordData": item["Data"],
        "RecordTTL": item["TTL"],
        "MxPriority": item["Priority"],
        "RecordText": f"[{item['Priority']}], {item['Data']}" if item["Type"] == "MX" else item["Data"],
        "SrvPriority": item["Srv"].get("priority", 0),
        "SrvWeight": item["Srv"].get("weight", 0),
        "SrvPort": item["Srv"].get("port", 0),
    }


@operations.act
def get_dns_zone_records(call: Call, domain_id: int) -> list[Row]:
    return [_record_info(call, item) for item in _known(call, domain_id)["Records"]]


@operations.act
def get_raw_dns_zone_records(call: Call, domain_id: int) -> DataSet:
    names = call.world.contract.enums["DnsRecordType"].names
    rows = [
        row | {"RecordType": names[row["RecordType"]]}
        for row in (_record_info(call, item) for item in _known(call, domain_id)["Records"])
    ]
    return DataSet("esServers.GetRawDnsZoneRecords", [rows])


@operations.act
def get_domain_dns_records(call: Call, domain_id: int) -> list[Row]:
    _known(call, domain_id)
    return []


def _type_name(call: Call, number: int) -> str:
    name = call.world.contract.enums["DnsRecordType"].names.get(number)
    if name is None:
        raise Fault("Exception of type 'System.ArgumentException' was thrown.")
    return name


@operations.act
def add_dns_zone_record(
    call: Call,
    domain_id: int,
    record_name: str | None,
    record_type: int,
    record_data: str | None,
    mx_priority: int,
    srv_priority: int = 0,
    srv_weight: int = 0,
    srv_port_number: int = 0,
    record_ttl: int = 0,
) -> int:
    rights.demand_account(call, active=True)
    domain = _known(call, domain_id)
    rights.demand_active_package(call, domain["PackageId"])
    if not domain["ZoneItemId"]:
        return 0
    kind = _type_name(call, record_type)
    name, data = (record_name or "").strip(), (record_data or "").strip()
    if domains.find_record(domain, kind, name, data) is not None:
        return 0
    if len(name) > 50 or len(data) > 500:
        raise Fault("String or binary data would be truncated. The statement has been terminated.")
    srv = {"priority": srv_priority, "weight": srv_weight, "port": srv_port_number}
    added = domains.record(
        kind, name, data, priority=mx_priority, ttl=_ttl(call, domain, record_ttl), srv=srv
    )
    call.store.domains.change(domain, Records=[*domain["Records"], added])
    return 0


def _ttl(call: Call, domain: Row, asked: int) -> int:
    """The time to live a record gets: the default, unless the package may set it."""
    quota = call.world.contract.quotas.get("DNS.EditTTL")
    package = call.store.packages.rows[domain["PackageId"]]
    if not asked or quota is None or not quotas.value(call.world, package, quota):
        return domains.DEFAULT_TTL
    return asked


def _without(domain: Row, kind: str, name: str, data: str) -> list[Row]:
    found = domains.find_record(domain, kind, name, data)
    return [item for item in domain["Records"] if item is not found]


@operations.act
def update_dns_zone_record(
    call: Call,
    domain_id: int,
    original_record_name: str | None,
    original_record_data: str | None,
    record_name: str | None,
    record_type: int,
    record_data: str | None,
    mx_priority: int,
    **others: Any,
) -> int:
    delete_dns_zone_record(call, domain_id, original_record_name, record_type, original_record_data)
    return add_dns_zone_record(
        call,
        domain_id,
        record_name,
        record_type,
        record_data,
        mx_priority,
        others.get("srvPriority", 0),
        others.get("srvWeight", 0),
        others.get("srvPortNumber", 0),
        others.get("recordTTL", 0),
    )


@operations.act
def delete_dns_zone_record(
    call: Call, domain_id: int, record_name: str | None, record_type: int, record_data: str | None
) -> int:
    rights.demand_account(call, active=True)
    domain = _known(call, domain_id)
    rights.demand_active_package(call, domain["PackageId"])
    kind = _type_name(call, record_type)
    kept = _without(domain, kind, (record_name or "").strip(), (record_data or "").strip())
    if len(kept) != len(domain["Records"]):
        call.store.domains.change(domain, Records=kept)
    return 0


# Template records


def _templates(call: Call, index: str, value: int) -> list[Row]:
    return call.store.templates.find(index, value)


def _template_row(template: Row) -> Row:
    return {
        "RecordID": template["RecordId"],
        "ServiceID": template.get("ServiceId") or None,
        "ServerID": template.get("ServerId") or None,
        "PackageID": template.get("PackageId") or None,
        "RecordType": template["RecordType"],
        "RecordName": template.get("RecordName") or "",
        "RecordData": template.get("RecordData") or "",
        "FullRecordData": template.get("RecordData") or template.get("ExternalIP") or "",
        "MXPriority": template.get("MxPriority") or 0,
        "IPAddressID": template.get("IpAddressId") or None,
        "ExternalIP": template.get("ExternalIP"),
        "InternalIP": template.get("InternalIP"),
    }


def _of_group(call: Call, group_id: int) -> list[Row]:
    return [
        template
        for service in call.store.services.find("GroupId", group_id)
        for template in call.store.templates.find("ServiceId", service["ServiceId"])
    ]


def _found_templates(call: Call, others: Row) -> list[Row]:
    (name, value), *_ = others.items()
    if name == "groupId":
        return _of_group(call, value)
    if name == "packageId":
        rights.demand_package(call, value)
    return _templates(call, f"{name[0].upper()}{name[1:]}", value)


@operations.act_as(
    "GetDnsRecordsByService", "GetDnsRecordsByServer", "GetDnsRecordsByPackage", "GetDnsRecordsByGroup"
)
def get_dns_records(call: Call, **others: Any) -> list[Row]:
    return _found_templates(call, others)


@operations.act_as(
    "GetRawDnsRecordsByService",
    "GetRawDnsRecordsByServer",
    "GetRawDnsRecordsByPackage",
    "GetRawDnsRecordsByGroup",
)
def get_raw_dns_records(call: Call, **others: Any) -> DataSet:
    rows = [_template_row(template) for template in _found_templates(call, others)]
    return DataSet(f"esServers.{call.operation}", [rows])


@operations.act
def get_dns_record(call: Call, record_id: int) -> Row | None:
    return call.store.templates.get(record_id)


def _demand_template(call: Call, template: Row) -> None:
    if template.get("PackageId"):
        rights.demand_account(call, active=True)
        rights.demand_package(call, template["PackageId"])
    else:
        rights.demand_account(call, active=True, role=rights.ADMINISTRATOR)


@operations.act
def add_dns_record(call: Call, record: Row | None) -> int:
    if record is None:
        raise null_reference()
    _demand_template(call, record)
    values = {name: value for name, value in record.items() if name != "RecordId"}
    call.store.templates.add(values)
    return 0


@operations.act
def update_dns_record(call: Call, record: Row | None) -> int:
    stored = call.store.templates.get((record or {}).get("RecordId", 0))
    if record is None or stored is None:
        raise null_reference()
    _demand_template(call, stored)
    call.store.templates.change(stored, **record)
    return 0


@operations.act
def delete_dns_record(call: Call, record_id: int) -> int:
    stored = call.store.templates.get(record_id)
    if stored is not None:
        _demand_template(call, stored)
        call.store.templates.remove(stored)
    return 0


# Servers and services, for administrators


def _demand_administrator(call: Call) -> None:
    if not call.caller.is_administrator:
        raise Fault("You are not allowed to access this resource")


@operations.act
def get_servers(call: Call) -> list[Row]:
    _demand_administrator(call)
    return list(call.store.servers)


@operations.act_as("GetServerById", "GetServerShortDetails")
def get_server_by_id(call: Call, server_id: int) -> Row | None:
    return call.store.servers.get(server_id)


@operations.act
def get_server_by_name(call: Call, server_name: str | None) -> Row | None:
    _demand_administrator(call)
    for server in call.store.servers:
        if server["ServerName"].lower() == (server_name or "").lower():
            return server
    return None


def _service_info(service: Row) -> Row:
    return {name: value for name, value in service.items() if name != "Settings"}


@operations.act
def get_services_by_server_id(call: Call, server_id: int) -> list[Row]:
    _demand_administrator(call)
    return [_service_info(service) for service in call.store.services.find("ServerId", server_id)]


@operations.act
def get_services_by_server_id_group_name(call: Call, server_id: int, group_name: str | None) -> list[Row]:
    _demand_administrator(call)
    return [
        _service_info(service)
        for service in call.store.services.find("ServerId", server_id)
        if GROUPS[service["GroupId"]].lower() == (group_name or "").lower()
    ]


@operations.act
def get_raw_services_by_group_name(call: Call, group_name: str | None) -> DataSet:
    _demand_administrator(call)
    rows = []
    for service in call.store.services:
        group = GROUPS[service["GroupId"]]
        if group.lower() != (group_name or "").lower():
            continue
        server = call.store.servers.rows[service["ServerId"]]
        rows.append(
            {
                "ServiceID": service["ServiceId"],
                "ServiceName": service["ServiceName"],
                "ServerID": server["ServerId"],
                "ServiceQuotaValue": service.get("ServiceQuotaValue"),
                "ServerName": server["ServerName"],
                "ProviderID": service["ProviderId"],
                "ProviderName": group,
                "FullServiceName": f"{service['ServiceName']} on {server['ServerName']}",
            }
        )
    return DataSet("esServers.GetRawServicesByGroupName", [rows])


@operations.act
def get_service_info(call: Call, service_id: int) -> Row | None:
    _demand_administrator(call)
    service = call.store.services.get(service_id)
    return _service_info(service) if service else None


@operations.act
def get_service_settings(call: Call, service_id: int) -> list[str]:
    _demand_administrator(call)
    service = call.store.services.get(service_id)
    return [f"{name}={value}" for name, value in (service or {}).get("Settings", {}).items()]


@operations.act
def update_service_settings(call: Call, service_id: int, settings: list[str | None] | None) -> int:
    rights.demand_account(call, active=True, role=rights.ADMINISTRATOR)
    service = call.store.services.get(service_id)
    if service is None:
        raise null_reference()
    pairs = dict((item or "").partition("=")[::2] for item in settings or [])
    call.store.services.change(service, Settings={**service["Settings"], **pairs})
    return 0


@operations.act
def get_resource_groups(call: Call) -> list[Row]:
    return [
        {"GroupId": group_id, "GroupName": name, "GroupOrder": order + 1}
        for order, (group_id, name) in enumerate(GROUPS.items())
    ]


@operations.act
def get_resource_group(call: Call, group_id: int) -> Row | None:
    return next((group for group in get_resource_groups(call) if group["GroupId"] == group_id), None)


@operations.act
def allocate_package_ip_addresses(call: Call, package_id: int, **others: Any) -> Row:
    rights.demand_account(call, active=True)
    if call.store.packages.get(package_id) is None:
        raise Refused(-300)
    rights.demand_package(call, package_id)
    return {"IsSuccess": True, "ErrorCodes": []}


@operations.act
def get_package_ip_addresses(call: Call, package_id: int) -> Row:
    rights.demand_package(call, package_id)
    return {"Count": 0, "Items": []}


@operations.act
def get_package_unassigned_ip_addresses(call: Call, package_id: int) -> list[Row]:
    rights.demand_package(call, package_id)
    return []
