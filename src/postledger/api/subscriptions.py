"""Routes of subscriptions: an account's agreement and every dated change of it, each with a preview of what it books."""

import datetime as dt
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field, StringConstraints

from postledger import clock
from postledger.api import forms, routes
from postledger.billing import as_json
from postledger.core import money
from postledger.subscriptions import queries
from postledger.subscriptions.types import SubscriptionView
from postledger.usage import queries as usage
from postledger.workflows import (
    activate,
    buy_package,
    cancel,
    change_period,
    change_plan,
    change_quantities,
    change_start,
    convert_trial,
    move_to_monthly,
    resume,
    subscribe,
    suspend,
    switch_charge,
)

router = routes.area("Subscriptions")
HERE = "/accounts/{account_id}/subscription"
Preview = Annotated[bool, Field(description="true: tell what would be booked, and change nothing")]


class Subscription(Schema):
    """How a subscription stands. Ends of periods are exclusive."""

    id: int
    seller_id: int
    buyer_id: int
    plan_id: int
    currency: str
    status: str
    months: int
    period_start: dt.date
    period_end: dt.date
    month_start: dt.date
    month_end: dt.date
    next_close: dt.date | None
    activated_on: dt.date | None
    trial_ends_on: dt.date | None
    suspended_on: dt.date | None
    suspended_reason: str
    exchange_since: dt.date | None
    is_parked: bool
    quantities: dict[str, str]
    switched: dict[str, bool]
    packages: dict[str, str]


class Change(Schema):
    """A dated change, as it was asked for."""

    on: dt.date
    kind: str
    data: dict[str, Any]
    actor: str
    at: dt.datetime


class Reading(Schema):
    """One measurement; `source` says where it was read."""

    meter: str
    day: dt.date
    taken_at: dt.datetime
    value: str
    source: str


class NewSubscription(forms.Body):
    """A plan of the account's seller and one of the billing periods it is sold for, in months.

    `promotions` are percentages off, and only a seller gives them.
    """

    plan_id: forms.Id
    months: forms.Months
    quantities: dict[str, forms.Units] = Field(default={})
    promotions: list[forms.DecimalText] = Field(default=[])
    is_trial: bool = False


class Quantities(forms.Body):
    """The new quantities by charge; charges left out stay."""

    quantities: dict[str, forms.Units] = Field(min_length=1)


class Switch(forms.Body):
    """An optional charge, on or off."""

    charge: forms.Name
    is_on: bool


class Package(forms.Body):
    """The name of an extra package of the plan."""

    package: forms.Name


class OtherPlan(forms.Body):
    """Another plan of the same seller."""

    plan_id: forms.Id


class Period(forms.Body):
    """The billing period in months."""

    months: forms.Months


class Start(forms.Body):
    """The first day of the billing period, and the credit you give for what is paid twice because of it; none by itself."""

    start: forms.Day
    credit: forms.Amount | None = None
    credit_text: forms.Text = ""


class Reason(forms.Body):
    """Why the account is suspended."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]


class Accounts(Schema):
    """The accounts it happened to: of a reseller, his customers among them."""

    account_ids: list[int]


class Moved(forms.Proposal):
    """What moving the start books. `paid_twice`: what the buyer pays a second time, tax included; offer it as credit."""

    paid_twice: str
    credit_id: int | None


class Monthly(Schema):
    """What the move books, and how long the credit lasts.

    `refund` is what comes back for the unused time, taxes included; `balance` is what the seller then holds for the buyer.
    `credit_lasts_until` is the close at which the credit no longer covers the expected month; null without credit.
    """

    proposal: forms.Proposal
    currency: str
    refund: str
    balance: str
    monthly_cost: str
    credit_lasts_until: dt.date | None


@router.get(HERE, response=Subscription)
def subscription(request: HttpRequest, account_id: forms.Id):
    """The newest subscription of an account."""
    return _subscription(queries.subscription_of(request.auth, account_id))


@routes.books(router, HERE, response=forms.Proposal)
def start(request: HttpRequest, account_id: forms.Id, payload: NewSubscription, preview: Preview = False):
    """Subscribe to a plan. Answers what it books: the first period's fees; nothing while a review is awaited."""
    return forms.proposal(
        subscribe.subscribe(
            request.auth,
            buyer_id=account_id,
            plan_id=payload.plan_id,
            months=payload.months,
            quantities=forms.units(payload.quantities),
            promotions=[money.exact(percent) for percent in payload.promotions],
            is_trial=payload.is_trial,
            now=clock.now(),
            preview=preview,
        )
    )


@router.get(HERE + "/changes", response=list[Change])
def changes(request: HttpRequest, account_id: forms.Id):
    """The dated changes of the newest subscription, newest first."""
    held = queries.subscription_of(request.auth, account_id)
    return queries.changes(request.auth, held.id)


@routes.books(router, HERE + "/quantities", response=forms.Proposal)
def set_quantities(request: HttpRequest, account_id: forms.Id, payload: Quantities, preview: Preview = False):
    """Order more or fewer units. More is charged for the days left, fewer is refunded by them."""
    return forms.proposal(
        change_quantities.change_quantities(
            request.auth,
            buyer_id=account_id,
            quantities=forms.units(payload.quantities),
            now=clock.now(),
            preview=preview,
        )
    )


@routes.books(router, HERE + "/switches", response=forms.Proposal)
def switch(request: HttpRequest, account_id: forms.Id, payload: Switch, preview: Preview = False):
    """Switch an optional charge on or off."""
    return forms.proposal(
        switch_charge.switch_charge(
            request.auth,
            buyer_id=account_id,
            charge=payload.charge,
            is_on=payload.is_on,
            now=clock.now(),
            preview=preview,
        )
    )


@routes.books(router, HERE + "/packages", response=forms.Proposal)
def add_package(request: HttpRequest, account_id: forms.Id, payload: Package, preview: Preview = False):
    """Buy one more extra package."""
    return forms.proposal(
        buy_package.buy_package(
            request.auth, buyer_id=account_id, package=payload.package, now=clock.now(), preview=preview
        )
    )


@routes.books(router, HERE + "/plan", response=forms.Proposal)
def set_plan(request: HttpRequest, account_id: forms.Id, payload: OtherPlan, preview: Preview = False):
    """Change to another plan: the old one is refunded by the days left, the new one charged for them."""
    return forms.proposal(
        change_plan.change_plan(
            request.auth, buyer_id=account_id, plan_id=payload.plan_id, now=clock.now(), preview=preview
        )
    )


@routes.books(router, HERE + "/period", response=forms.Proposal)
def set_period(request: HttpRequest, account_id: forms.Id, payload: Period, preview: Preview = False):
    """Choose another billing period the plan is sold for."""
    return forms.proposal(
        change_period.change_period(
            request.auth, buyer_id=account_id, months=payload.months, now=clock.now(), preview=preview
        )
    )


@routes.books(router, HERE + "/monthly", response=Monthly)
def go_monthly(request: HttpRequest, account_id: forms.Id, preview: Preview = False):
    """Move a longer billing period to monthly: the unused time becomes credit that pays for the months to come."""
    move = move_to_monthly.move_to_monthly(
        request.auth, buyer_id=account_id, now=clock.now(), preview=preview
    )
    currency = move.proposal.currency
    return {
        "proposal": forms.proposal(move.proposal),
        "currency": currency,
        "refund": money.text(move.refund, currency),
        "balance": money.text(move.balance, currency),
        "monthly_cost": money.text(move.monthly_cost, currency),
        "credit_lasts_until": move.credit_lasts_until,
    }


@routes.books(router, HERE + "/start", response=Moved)
def set_start(request: HttpRequest, account_id: forms.Id, payload: Start, preview: Preview = False):
    """Move the start of the billing period; the seller's to do. `credit` is booked with the change, all or nothing."""
    moved = change_start.change_start(
        request.auth,
        buyer_id=account_id,
        start=payload.start,
        credit=None if payload.credit is None else forms.minor(request.auth, account_id, payload.credit),
        credit_text=payload.credit_text,
        now=clock.now(),
        preview=preview,
    )
    return forms.proposal(moved.proposal) | {
        "paid_twice": money.text(moved.paid_twice, moved.proposal.currency),
        "credit_id": moved.credit_id,
    }


@routes.books(router, HERE + "/cancel", response=forms.Proposal)
def end(request: HttpRequest, account_id: forms.Id, preview: Preview = False):
    """Cancel: usage of the open month is billed, what was prepaid is refunded by the days left."""
    return forms.proposal(cancel.cancel(request.auth, buyer_id=account_id, now=clock.now(), preview=preview))


@routes.books(router, HERE + "/suspend", response=Accounts)
def stop(request: HttpRequest, account_id: forms.Id, payload: Reason):
    """Suspend an account you sell to, and a reseller's customers with him. Nothing is refunded."""
    done = suspend.suspend(request.auth, buyer_id=account_id, reason=payload.reason, now=clock.now())
    return {"account_ids": list(done)}


@routes.books(router, HERE + "/resume", response=Accounts)
def go_on(request: HttpRequest, account_id: forms.Id):
    """Let a suspended account go on, and those suspended with it."""
    return {"account_ids": list(resume.resume(request.auth, buyer_id=account_id, now=clock.now()))}


@routes.books(router, HERE + "/convert", response=forms.Proposal)
def convert(request: HttpRequest, account_id: forms.Id, preview: Preview = False):
    """Make a trial a paying subscription: the charges recorded on trial, then the first period."""
    return forms.proposal(
        convert_trial.convert_trial(request.auth, buyer_id=account_id, now=clock.now(), preview=preview)
    )


@routes.books(router, HERE + "/activate", response=forms.Proposal)
def accept(request: HttpRequest, account_id: forms.Id):
    """Activate a signup that waits for your review; its first period opens today."""
    return forms.proposal(activate.activate(request.auth, buyer_id=account_id, now=clock.now()))


@router.get("/subscriptions/{subscription_id}/readings", response=list[Reading])
def readings(request: HttpRequest, subscription_id: forms.Id, first: forms.Day, last: forms.Day):
    """The readings of a subscription's meters from a day to a day, both included, oldest first."""
    return [
        {
            "meter": row.meter,
            "day": row.day,
            "taken_at": row.taken_at,
            "value": as_json.plain(row.value),
            "source": row.source,
        }
        for row in usage.readings_of(request.auth, subscription_id, first=first, last=last)
    ]


def _subscription(row: SubscriptionView) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in Subscription.model_fields}
    return told | {"quantities": {charge: as_json.plain(count) for charge, count in row.quantities.items()}}
