"""A seller's ceiling on a month's usage: a warning before it, an approval beyond it."""

import datetime as dt
from decimal import Decimal

import pytest

from postledger.accounts.types import Viewer
from postledger.catalog import operations as catalog
from postledger.events import queries as events
from postledger.provisioning import queries
from postledger.resources import exchange
from postledger.usage import operations as usage
from postledger.usage.types import NewReading
from postledger.workflows import (
    _ceiling,
    add_domain,
    add_exchange,
    add_mailbox,
    change_mailbox,
    change_period,
    change_plan,
    change_quantities,
    daily_jobs,
    expect_usage,
    set_ceiling,
    switch_charge,
)
from postledger_sandbox.server import Sandbox
from tests.workflows import story

SYSTEM = story.SYSTEM
TERMS = {
    "charges": [{"name": "exchange.mailboxes", "measure": "metered", "usage": "8.00"}],
    "periods": {"1": {}, "12": {}},
}


@pytest.fixture
def acme(fresh_db):
    with Sandbox(dialect="S", delay_s=0) as sandbox:
        house = story.build(sandbox)
        catalog.change_terms(
            SYSTEM, plan_id=house.plan_id, terms=TERMS, effective_from=story.NOW.date(), now=story.NOW
        )
        customer = house.customer("acme")
        house.order(customer, boxes=2)
        house.settle(customer)
        yield house, customer


def _add(house, customer, name: str, viewer: Viewer | None = None) -> None:
    add_mailbox.add_mailbox(
        viewer or Viewer(user_id=None, account_id=customer.id, kind="customer"),
        account_id=customer.id,
        mailbox=exchange.Mailbox(address=f"{name}@acme.example"),
        now=house.now,
    )


def _boxes(customer) -> int:
    return sum(found.kind == exchange.MAILBOX for found in queries.resources_of(SYSTEM, customer.id))


def test_beyond_the_ceiling_the_customer_is_refused_until_the_seller_approves(acme):
    house, customer = acme
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=25_00)
    _add(house, customer, "third")  # 3 × 8.00 = 24.00
    with pytest.raises(_ceiling.BeyondCeiling, match=r"32\.00 USD.*25\.00 USD"):
        _add(house, customer, "fourth")
    assert _boxes(customer) == 3
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, approved_until=house.now.date())
    _add(house, customer, "fourth")
    assert _boxes(customer) == 4


def test_the_seller_himself_may_go_beyond_the_ceiling(acme):
    house, customer = acme
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=1_00)
    _add(house, customer, "third", viewer=SYSTEM)
    assert _boxes(customer) == 3


def test_the_customer_is_warned_once_a_month_near_the_ceiling(acme):
    house, customer = acme
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=20_00)  # 16.00 of it are four fifths
    account = queries.account_resource(SYSTEM, customer.id)
    for days in (1, 2):
        now = house.now + dt.timedelta(days=days)
        usage.record_readings(
            readings=[NewReading(account.subscription_id, "exchange.mailboxes", now, Decimal(2))],
            now=now,
            zones={account.subscription_id: dt.UTC},
        )
        daily_jobs.daily_jobs(now=now)
    told = [event for event in events.events_of(account_id=customer.id) if event.kind == "notice.ceiling"]
    assert len(told) == 1


def test_exchange_with_more_mailboxes_than_agreed_is_not_ordered_at_all(acme):
    house, _ = acme
    novo = house.customer("novo")
    set_ceiling.set_ceiling(SYSTEM, buyer_id=novo.id, ceiling=10_00)
    order = {
        "account_id": novo.id,
        "domain": "novo.example",
        "mailboxes": [exchange.Mailbox(address=f"{name}@novo.example") for name in ("ann", "bob")],
        "now": house.now,
    }
    himself = Viewer(user_id=None, account_id=novo.id, kind="customer")
    with pytest.raises(_ceiling.BeyondCeiling, match=r"16\.00 USD.*10\.00 USD"):
        add_exchange.add_exchange(himself, **order)
    assert queries.account_resource(SYSTEM, novo.id) is None
    add_exchange.add_exchange(himself, **{**order, "mailboxes": order["mailboxes"][:1]})
    assert _boxes(novo) == 1


def test_what_costs_nothing_more_is_never_refused(acme):
    house, customer = acme
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=1_00)  # 16.00 are used already
    himself = Viewer(user_id=None, account_id=customer.id, kind="customer")
    made = add_domain.add_domain(himself, account_id=customer.id, name="acme-two.example", now=house.now)
    assert made.is_wanted


def test_an_approval_can_be_withdrawn(acme):
    house, customer = acme
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=20_00, approved_until=house.now.date())
    found = set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, withdraw_approval=True)
    assert (found.ceiling, found.ceiling_approved_until) == (20_00, None)
    with pytest.raises(_ceiling.BeyondCeiling):
        _add(house, customer, "third")


# --- every way to a dearer month


def _himself(customer) -> Viewer:
    return Viewer(user_id=None, account_id=customer.id, kind="customer")


def _sell(house, *charges, periods=None, code: str = "") -> int:
    """The plan of the house, or another one, sold like this from now on."""
    terms = {"charges": list(charges), "periods": periods or {"1": {}, "12": {}}}
    if not code:
        catalog.change_terms(
            SYSTEM, plan_id=house.plan_id, terms=terms, effective_from=story.NOW.date(), now=story.NOW
        )
        return house.plan_id
    return catalog.publish_plan(
        SYSTEM, seller_id=house.provider.id, code=code, name=code, terms=terms, effective_from=story.NOW.date(),
        now=story.NOW,
    )  # fmt: skip


def _usage(name: str, price: str, **more) -> dict:
    return {"name": name, "measure": "metered", "usage": price, **more}


def _box(customer, number: int = 0):
    return [found for found in queries.resources_of(SYSTEM, customer.id) if found.kind == exchange.MAILBOX][
        number
    ]


def _read(house, customer, meter: str, value: str) -> None:
    account = queries.account_resource(SYSTEM, customer.id)
    usage.record_readings(
        readings=[NewReading(account.subscription_id, meter, house.now, Decimal(value))],
        now=house.now,
        zones={account.subscription_id: dt.UTC},
    )


def test_a_larger_mailbox_is_refused_where_granted_storage_is_charged(acme):
    house, customer = acme
    _sell(house, _usage("exchange.disk_allocated", "2.00", unit="GB", step="0.01"))
    for number in (0, 1):
        change_mailbox.change_mailbox(
            SYSTEM, resource_id=_box(customer, number).id, quota_mib=1024, now=house.now
        )
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=5_00)  # 2 × 1 GB × 2.00 = 4.00 are granted
    grow = {"resource_id": _box(customer).id, "now": house.now}
    with pytest.raises(_ceiling.BeyondCeiling, match=r"6\.00 USD.*5\.00 USD"):
        change_mailbox.change_mailbox(_himself(customer), quota_mib=2048, **grow)
    with pytest.raises(_ceiling.BeyondCeiling, match="cannot be told before"):
        change_mailbox.change_mailbox(_himself(customer), quota_mib=exchange.UNLIMITED, **grow)
    with pytest.raises(_ceiling.BeyondCeiling, match="cannot be told before"):
        change_mailbox.change_mailbox(_himself(customer), plan="of a size nobody knows", **grow)
    assert _box(customer).desired["quota_mib"] == 1024
    change_mailbox.change_mailbox(_himself(customer), quota_mib=1536, **grow)
    change_mailbox.change_mailbox(_himself(customer), display_name="Ann", **grow)
    assert _box(customer).desired["quota_mib"] == 1536


def test_a_further_mailbox_brings_its_granted_storage_too(acme):
    house, customer = acme
    _sell(house, _usage("exchange.disk_allocated", "2.00", unit="GB", step="0.01"))
    for number in (0, 1):
        change_mailbox.change_mailbox(
            SYSTEM, resource_id=_box(customer, number).id, quota_mib=1024, now=house.now
        )
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=5_00)
    with pytest.raises(_ceiling.BeyondCeiling, match=r"6\.00 USD"):
        _add(house, customer, "third")  # it will be as large as the others
    with pytest.raises(_ceiling.BeyondCeiling, match=r"14\.00 USD"):
        add_mailbox.add_mailbox(
            _himself(customer),
            account_id=customer.id,
            mailbox=exchange.Mailbox(address="big@acme.example", quota_mib=5 * 1024),
            now=house.now,
        )
    assert _boxes(customer) == 2


def test_a_reading_is_the_baseline_of_what_nobody_orders(acme):
    house, customer = acme
    _sell(house, _usage("exchange.archive", "1.00", unit="GB", step="0.01"))
    _read(house, customer, "exchange.archive", "7")
    found = expect_usage.expect_usage(
        SYSTEM, buyer_id=customer.id, more={"exchange.archive": 2}, now=house.now
    )
    assert (found.monthly_before, found.monthly) == (7_00, 9_00)


def test_an_optional_metered_charge_beyond_the_ceiling_is_not_switched_on(acme):
    house, customer = acme
    _sell(house, _usage("exchange.mailboxes", "8.00"), _usage("exchange.activesync", "3.00", activated=False))
    _read(house, customer, "exchange.activesync", "2")
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=20_00)  # 16.00 are used
    wish = {"buyer_id": customer.id, "charge": "exchange.activesync", "is_on": True, "now": house.now}
    for preview in (True, False):
        with pytest.raises(_ceiling.BeyondCeiling, match=r"22\.00 USD.*20\.00 USD"):
            switch_charge.switch_charge(_himself(customer), preview=preview, **wish)
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=22_00)
    switch_charge.switch_charge(_himself(customer), **wish)


def test_a_dearer_plan_is_refused_beyond_the_ceiling_and_a_cheaper_one_is_not(acme):
    house, customer = acme
    dear = _sell(house, _usage("exchange.mailboxes", "12.00"), code="dear")
    cheap = _sell(house, _usage("exchange.mailboxes", "7.00"), code="cheap")
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=10_00)  # 16.00 are used already
    wish = {"buyer_id": customer.id, "now": house.now}
    with pytest.raises(_ceiling.BeyondCeiling, match=r"24\.00 USD"):
        change_plan.change_plan(_himself(customer), plan_id=dear, **wish)
    change_plan.change_plan(_himself(customer), plan_id=cheap, **wish)  # less than before, if still beyond
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, approved_until=house.now.date())
    change_plan.change_plan(_himself(customer), plan_id=dear, **wish)


def test_a_period_without_the_discount_on_usage_is_refused_beyond_the_ceiling(acme):
    house, customer = acme
    _sell(house, _usage("exchange.mailboxes", "8.00"), periods={"1": {}, "12": {"usage": 50}})
    wish = {"buyer_id": customer.id, "now": house.now}
    change_period.change_period(SYSTEM, months=12, **wish)
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=10_00)  # 8.00 at half price
    with pytest.raises(_ceiling.BeyondCeiling, match=r"16\.00 USD"):
        change_period.change_period(_himself(customer), months=1, **wish)


def test_giving_up_a_prepaid_limit_is_refused_where_it_leaves_too_much_usage(acme):
    house, customer = acme
    _sell(house, _usage("exchange.mailboxes", "8.00", reserved={"recurring": "5.00"}))
    wish = {"buyer_id": customer.id, "now": house.now}
    change_quantities.change_quantities(SYSTEM, quantities={"exchange.mailboxes": 2}, **wish)
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=10_00)
    with pytest.raises(_ceiling.BeyondCeiling, match=r"16\.00 USD"):
        change_quantities.change_quantities(_himself(customer), quantities={"exchange.mailboxes": 0}, **wish)
    change_quantities.change_quantities(_himself(customer), quantities={"exchange.mailboxes": 1}, **wish)


def test_a_further_domain_is_refused_where_domains_are_charged(acme):
    house, customer = acme
    _sell(house, _usage("exchange.domains", "4.00"))
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=6_00)
    with pytest.raises(_ceiling.BeyondCeiling, match=r"8\.00 USD"):
        add_domain.add_domain(_himself(customer), account_id=customer.id, name="two.example", now=house.now)


def test_usage_billed_by_the_period_counts_a_month_of_it(acme):
    house, customer = acme
    _sell(house, _usage("exchange.mailboxes", "8.00", cadence="period"))
    change_period.change_period(SYSTEM, buyer_id=customer.id, months=12, now=house.now)
    found = expect_usage.expect_usage(
        SYSTEM, buyer_id=customer.id, more={"exchange.mailboxes": 1}, now=house.now
    )
    assert (found.at_next_close, found.until_period_end) == (0, 3 * 8_00 * 12)  # one bill, a year from now
    assert (found.monthly_before, found.monthly, found.closes_left) == (16_00, 24_00, 12)
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=20_00)
    with pytest.raises(_ceiling.BeyondCeiling, match=r"24\.00 USD"):
        _add(house, customer, "third")


def test_usage_charged_ahead_counts_too(acme):
    house, customer = acme
    _sell(house, _usage("exchange.mailboxes", "8.00", timing="advance"))
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=20_00)
    with pytest.raises(_ceiling.BeyondCeiling, match=r"24\.00 USD"):
        _add(house, customer, "third")


def test_every_close_until_the_end_of_the_year_is_foreseen(acme):
    house, customer = acme
    change_period.change_period(SYSTEM, buyer_id=customer.id, months=12, now=house.now)
    dearer = {"charges": [_usage("exchange.mailboxes", "9.00")], "periods": {"1": {}, "12": {}}}
    catalog.change_terms(
        SYSTEM, plan_id=house.plan_id, terms=dearer, effective_from=dt.date(2027, 7, 1), now=house.now
    )
    found = expect_usage.expect_usage(
        SYSTEM, buyer_id=customer.id, more={"exchange.mailboxes": 1}, now=house.now
    )
    assert (found.at_next_close, found.period_end) == (24_00, dt.date(2028, 1, 1))
    assert found.until_period_end == 5 * 24_00 + 7 * 27_00  # from July on at 9.00
    assert found.until_period_end_before == 5 * 16_00 + 7 * 18_00
