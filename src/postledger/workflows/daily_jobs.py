"""What every day brings, after usage was read: closes, late usage, corrections, trials that end, debtors."""

import datetime as dt
from collections.abc import Collection

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing import queries as billing_queries
from postledger.catalog import queries as catalog
from postledger.payments import operations as payments
from postledger.payments import queries as payment_queries
from postledger.payments.types import DueStep, is_near
from postledger.subscriptions import operations as subscriptions
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import (
    accrued_charges,
    billing_run,
    convert_trial,
    remove_exchange,
    set_exchange_status,
    suspend,
)


def daily_jobs(*, now: dt.datetime, sellers: Collection[int] | None = None) -> None:
    """Do what is due today, for every seller, or for these, by his own date. Running it again adds nothing (C4)."""
    viewer = Viewer.system()
    billing_run.billing_run(viewer, now=now, seller_ids=sellers)
    for today, seller_ids in _by_today(now, sellers):
        billing.bill_arrived_usage(
            billing_queries.subscriptions_with_arrived_readings(today=today, seller_ids=seller_ids),
            day=today,
            now=now,
        )
        advance = catalog.plans_metered_in_advance(seller_ids=seller_ids)
        if advance:
            billing.correct_advance(subscription_queries.active_on_plans(advance), day=today, now=now)
        for subscription_id in subscription_queries.trials_over(seller_ids=seller_ids, today=today):
            _, buyer_id = subscription_queries.buyer_of(subscription_id)
            _suspend(viewer, buyer_id, convert_trial.TRIAL_OVER, now)
        for buyer_id, ceiling, warned_for in payment_queries.to_watch(seller_ids=seller_ids):
            _watch(viewer, buyer_id, ceiling, warned_for, today, now)
        # what an interrupted run left, and debts that reached the limit by something else than a purchase (M5)
        for buyer_id in payment_queries.cards_to_charge(seller_ids=seller_ids, or_at_limit=True):
            payments.charge_card(buyer_id=buyer_id, day=today, now=now)
    for seller_id in payment_queries.sellers_with_debtor_steps():
        if sellers is not None and seller_id not in sellers:
            continue
        today = now.astimezone(accounts.time_zone_of(seller_id)).date()
        while steps := payments.due_steps(seller_id=seller_id, today=today):
            for step in steps:
                _take(viewer, step, now)


def _take(viewer: Viewer, step: DueStep, now: dt.datetime) -> None:
    """One step with one debtor (M7); deleting an account with Exchange only suspends it on the platform until confirmed."""
    if step.step == "suspension":
        _suspend(viewer, step.buyer_id, "debt", now)
        set_exchange_status.set_exchange_status(account_id=step.buyer_id, is_active=False, now=now)
    if step.step == "deletion":
        remove_exchange.remove_exchange(
            viewer, account_id=step.buyer_id, reason="debt", now=now, is_confirmed=False
        )
    with transaction.atomic():
        if step.step == "deletion":
            subscriptions.delete_open(buyer_id=step.buyer_id, now=now)
        payments.step_taken(step, now=now)


def _watch(
    viewer: Viewer,
    buyer_id: int,
    ceiling: int,
    warned_for: dt.date | None,
    today: dt.date,
    now: dt.datetime,
) -> None:
    """Warn a buyer once a month when what has accrued comes near his ceiling."""
    try:
        accrued = accrued_charges.accrued_charges(viewer, buyer_id=buyer_id, now=now)
    except (billing.CannotBill, subscription_queries.NoSubscription):
        return
    if accrued.since is None or warned_for == accrued.since or not is_near(accrued.used, ceiling):
        return
    with transaction.atomic():
        payments.ceiling_warned(buyer_id=buyer_id, month=accrued.since)
        payments.notify(accounts.require_account(viewer, buyer_id), kind="ceiling", day=today, now=now)


def _suspend(viewer: Viewer, buyer_id: int, reason: str, now: dt.datetime) -> None:
    """A parked account cannot be suspended before its close is billed; its operator is told so already."""
    try:
        suspend.suspend(viewer, buyer_id=buyer_id, reason=reason, now=now)
    except billing.CannotBill:
        return


def _by_today(now: dt.datetime, sellers: Collection[int] | None) -> list[tuple[dt.date, list[int]]]:
    groups: dict[dt.date, list[int]] = {}
    for id, zone in accounts.time_zones(accounts.seller_ids() if sellers is None else sellers).items():
        groups.setdefault(now.astimezone(zone).date(), []).append(id)
    return sorted(groups.items())
