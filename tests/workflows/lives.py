"""A customer's whole life with Exchange, step by step, and what stands on both sides after each of them.

Every step that changes something on a platform is here; `test_recovery` lives it once undisturbed and then spoils each
changing call in turn.
"""

import contextlib
import dataclasses
import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from postledger.accounts.types import AccountView
from postledger.provisioning import operations, queries
from postledger.provisioning.types import CallView, ResourceView
from postledger.resources import exchange, spec
from postledger.subscriptions import queries as subscriptions
from postledger.usage import queries as usage
from postledger.workflows import (
    add_domain,
    add_mailbox,
    change_mailbox,
    change_platform_plan,
    delete_mailbox,
    make_default_domain,
    remove_domain,
    remove_exchange,
    set_exchange_status,
    set_mailbox_password,
    sign_on,
)
from tests.workflows.story import SYSTEM, House

READS = ("Get", "Check", "UserExists", "Search", "Calculate", "Authenticate")
_NOT_THINGS = frozenset({"tasks", "audit", "facts"})
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT")


@dataclass(frozen=True)
class Step:
    """One thing that happens to a customer.

    Args:
        act: orders it, or does it when `is_direct`: then nobody repeats it but the person who clicked.
        after: the steps that have to come before it.
    """

    name: str
    act: Callable[[House, AccountView], object]
    after: tuple[str, ...] = ()
    is_direct: bool = False


def thing(customer: AccountView, key: str) -> ResourceView:
    """The customer's thing of this name; his first domain follows an `@` at its end."""
    wanted = f"{key}{customer.code}.example" if key.endswith("@") else key
    return next(found for found in queries.resources_of(SYSTEM, customer.id) if found.key == wanted)


def _wish(house: House, found: ResourceView, **values: Any) -> None:
    wish = dataclasses.replace(spec.load(kind=found.kind, data=found.desired), **values)
    operations.change_wish(resource_id=found.id, desired=wish, now=house.now, actor="person")


def _declare(house: House, customer: AccountView, wish: exchange.Spec) -> None:
    organization = queries.organization_of(SYSTEM, customer.id)
    assert organization is not None
    operations.declare(
        account_id=customer.id,
        connection_id=house.connection.id,
        parent_id=organization.id,
        kind=next(kind for kind, made in spec.KINDS.items() if made is type(wish)),
        desired=wish,
        now=house.now,
        actor="person",
    )


def _account(customer: AccountView) -> ResourceView:
    found = queries.account_resource(SYSTEM, customer.id)
    assert found is not None
    return found


def _is_w(house: House) -> bool:
    return house.sandbox.addresses["dialect"] == "W"


# --- the steps ------------------------------------------------------------------------------------------------------


def _order(house: House, customer: AccountView) -> None:
    house.order(customer, boxes=1)


def _add_domain(house: House, customer: AccountView) -> None:
    add_domain.add_domain(SYSTEM, account_id=customer.id, name=f"{customer.code}.test", now=house.now)


def _make_default(domain: str) -> Callable[[House, AccountView], None]:
    def act(house: House, customer: AccountView) -> None:
        found = thing(customer, f"{customer.code}.{domain}")
        make_default_domain.make_default_domain(SYSTEM, resource_id=found.id, now=house.now)

    return act


def _limit_organization(house: House, customer: AccountView) -> None:
    found = queries.organization_of(SYSTEM, customer.id)
    assert found is not None
    _wish(house, found, keep_deleted_days=21)


def _add_mailbox(house: House, customer: AccountView) -> None:
    domain = f"{customer.code}.example"
    add_mailbox.add_mailbox(
        SYSTEM,
        account_id=customer.id,
        mailbox=exchange.Mailbox(
            address=f"bob@{domain}",
            display_name="Bob",
            aliases=frozenset({f"robert@{domain}", f"bobby@{domain}"}),
        ),
        now=house.now,
    )


def _change_addresses(house: House, customer: AccountView) -> None:
    domain = f"{customer.code}.example"
    change_mailbox.change_mailbox(
        SYSTEM,
        resource_id=thing(customer, "bob@").id,
        display_name="Robert",
        aliases=frozenset({f"robert@{domain}", f"rob@{domain}"}),
        now=house.now,
    )


def _change_features(house: House, customer: AccountView) -> None:
    found = thing(customer, "bob@")
    features = frozenset((found.observed or {})["features"])
    change_mailbox.change_mailbox(
        SYSTEM,
        resource_id=found.id,
        quota_mib=10240,
        features=features - {"pop"} | {"blackberry", "ocs"} if _is_w(house) else features | {"lync", "sfb"},
        now=house.now,
    )


def _strip_mailbox(house: House, customer: AccountView) -> None:
    found = thing(customer, "bob@")
    features = frozenset((found.observed or {})["features"])
    change_mailbox.change_mailbox(
        SYSTEM,
        resource_id=found.id,
        is_enabled=False,
        features=features - {"blackberry", "ocs", "lync", "sfb"},
        now=house.now,
    )


def _set_password(house: House, customer: AccountView) -> None:
    set_mailbox_password.set_mailbox_password(
        SYSTEM, resource_id=thing(customer, "m0@").id, password="Tr0ub4dor-and-3", now=house.now
    )


def _sign_on(house: House, customer: AccountView) -> None:
    form = sign_on.sign_on(SYSTEM, account_id=customer.id, why="asked by phone", now=house.now)
    assert house.sandbox.control.user(username=customer.code)["Password"] == form.fields["password"]


def _add_recipients(house: House, customer: AccountView) -> None:
    domain = f"{customer.code}.example"
    for wish in (
        exchange.Contact(address=f"out@{customer.code}.elsewhere", display_name="Out"),
        exchange.DistributionList(
            address=f"all@{domain}",
            display_name="All",
            manager=f"m0@{domain}",
            members=frozenset({f"m0@{domain}"}),
            is_open=True,
        ),
        exchange.PublicFolder(path=f"\\{customer.code}", address=f"box@{domain}"),
    ):
        _declare(house, customer, wish)


def _change_recipients(house: House, customer: AccountView) -> None:
    _wish(house, thing(customer, f"out@{customer.code}.elsewhere"), display_name="Outside")
    _wish(house, thing(customer, "all@"), display_name="Everybody", members=frozenset(), is_open=False)
    _wish(house, thing(customer, f"\\{customer.code}"), address=f"inbox@{customer.code}.example")


def _remove_recipients(house: House, customer: AccountView) -> None:
    for key in (f"\\{customer.code}", "all@", f"out@{customer.code}.elsewhere"):
        operations.withdraw(
            resource_id=thing(customer, key).id, reason="deleted", now=house.now, actor="person"
        )


def _change_plan(plan: str, *, addons: int, **quotas: int) -> Callable[[House, AccountView], None]:
    def act(house: House, customer: AccountView) -> None:
        plans = {found.name: found for found in queries.platform_plans(SYSTEM, house.connection.id)}
        operations.switch_on_platform_plan(
            SYSTEM,
            seller_id=house.provider.id,
            plan_id=house.plan_id,
            platform_plan_id=plans[plan].id,
            now=house.now,
        )
        change_platform_plan.change_platform_plan(
            SYSTEM,
            account_id=customer.id,
            platform_plan_id=plans[plan].id,
            addons={plans["10 Mailboxes"].reference: addons} if addons else {},
            quotas={f"exchange.{meter}": value for meter, value in quotas.items()},
            now=house.now,
        )

    return act


def _change_profile(house: House, customer: AccountView) -> None:
    _wish(house, _account(customer), city="Köln", phone="+49 221 1")


def _set_active(is_active: bool) -> Callable[[House, AccountView], object]:
    return lambda house, customer: set_exchange_status.set_exchange_status(
        account_id=customer.id, is_active=is_active, now=house.now
    )


def _delete_mailbox(house: House, customer: AccountView) -> None:
    found = thing(customer, "bob@")
    delete_mailbox.delete_mailbox(SYSTEM, resource_id=found.id, confirmation=found.key, now=house.now)


def _remove_domain(house: House, customer: AccountView) -> None:
    found = thing(customer, f"{customer.code}.test")
    remove_domain.remove_domain(SYSTEM, resource_id=found.id, now=house.now)


def _end(house: House, customer: AccountView) -> None:
    remove_exchange.remove_exchange(
        SYSTEM, account_id=customer.id, reason="cancelled", is_confirmed=True, now=house.now
    )


ORDER = "order Exchange"
PLAN = "change the plan, book add-ons, set ceilings"
LIFE = (
    Step(ORDER, _order),
    Step(PLAN, _change_plan("Exchange Large", addons=3, contacts=20), after=(ORDER,)),
    Step("give some of it back", _change_plan("Exchange Large", addons=1), after=(PLAN,)),
    Step("give the rest back", _change_plan("Exchange Large", addons=0), after=("give some of it back",)),
    Step("add a contact, a list and a folder", _add_recipients, after=(ORDER,)),
    Step("change them", _change_recipients, after=("add a contact, a list and a folder",)),
    Step("delete them", _remove_recipients, after=("change them",)),
    Step("add a mailbox", _add_mailbox, after=(ORDER,)),
    Step("change its addresses and name", _change_addresses, after=("add a mailbox",)),
    Step("change its size and features", _change_features, after=(PLAN, "add a mailbox")),
    Step("disable it, take its features away", _strip_mailbox, after=("change its size and features",)),
    Step("delete it", _delete_mailbox, after=("add a mailbox",)),
    Step("set a mailbox's password", _set_password, after=(ORDER,), is_direct=True),
    Step("sign on", _sign_on, after=(ORDER,), is_direct=True),
    Step("add a domain", _add_domain, after=(ORDER,)),
    Step("make it the default", _make_default("test"), after=("add a domain",)),
    Step("make the first the default again", _make_default("example"), after=("make it the default",)),
    Step("remove the domain", _remove_domain, after=("make the first the default again",)),
    Step("change the organization", _limit_organization, after=(ORDER,)),
    Step("change the profile", _change_profile, after=(ORDER,)),
    Step("suspend", _set_active(False), after=(ORDER,)),
    Step("resume", _set_active(True), after=("suspend",)),
    Step("end Exchange", _end, after=(ORDER,)),
)


def with_what_they_need(names: Collection[str]) -> tuple[Step, ...]:
    """The steps of these names and those that have to come before them, in their order."""
    wanted = set(names)
    for step in reversed(LIFE):
        if step.name in wanted:
            wanted.update(step.after)
    return tuple(step for step in LIFE if step.name in wanted)


# --- what stands after a step ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """Both sides for one customer, with his name and everything that is a number or an instant of its own taken out.

    Args:
        there: what is his on the platform.
        counts: how many rows of each kind the platform has more than before him, whoever they belong to.
        here: his things, zones and readings with us.
    """

    there: Any
    counts: dict[str, int]
    here: Any


def counted(control: Any) -> dict[str, int]:
    """How many rows of each kind the platform has."""
    counts = control.summary()["counts"]
    return {name: count for name, count in counts.items() if name not in _NOT_THINGS}


def state_of(house: House, customer: AccountView, before: dict[str, int]) -> State:
    """Where both sides stand; `before` are the platform's counts before the customer came."""
    control, code = house.sandbox.control, customer.code
    users = [row for row in control.rows(table="users") if row["Username"].lower() == code]
    packages = [row for user in users for row in control.rows(table="packages", UserId=user["UserId"])]
    spaces = [package["PackageId"] for package in packages]
    organizations = [row for space in spaces for row in control.rows(table="organizations", PackageId=space)]
    items = [row["Id"] for row in organizations]
    there = {
        "users": users,
        "packages": packages,
        "organizations": organizations,
        **{
            table: [row for space in spaces for row in control.rows(table=table, PackageId=space)]
            for table in ("addons", "domains")
        },
        **{
            table: [row for item in items for row in control.rows(table=table, ItemId=item)]
            for table in ("accounts", "organization_domains", "mailbox_plans")
        },
    }
    addresses = {row["AccountId"]: row["PrimaryEmailAddress"] for row in there["accounts"]}
    for row in there["accounts"]:
        if "Members" in row:
            row["Members"] = [addresses.get(member, "nobody") for member in row["Members"]]
    after = counted(control)
    return State(
        there={name: _sorted(_plain(row, code) for row in rows) for name, rows in there.items()},
        counts={name: after[name] - before[name] for name in after if after[name] != before[name]},
        here=_here(customer),
    )


def _here(customer: AccountView) -> Any:
    code = customer.code
    subscription = subscriptions.of_buyers([customer.id])[customer.id]
    readings = usage.readings_of(SYSTEM, subscription, first=dt.date(2026, 1, 1), last=dt.date(2028, 1, 1))
    return {
        "things": _sorted(
            _plain(
                {
                    "kind": found.kind,
                    "key": found.key,
                    "condition": found.condition,
                    "words": found.words,
                    "desired": found.desired,
                    "observed": _ordered(found),
                    "is_wanted": found.is_wanted,
                    "is_met": found.generation == found.observed_generation,
                },
                code,
            )
            for found in queries.resources_of(SYSTEM, customer.id)
        ),
        "zones": _sorted(
            _plain({"zone": zone.name, "name": record.name, "type": record.type, "data": record.data}, code)
            for zone in queries.zones_of(SYSTEM, customer.id)
            for record in zone.records
            if not record.is_hidden
        ),
        "readings": sorted({(reading.meter, str(reading.value)) for reading in readings}),
        "is_billed": subscriptions.subscription(SYSTEM, subscription).exchange_since is not None,
    }


def _ordered(found: ResourceView) -> dict[str, Any]:
    """What was found of what was ordered; the rest is seen anew each night, and some lives have more nights. The first
    domain is only used when an organization is made."""
    seen = found.observed or {}
    return {name: seen.get(name) for name in found.desired if name != "domain"}


def _plain(value: Any, code: str) -> Any:
    if isinstance(value, dict):
        kept = {key: _plain(item, code) for key, item in value.items() if not _is_own(key, item)}
        return kept
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, code) for item in value]
    if isinstance(value, str):
        return value.replace(code, "who").replace(code.capitalize(), "Who")
    return value


def _is_own(key: str, value: Any) -> bool:
    """True for ids, passwords and instants, which no two customers share."""
    return (
        key.lower().endswith(("id", "password", "quotaids"))
        or key in ("AccountName", "SamAccountName", "UserPrincipalName", "InstanceId")
        or (isinstance(value, str) and _INSTANT.match(value) is not None)
    )


def _sorted(rows: Any) -> list[Any]:
    return sorted(rows, key=repr)


# --- calls ----------------------------------------------------------------------------------------------------------


@dataclass
class Calls:
    """The changing calls made in a block: on the wire, and in our log of calls."""

    wire: list[str]
    log: list[CallView]


@contextlib.contextmanager
def watched(house: House) -> Iterator[Calls]:
    """Yields the calls of the block, filled when it has ended."""
    control = house.sandbox.control
    last = max((call["number"] for call in control.calls(limit=1)), default=0)
    kept = max((call.id for call in queries.calls_of(SYSTEM, house.connection.id, most=1)), default=0)
    found = Calls(wire=[], log=[])
    yield found
    found.wire = [
        call["operation"]
        for call in control.calls(since=last)
        if call["operation"] and not call["operation"].startswith(READS)
    ]
    latest = queries.calls_of(SYSTEM, house.connection.id, most=1000)
    found.log = sorted((call for call in latest if call.id > kept), key=lambda call: call.id)


def operations_of(calls: Calls) -> Counter[str]:
    """How often each operation stands in our log of calls."""
    return Counter(call.operation.partition(".")[2] for call in calls.log)
