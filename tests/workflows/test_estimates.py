"""What the next invoice will be, before it is made."""

import datetime as dt
from decimal import Decimal

from postledger.accounts import operations as accounts
from postledger.catalog import operations as catalog
from postledger.subscriptions import queries as subscriptions
from postledger.usage import operations as usage
from postledger.usage.types import NewReading
from postledger.workflows import accrued_charges, begin_exchange, billing_run, estimate_invoice, subscribe
from tests.billing.conftest import SYSTEM, TERMS, at, build

FIRST = dt.date(2025, 1, 1)


def test_a_reseller_sees_what_his_customers_have_used_so_far_at_his_own_price(db):
    house = build(FIRST)
    north = accounts.create_reseller(
        SYSTEM, seller_id=house.provider_id, code="north", name="North", now=at(FIRST)
    )
    subscribe.subscribe(
        SYSTEM, buyer_id=north.id, plan_id=house.plan_id, months=1, quantities={"mailbox": 0}, now=at(FIRST)
    )
    retail = catalog.publish_plan(
        SYSTEM, seller_id=north.id, code="own", name="Own", terms=TERMS, effective_from=FIRST, now=at(FIRST)
    )
    for name, count in (("ann", 3), ("bob", 4)):
        buyer = accounts.create_customer(SYSTEM, seller_id=north.id, code=name, name=name, now=at(FIRST))
        subscribe.subscribe(
            SYSTEM, buyer_id=buyer.id, plan_id=retail, months=1, quantities={"mailbox": 0}, now=at(FIRST)
        )
        begin_exchange.begin_exchange(SYSTEM, buyer_id=buyer.id, now=at(FIRST))
        read = at(dt.date(2025, 1, 20))
        id = subscriptions.latest_id(buyer.id)
        reading = NewReading(id, "exchange.mailboxes", read, Decimal(count))
        usage.record_readings(readings=[reading], now=read, zones={id: dt.UTC})
    now = at(dt.date(2025, 1, 21))
    accrued = accrued_charges.accrued_charges(SYSTEM, buyer_id=north.id, now=now)
    assert [line.amount for line in accrued.usage] == [40_00]  # (3 + 4 − 2 free) × 8.00
    foreseen = estimate_invoice.estimate_invoice(SYSTEM, buyer_id=north.id, now=now)
    closing = [NewReading(subscriptions.latest_id(id), "exchange.mailboxes", at(dt.date(2025, 2, 1), 1), Decimal(n))
               for id, n in zip([a.id for a in accounts.queries.sold_to(SYSTEM, north.id)], (3, 4), strict=True)]  # fmt: skip
    usage.record_readings(
        readings=closing, now=at(dt.date(2025, 2, 1), 1), zones={r.subscription_id: dt.UTC for r in closing}
    )
    billing_run.billing_run(SYSTEM, now=at(dt.date(2025, 2, 1)), seller_ids=[house.provider_id])
    billed = accrued_charges.accrued_charges(SYSTEM, buyer_id=north.id, now=at(dt.date(2025, 2, 1)))
    assert [(line.kind, line.amount) for line in billed.booked] == [
        (line.kind, line.amount) for line in foreseen.lines
    ]
