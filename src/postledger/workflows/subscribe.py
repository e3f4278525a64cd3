"""A buyer signs up for a plan."""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.catalog import queries as catalog
from postledger.core import changes
from postledger.core.errors import Refusal
from postledger.payments import operations as payments
from postledger.subscriptions import operations as subscriptions
from postledger.workflows import _booking


class NoTrial(Refusal):
    """The plan has no trial."""

    reason = "no_trial"


def subscribe(
    viewer: Viewer,
    *,
    buyer_id: int,
    plan_id: int,
    months: int,
    now: dt.datetime,
    quantities: Mapping[str, Fraction] | None = None,
    promotions: Sequence[Fraction] = (),
    is_trial: bool = False,
    preview: bool = False,
) -> ProposalView:
    """What signing up books: the first period's fees, a trial's recorded ones (M9), or nothing while a review is awaited.

    Signing up is never refused by a credit limit (M5).

    Args:
        months: the billing period, one the plan is sold for.
        promotions: percentages off (M2); a buyer cannot give them to himself.
    Raises:
        NotVisible, NotAllowed, NoSuchPlan, NotOffered, AboveMaximum, AlreadySubscribed: nothing was written.
    """
    buyer = accounts.require_acting(viewer, buyer_id)
    if promotions and viewer.account_id == buyer_id:
        raise accounts.NotAllowed("Promotions are given by your seller. Subscribe without them.")
    if not all(0 < percent <= 100 for percent in promotions):
        raise changes.BadQuantity("A promotion is a percentage above 0, and 100 at most.")
    catalog.require_offered(viewer, plan_id, seller_id=buyer.seller_id)
    day = _booking.local_day(buyer.seller_id, now)
    terms = catalog.book_of([plan_id]).terms_at(plan_id)(day)
    if months not in terms.periods:
        offered = ", ".join(str(length) for length in terms.periods)
        raise changes.NotOffered(f"Plan {terms.plan} is not sold for {months} months, only for {offered}.")
    if is_trial and terms.trial is None:
        raise NoTrial(f"Plan {terms.plan} has no trial.")
    changes.check_quantities(terms, quantities or {})
    with transaction.atomic():
        subscription_id = subscriptions.start(
            seller_id=buyer.seller_id,
            buyer_id=buyer_id,
            plan_id=plan_id,
            kept_version_id=terms.id if terms.is_grandfathered else None,
            currency=terms.currency,
            months=months,
            status="waiting",
            day=day,
            promotions=[str(percent) for percent in promotions],
            quantities=quantities or {},
            trial_ends_on=day + dt.timedelta(days=terms.trial.days) if is_trial and terms.trial else None,
            actor=viewer.actor,
            now=now,
        )
        for charge in terms.charges.values():
            if not charge.activated:
                subscriptions.switch_off_at_start(
                    subscription_id=subscription_id, seller_id=buyer.seller_id, charge=charge.name
                )
        if terms.is_moderated and not is_trial:
            if not preview:
                payments.notify(buyer, kind="waiting", day=day, now=now)
            view = ProposalView(day, terms.currency, ())
        else:
            event = changes.start_trial if is_trial else changes.activate
            view = _booking.apply(
                viewer,
                subscription_id,
                lambda sub: event(sub, day=day),
                kind="trial" if is_trial else "activate",
                data={},
                now=now,
                may_be_refused=False,
            )
        if preview:
            transaction.set_rollback(True)
            view = dataclasses.replace(view, invoice_ids=())
    return view
