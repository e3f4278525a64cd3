"""What is otherwise on a platform than here or on the last invoice, and what somebody said about it.

Invariant: a walk replaces what the last one found; that somebody ignores a difference outlives it, as long as the
difference is there, and that somebody credited or billed one, as long as its figures are the same.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, F, Max, Q, Sum

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.events import operations as events
from postledger.provisioning import queries
from postledger.provisioning.models import Connection, Difference, Resource
from postledger.provisioning.types import DifferenceView, DriftShare, DriftSummary, NewDifference, Worth
from postledger.resources import exchange

_SEEN_FIELDS = (
    *("kind", "words", "there", "here", "billed", "worth", "currency", "action", "account_id", "resource_id"),
    *("seen_at", "settled_at"),
)
_BOOKED = ("bill", "credit")
_COUNTED = {
    exchange.DOMAIN: "exchange.domains",
    exchange.CONTACT: "exchange.contacts",
    exchange.DISTRIBUTION_LIST: "exchange.lists",
    exchange.PUBLIC_FOLDER: "exchange.folders",
    exchange.ORGANIZATION: "exchange.organizations",
}
NAMED_ONE_BY_ONE = (exchange.CONTACT, exchange.DISTRIBUTION_LIST, exchange.PUBLIC_FOLDER)
"""What a walk over a platform compares by name; the rest is counted."""

_MAILBOXES = {"shared": "exchange.shared_mailboxes", "room": "exchange.resource_mailboxes"}
_MAILBOXES |= {"equipment": "exchange.resource_mailboxes"}


class NoReason(Refusal):
    """What is ignored or let pass needs a reason, for whoever asks later."""

    reason = "no_reason"


def record(*, connection_id: int, found: Iterable[NewDifference], now: dt.datetime) -> None:
    """What a walk over the platform found replaces what the last one found."""
    seller_id = Connection.objects.values_list("seller_id", flat=True).get(pk=connection_id)
    rows = {
        (line.code, line.name[:300], line.meter): Difference(
            seller_id=seller_id,
            connection_id=connection_id,
            code=line.code,
            kind=line.kind,
            name=line.name[:300],
            meter=line.meter,
            words=line.words,
            there=line.there[:200],
            here=line.here[:200],
            billed=line.billed[:200],
            worth=line.worth,
            currency=line.currency,
            action=line.action,
            account_id=line.account_id,
            resource_id=line.resource_id,
            first_seen_at=now,
            seen_at=now,
        )
        for line in found
    }
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection_id)
        known = Difference.objects.filter(connection_id=connection_id)
        for old in known.filter(settled_at__isnull=False, action__in=_BOOKED):
            new = rows.get((old.code, old.name, old.meter))
            if new is not None and (new.there, new.here, new.billed) == (old.there, old.here, old.billed):
                new.settled_at = old.settled_at  # or it would be booked every day
        gone = [pk for pk, *key in known.values_list("pk", "code", "name", "meter") if tuple(key) not in rows]
        Difference.objects.filter(pk__in=gone).delete()
        Difference.objects.bulk_create(
            rows.values(),
            batch_size=1000,
            update_conflicts=True,
            unique_fields=["seller", "connection", "code", "name", "meter"],
            update_fields=list(_SEEN_FIELDS),
        )
        Connection.objects.filter(pk=connection_id).update(drift_at=now)


def differences_of(
    viewer: Viewer,
    connection_id: int,
    *,
    with_ignored: bool = False,
    code: str = "",
    after: int = 0,
    most: int | None = None,
) -> tuple[DifferenceView, ...]:
    """The differences of a connection, those worth most first; ignored ones last.

    Raises:
        NotVisible: the connection is none of his.
    """
    queries.connection(viewer, connection_id)
    rows = Difference.objects.filter(connection_id=connection_id)
    if not with_ignored:
        rows = rows.filter(ignored_at=None)
    if code:
        rows = rows.filter(code=code)
    in_order = rows.order_by(
        F("ignored_at").asc(nulls_first=True), F("worth").desc(nulls_last=True), "code", "name", "pk"
    )
    return tuple(_view(row) for row in in_order[after : None if most is None else after + most])


def ignored_of(viewer: Viewer, connection_id: int, *, most: int) -> tuple[DifferenceView, ...]:
    """The differences of a connection that somebody ignores, the latest first.

    Raises:
        NotVisible: the connection is none of his.
    """
    queries.connection(viewer, connection_id)
    rows = Difference.objects.filter(connection_id=connection_id, ignored_at__isnull=False)
    return tuple(_view(row) for row in rows.order_by("-ignored_at", "pk")[:most])


def summary(viewer: Viewer, connection_id: int) -> DriftSummary:
    """What the last walk over the platform of a connection found to be otherwise, counted without what is ignored.

    Raises:
        NotVisible: the connection is none of his.
    """
    queries.connection(viewer, connection_id)
    rows = Difference.objects.filter(connection_id=connection_id)
    counts: Counter[str] = Counter()
    total: Counter[str] = Counter()
    by_code: dict[str, Counter[str]] = {}
    heeded = rows.filter(ignored_at=None).values_list("code", "currency")
    for code, currency, count, worth in heeded.annotate(Count("pk"), Sum("worth")):
        counts[code] += count
        sums = by_code.setdefault(code, Counter())
        if worth:
            sums[currency] += worth
            total[currency] += worth
    shares = [DriftShare(code, counts[code], _worth(sums)) for code, sums in by_code.items()]
    return DriftSummary(
        at=Connection.objects.values_list("drift_at", flat=True).get(pk=connection_id),
        count=sum(counts.values()),
        ignored=rows.filter(ignored_at__isnull=False).count(),
        worth=_worth(total),
        by_code=tuple(sorted(shares, key=lambda share: (-sum(sum_ for _, sum_ in share.worth), share.code))),
    )


def difference(viewer: Viewer, difference_id: int) -> DifferenceView:
    """A difference on a connection of a seller this viewer acts for.

    Raises:
        NotVisible: there is none such for him.
    """
    row = Difference.objects.filter(pk=difference_id).first()
    if row is None:
        raise accounts.NotVisible("There is no such difference any more.")
    queries.connection(viewer, row.connection_id)
    return _view(row)


def ignore(viewer: Viewer, *, difference_id: int, because: str, now: dt.datetime) -> DifferenceView:
    """The difference counts as right, for this reason; it is told no more as long as it is there.

    Raises:
        NotVisible, NotAllowed: not the viewer's connection. NoReason: say why.
    """
    found = difference(viewer, difference_id)
    accounts.require_seller(viewer, found.seller_id)
    if not because.strip():
        raise NoReason(f"Say why the difference of {found.name} is right as it is.")
    with transaction.atomic():
        Difference.objects.filter(pk=difference_id).update(
            ignored_at=now, ignored_by=viewer.actor[:64], ignored_because=because.strip()[:500]
        )
        _note(found, "drift.ignored", viewer, now, {"because": because.strip()[:500]})
    return difference(viewer, difference_id)


def heed(viewer: Viewer, *, difference_id: int, now: dt.datetime) -> DifferenceView:
    """The difference, ignored no more."""
    found = difference(viewer, difference_id)
    accounts.require_seller(viewer, found.seller_id)
    with transaction.atomic():
        Difference.objects.filter(pk=difference_id).update(ignored_at=None, ignored_by="", ignored_because="")
        _note(found, "drift.heeded", viewer, now, {})
    return difference(viewer, difference_id)


def settle(viewer: Viewer, *, difference_id: int, action: str, now: dt.datetime) -> DifferenceView:
    """It is kept that somebody acted on the difference; the next walk looks whether it helped."""
    found = difference(viewer, difference_id)
    accounts.require_seller(viewer, found.seller_id)
    with transaction.atomic():
        Difference.objects.filter(pk=difference_id).update(settled_at=now)
        _note(found, "drift.acted", viewer, now, {"action": action, "worth": found.worth})
    return difference(viewer, difference_id)


def untold(*, connection_id: int) -> tuple[DifferenceView, ...]:
    """Differences nobody was told of yet and nobody ignores; for the nightly mail."""
    rows = Difference.objects.filter(connection_id=connection_id, mailed_at=None, ignored_at=None)
    return tuple(_view(row) for row in rows.order_by("-worth", "name"))


def last_told_at(*, connection_id: int) -> dt.datetime | None:
    """When the operators were last told of something on a connection."""
    rows = Difference.objects.filter(connection_id=connection_id)
    return rows.aggregate(last=Max("mailed_at"))["last"]


def told(*, difference_ids: Iterable[int], now: dt.datetime) -> None:
    """The operators were told of these."""
    Difference.objects.filter(pk__in=list(difference_ids)).update(mailed_at=now)


def held_counts(*, connection_id: int) -> dict[int, dict[str, int]]:
    """Platform account of ours → meter → how many things of it we hold and want; for the walk over a platform."""
    found: dict[int, dict[str, int]] = {}
    rows = Resource.objects.filter(
        connection_id=connection_id, gone_at=None, is_wanted=True, root__isnull=False
    )
    fields = ("root_id", "kind", "desired__kind", "observed__kind")
    for root_id, kind, wanted, seen in rows.values_list(*fields).iterator():
        if kind == exchange.MAILBOX:
            meter = _MAILBOXES.get(seen or wanted or "user", "exchange.mailboxes")
        else:
            meter = _COUNTED.get(kind, "")
        counts = found.setdefault(root_id, {})
        counts[meter] = counts.get(meter, 0) + 1
    return found


def held_names(*, connection_id: int) -> dict[int, dict[str, dict[str, bool]]]:
    """Platform account of ours → kind → name of each contact, list and folder we want → whether it was seen there; for the
    walk over a platform."""
    found: dict[int, dict[str, dict[str, bool]]] = {}
    rows = Resource.objects.filter(
        connection_id=connection_id, gone_at=None, is_wanted=True, kind__in=NAMED_ONE_BY_ONE
    )
    fields = ("root_id", "kind", "key", "observed__isnull")
    for root_id, kind, key, is_unseen in rows.values_list(*fields).iterator():
        found.setdefault(root_id, {}).setdefault(kind, {})[key] = not is_unseen
    return found


def unsettled_roots(*, connection_id: int) -> frozenset[int]:
    """Platform accounts of ours in which a worker still has something to do by itself; for the walk over a platform."""
    moving = Q(condition__in=("waiting", "working", "retrying", "removing"))
    rows = Resource.objects.filter(moving, connection_id=connection_id, gone_at=None)
    return frozenset(root_id or pk for pk, root_id in rows.values_list("pk", "root_id"))


def _note(found: DifferenceView, kind: str, viewer: Viewer, now: dt.datetime, data: dict) -> None:
    events.note(
        seller_id=found.seller_id,
        account_id=found.account_id,
        kind=kind,
        subject=f"{found.code} {found.name}",
        data={"words": found.words, **data},
        at=now,
        actor=viewer.actor,
    )


def _worth(sums: Counter[str]) -> Worth:
    return tuple(sorted(sums.items()))


def _view(row: Difference) -> DifferenceView:
    return DifferenceView(
        id=row.pk,
        seller_id=row.seller_id,
        connection_id=row.connection_id,
        code=row.code,
        kind=row.kind,
        name=row.name,
        meter=row.meter,
        words=row.words,
        there=row.there,
        here=row.here,
        billed=row.billed,
        worth=row.worth,
        currency=row.currency,
        action=row.action,
        account_id=row.account_id,
        resource_id=row.resource_id,
        first_seen_at=row.first_seen_at,
        seen_at=row.seen_at,
        ignored_at=row.ignored_at,
        ignored_by=row.ignored_by,
        ignored_because=row.ignored_because,
        settled_at=row.settled_at,
    )
