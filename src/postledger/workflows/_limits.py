"""What a customer's plan lets him have at most (R9), and what of it is read from the platform."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.catalog import queries as catalog
from postledger.core import fees
from postledger.core.errors import Refusal
from postledger.core.facts import Subscription
from postledger.core.terms import Terms
from postledger.provisioning import differences, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, meters
from postledger.subscriptions import queries as subscriptions

METERS = {
    exchange.DOMAIN: "exchange.domains",
    exchange.MAILBOX: "exchange.mailboxes",
    exchange.CONTACT: "exchange.contacts",
    exchange.DISTRIBUTION_LIST: "exchange.lists",
    exchange.PUBLIC_FOLDER: "exchange.folders",
}
"""Kind → the meter that counts it."""
_COSTLY = frozenset({"exchange.activesync", "space.disk", "space.traffic"})
_GIB = 1024


class TreeLimit(Refusal):
    """The plan of the reseller allows no more of this among all his customers."""

    reason = "tree_limit"


class PlanLimit(Refusal):
    """The plan allows no more of this."""

    reason = "plan_limit"


def terms_of(*, subscription_id: int, seller_id: int, now: dt.datetime) -> Terms:
    """The terms in force for a subscription."""
    plan_id, kept = subscriptions.plan_of(subscription_id)
    day = now.astimezone(accounts.time_zone_of(seller_id)).date()
    return catalog.book_of([plan_id]).terms_at(plan_id, kept)(day)


def quotas(terms: Terms) -> dict[str, int]:
    """The plan's maxima as ceilings for the platform: meter → units, or megabytes where it is measured in them."""
    found = {}
    for name, charge in terms.charges.items():
        meter = meters.METERS.get(name)
        if meter is not None and charge.is_exchange and charge.max is not None:
            found[name] = int(charge.max * _GIB) if meter.unit == meters.MIB else int(charge.max)
    if "exchange.domains" in found:
        found["exchange.domains"] += 1  # platforms count a technical domain of their own
    return found


def sold_quotas(sub: Subscription, *, day: dt.date) -> dict[str, int]:
    """What the plan and what was ordered allow, as ceilings for the platform: the maxima, and of a reserved charge the
    units that are free or paid for."""
    terms = sub.terms_at(day)
    found = quotas(terms)
    for name, charge in terms.charges.items():
        meter = meters.METERS.get(name)
        if meter is None or not charge.is_exchange or charge.measure != "reserved":
            continue
        units = max(fees.held(sub, charge), sub.free_units(terms, name))
        ceiling = int(units * _GIB) if meter.unit == meters.MIB else int(units)
        if name == "exchange.domains":
            ceiling += 1
        found[name] = min(ceiling, found.get(name, ceiling))
    return found


def tree_ceilings(*, seller_id: int, now: dt.datetime) -> dict[str, int]:
    """What all customers of a reseller may have together, by the plan he buys: meter → units, or megabytes; empty for the
    provider, and where his plan sets no maxima."""
    own = subscriptions.of_buyers([seller_id]).get(seller_id)
    if own is None:
        return {}
    above, _ = subscriptions.buyer_of(own)
    return quotas(terms_of(subscription_id=own, seller_id=above, now=now))


@dataclass(frozen=True)
class Tree:
    """What all customers of a seller hold on his platforms, and what they may have together.

    Attributes:
        held: platform account → meter → how many things of it we hold and want.
        total: the same over all accounts.
        together: meter → units, or megabytes; empty for the provider, and where the plan a reseller buys sets no maxima.
    """

    held: Mapping[int, Mapping[str, int]]
    total: Mapping[str, int]
    together: Mapping[str, int]

    def sold(self, sub: Subscription, *, account_id: int, day: dt.date) -> dict[str, int]:
        """The ceilings of one platform account: what is sold to it, and no more than the others leave."""
        found = sold_quotas(sub, day=day)
        mine = self.held.get(account_id, {})
        for meter, top in self.together.items():
            left = max(mine.get(meter, 0), top - (self.total.get(meter, 0) - mine.get(meter, 0)))
            found[meter] = min(found.get(meter, left), left)
        return found


def tree_of(*, seller_id: int, now: dt.datetime) -> Tree:
    """All that a seller's customers hold, on all his connections, and what they may have together."""
    held: dict[int, Mapping[str, int]] = {}
    for connection in queries.connections_of(Viewer.system(), seller_id):
        held |= differences.held_counts(connection_id=connection.id)
    total: Counter[str] = Counter()
    for counts in held.values():
        total.update(counts)
    return Tree(held, total, tree_ceilings(seller_id=seller_id, now=now))


def require_room_in_tree(*, seller_id: int, kind: str, more: int, now: dt.datetime) -> None:
    """Nothing, when what a reseller buys leaves room for so many more things of a kind among all his customers.

    Raises:
        TreeLimit: it does not; the request is refused as a whole.
    """
    meter = METERS.get(kind, "")
    own = subscriptions.of_buyers([seller_id]).get(seller_id)
    if own is None:
        return
    above, _ = subscriptions.buyer_of(own)
    charge = terms_of(subscription_id=own, seller_id=above, now=now).charges.get(meter)
    if charge is None or charge.max is None:
        return
    if queries.wanted_of_seller(seller_id=seller_id, kind=kind) + more > charge.max:
        title = meters.METERS[meter].title.lower()
        raise TreeLimit(
            f"Your provider has no room for further “{title}” at present. Nothing was changed. Ask him, and try again."
        )


def require_room(*, terms: Terms, kind: str, held: Iterable[ResourceView], more: int) -> None:
    """Nothing, when the plan allows so many more things of a kind.

    Args:
        held: what the customer has; only wanted things of the kind count.
    Raises:
        PlanLimit: it does not; the request is refused as a whole.
    """
    charge = terms.charges.get(METERS.get(kind, ""))
    if charge is None or charge.max is None:
        return
    count = sum(1 for found in held if found.kind == kind and found.is_wanted)
    if count + more > charge.max:
        title = meters.METERS[charge.name].title.lower()
        raise PlanLimit(
            f"Your plan allows {int(charge.max)} of “{title}” and you would have {count + more}. Nothing was changed. "
            "Remove some, or move to a larger plan."
        )


def meters_to_read(*, seller_id: int, now: dt.datetime) -> frozenset[str] | None:
    """The meters to ask a platform for: None for all that cost no further calls, else those and the costly ones that
    one of the seller's plans with Exchange charges for, or what he buys himself for his customers (U11)."""
    plans = queries.offered_plan_ids(Viewer.system(), seller_id=seller_id)
    book = catalog.book_of(plans)
    day = now.astimezone(accounts.time_zone_of(seller_id)).date()
    charged = {name for plan in plans for name in book.terms_at(plan)(day).charges}
    own = subscriptions.of_buyers([seller_id]).get(seller_id)
    if own is not None:
        above, _ = subscriptions.buyer_of(own)
        charged |= set(terms_of(subscription_id=own, seller_id=above, now=now).charges)
    costly = charged & _COSTLY
    return (frozenset(meters.METERS) - _COSTLY) | costly if costly else None
