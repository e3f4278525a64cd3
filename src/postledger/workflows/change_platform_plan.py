"""A customer's Exchange gets another size: another plan of the platform, add-ons, or other ceilings."""

import dataclasses
import datetime as dt
from collections.abc import Mapping

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, meters, spec
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _domains, _limits


class NotOffered(Refusal):
    """The platform plan is not switched on for the customer's plan."""

    reason = "not_offered"


class BelowUse(Refusal):
    """The plan grants less than is used."""

    reason = "below_use"


def change_platform_plan(
    viewer: Viewer,
    *,
    account_id: int,
    platform_plan_id: int,
    now: dt.datetime,
    addons: Mapping[str, int] | None = None,
    quotas: Mapping[str, int] | None = None,
) -> ResourceView:
    """The platform account with another plan ordered; what is None stays.

    Raises:
        NotVisible, NotAllowed: not this viewer's account.
        NoExchange, NotOffered, BelowUse: the message says what.
    """
    accounts.require_acting(viewer, account_id)
    account = queries.account_resource(viewer, account_id)
    if account is None or not account.is_wanted:
        raise _domains.NoExchange("There is no Exchange yet. Add it first.")
    held = subscriptions.subscription_of(viewer, account_id)
    offers = queries.offers_for(viewer, account_id=account_id, plan_id=held.plan_id)
    chosen = next((offer for offer in offers if offer.platform_plan_id == platform_plan_id), None)
    if chosen is None or chosen.connection_id != account.connection_id:
        raise NotOffered("Your plan does not offer this size of Exchange. Choose one that is listed.")
    things = [found for found in queries.resources_of(viewer, account_id) if found.is_wanted]
    for kind, meter in _limits.METERS.items():
        limit = chosen.limits.get(meter)
        count = sum(1 for found in things if found.kind == kind)
        if limit is not None and limit != exchange.UNLIMITED and count > limit:
            raise BelowUse(
                f"{chosen.name} allows {limit} {meters.METERS[meter].title.lower()} and you have {count}. Remove some, or "
                "choose a larger size."
            )
    wish = dataclasses.replace(spec.load(kind=exchange.ACCOUNT, data=account.desired), plan=chosen.reference)
    if addons is not None:
        wish = dataclasses.replace(wish, addons=dict(addons))
    if quotas is not None:
        wish = dataclasses.replace(wish, quotas=dict(quotas))
    return operations.change_wish(resource_id=account.id, desired=wish, now=now, actor=viewer.actor)
