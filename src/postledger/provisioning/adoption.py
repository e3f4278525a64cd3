"""Accounts that were on a platform before us: proposals whose they are, and linking them.

Invariant: linking writes here and nowhere else. What is linked wishes exactly what was found, so the worker that looks
at it next has nothing to change.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.events import operations as events
from postledger.provisioning import queries
from postledger.provisioning.models import Connection, Difference, EstateWalk, Proposal, Resource, Zone
from postledger.provisioning.types import (
    ProposalCounts,
    ProposalView,
    ResourceView,
    UnsubscribedAccount,
    Walk,
)
from postledger.resources import exchange, matching, spec

_SEEN_FIELDS = (
    *(
        "walk_id",
        "reference",
        "name",
        "email",
        "company",
        "person",
        "plan",
        "status",
        "organizations",
        "domains",
    ),
    *("mailboxes", "account_id", "score", "reasons", "is_proved", "is_unique", "is_further"),
)


class AlreadyDecided(Refusal):
    """Somebody has decided about the account before."""

    reason = "already_decided"


class HasExchange(Refusal):
    """The customer holds an account on a platform already."""

    reason = "has_exchange"


class SeveralSubscriptions(Refusal):
    """The login holds several subscriptions on the platform, and this is not the one to link."""

    reason = "several_subscriptions"


class NoCustomer(Refusal):
    """Nobody is proposed, and nobody was named."""

    reason = "no_customer"


class NotLinked(Refusal):
    """There is nothing to unlink."""

    reason = "not_linked"


class BeingWorkedOn(Refusal):
    """Something is on its way to the platform and would be left half done."""

    reason = "being_worked_on"


# --- the walk -------------------------------------------------------------------------------------------------------


def begin_walk(*, connection_id: int, now: dt.datetime, anew: bool = False) -> Walk:
    """The walk to go on with: the one that was interrupted, else a new one; with `anew` always a new one."""
    with transaction.atomic():
        held = Connection.objects.select_for_update().get(pk=connection_id)
        rows = EstateWalk.objects.filter(
            seller_id=held.seller_id, connection_id=connection_id, finished_at=None
        )
        if anew:
            rows.update(finished_at=now)
        row = rows.first()
        if row is None:
            row = EstateWalk.objects.create(
                seller_id=held.seller_id, connection_id=connection_id, started_at=now
            )
    return _walk(row)


def record_page(
    *,
    walk: Walk,
    rows: Iterable[Mapping[str, Any]],
    cursor: Mapping[str, Any] | None,
    seen: int,
    total: int,
    now: dt.datetime,
) -> Walk:
    """One page of proposals, kept together with the place the walk goes on from; the last page ends the walk.

    What was decided stays decided; what is no longer on the platform, or linked, is proposed no more.

    Args:
        rows: the fields of `ProposalView` that a page tells, by name, with `reference_key`.
    """
    with transaction.atomic():
        row = EstateWalk.objects.select_for_update().get(pk=walk.id)
        made = [
            Proposal(seller_id=row.seller_id, connection_id=row.connection_id, walk_id=row.pk, **fields)
            for fields in rows
        ]
        _forget_mistakes(row, made)
        Proposal.objects.bulk_create(
            made,
            batch_size=1000,
            update_conflicts=True,
            unique_fields=["seller", "connection", "reference_key"],
            update_fields=[name.removesuffix("_id") for name in _SEEN_FIELDS],
        )
        # linked once, and nobody's again since
        Proposal.objects.filter(walk_id=row.pk, state="linked").update(
            state="open", decided_by="", decided_at=None
        )
        row.cursor, row.seen, row.total = cursor, seen, total
        if cursor is None:
            row.finished_at = now
            left = Proposal.objects.filter(connection_id=row.connection_id, state="open")
            left.exclude(walk_id=row.pk).delete()
        row.save(update_fields=["cursor", "seen", "total", "finished_at"])
    return _walk(row)


def _forget_mistakes(walk: EstateWalk, rows: list[Proposal]) -> None:
    """Nobody is proposed from whom the account was unlinked before."""
    mistakes = dict(
        Proposal.objects.filter(connection_id=walk.connection_id, unlinked_from__isnull=False).values_list(
            "reference_key", "unlinked_from_id"
        )
    )
    for row in rows:
        if row.account_id is not None and mistakes.get(row.reference_key) == row.account_id:
            row.account_id, row.score, row.reasons = None, 0, []
            row.is_proved = row.is_unique = False


def customers_to_match(*, seller_id: int) -> tuple[matching.Customer, ...]:
    """The customers of a seller who hold no account on a platform yet, with what may prove that one is theirs."""
    holding = set(
        Resource.objects.filter(kind=exchange.ACCOUNT, gone_at=None, seller_id=seller_id).values_list(
            "account_id", flat=True
        )
    )
    zones: dict[int, set[str]] = {}
    for account_id, name in Zone.objects.filter(seller_id=seller_id).values_list("account_id", "name"):
        zones.setdefault(account_id, set()).add(name)
    return tuple(
        matching.Customer(
            id=found.id,
            code=found.code,
            name=found.name,
            email=found.email,
            is_email_proved=bool(found.email) and found.email_confirmed_at is not None,
            zones=frozenset(zones.get(found.id, ())),
        )
        for found in accounts.sold_to(Viewer.system(), seller_id)
        if found.kind == "customer" and found.id not in holding
    )


def linked_references(*, connection_id: int) -> frozenset[str]:
    """The references of the accounts we hold on a connection, as `reference_key` writes them."""
    rows = Resource.objects.filter(connection_id=connection_id, kind=exchange.ACCOUNT, gone_at=None)
    return frozenset(
        reference_key(found) for found in rows.exclude(reference={}).values_list("reference", flat=True)
    )


def reference_key(reference: Mapping[str, Any]) -> str:
    """A platform's reference as text that is the same whenever the reference is."""
    return ",".join(f"{name}={reference[name]}" for name in sorted(reference))


# --- reading --------------------------------------------------------------------------------------------------------


def walk_of(viewer: Viewer, connection_id: int) -> Walk | None:
    """The latest walk over a connection, or None before the first.

    Raises:
        NotVisible: the connection is none of his.
    """
    queries.connection(viewer, connection_id)
    row = EstateWalk.objects.filter(connection_id=connection_id).order_by("-pk").first()
    return None if row is None else _walk(row)


def proposals_of(
    viewer: Viewer,
    connection_id: int,
    *,
    state: str = "open",
    is_matched: bool | None = None,
    least: int = 0,
    search: str = "",
    after: int = 0,
    most: int = 50,
) -> tuple[ProposalView, ...]:
    """The proposals of a connection, surest first.

    Args:
        is_matched: with a customer, or without one; None for both.
        least: only with at least this score.
        search: part of the user name, e-mail or company.
        after: how many to leave out.
    Raises:
        NotVisible: the connection is none of his.
    """
    queries.connection(viewer, connection_id)
    rows = Proposal.objects.filter(connection_id=connection_id, state=state, score__gte=least)
    if is_matched is not None:
        rows = rows.filter(account__isnull=not is_matched)
    if search:
        rows = rows.filter(
            Q(name__icontains=search) | Q(email__icontains=search) | Q(company__icontains=search)
        )
    return tuple(_view(row) for row in rows.order_by("-score", "name", "pk")[after : after + most])


def counts(viewer: Viewer, connection_id: int) -> ProposalCounts:
    """How many proposals of a connection there are, by state.

    Raises:
        NotVisible: the connection is none of his.
    """
    queries.connection(viewer, connection_id)
    found = Proposal.objects.filter(connection_id=connection_id).aggregate(
        open=Count("pk", filter=Q(state="open")),
        matched=Count("pk", filter=Q(state="open", account__isnull=False)),
        further=Count("pk", filter=Q(state="open", is_further=True)),
        linked=Count("pk", filter=Q(state="linked")),
        rejected=Count("pk", filter=Q(state="rejected")),
    )
    unmatched = found["open"] - found["matched"] - found["further"]
    return ProposalCounts(unmatched=unmatched, **found)


def proposal(viewer: Viewer, proposal_id: int) -> ProposalView:
    """A proposal on a connection of a seller this viewer acts for.

    Raises:
        NotVisible: there is none such for him.
    """
    row = Proposal.objects.filter(pk=proposal_id).first()
    if row is None:
        raise accounts.NotVisible("There is no such proposal.")
    queries.connection(viewer, row.connection_id)
    return _view(row)


def sure(*, connection_id: int, least: int, most: int = 500) -> tuple[ProposalView, ...]:
    """Open proposals that a rule may link: proved, at least so sure, one customer for the account and one account for the
    customer; for workflows."""
    rows = Proposal.objects.filter(
        connection_id=connection_id, state="open", score__gte=least, is_proved=True, is_unique=True
    )
    several = (
        Proposal.objects.filter(
            connection_id=connection_id, state="open", score__gte=least, account__isnull=False
        )
        .values("account_id")
        .annotate(times=Count("pk"))
        .filter(times__gt=1)
        .values("account_id")
    )
    return tuple(_view(row) for row in rows.exclude(account_id__in=several).order_by("-score", "pk")[:most])


def without_subscription() -> tuple[UnsubscribedAccount, ...]:
    """Wanted accounts on platforms that belong to no subscription; for workers."""
    inside = Resource.objects.filter(
        parent_id=OuterRef("pk"), kind=exchange.ORGANIZATION, gone_at=None, observed__isnull=False
    )
    rows = Resource.objects.filter(
        kind=exchange.ACCOUNT, gone_at=None, is_wanted=True, subscription_id=None
    ).annotate(has_organization=Exists(inside))
    return tuple(
        UnsubscribedAccount(*row)
        for row in rows.order_by("pk").values_list("pk", "account_id", "has_organization")
    )


def unmatched(*, connection_id: int, after_id: int = 0, most: int = 200) -> tuple[ProposalView, ...]:
    """Open proposals for which no customer speaks, by number; for workflows."""
    rows = Proposal.objects.filter(
        connection_id=connection_id, state="open", account=None, is_further=False, pk__gt=after_id
    )
    return tuple(_view(row) for row in rows.order_by("pk")[:most])


# --- deciding -------------------------------------------------------------------------------------------------------


def link(
    viewer: Viewer,
    *,
    proposal_id: int,
    account_id: int,
    subscription_id: int | None,
    now: dt.datetime,
) -> ProposalView:
    """The account on the platform and the organizations in it, held by this customer from now on; nothing is changed there.

    Raises:
        NotVisible, NotAllowed: not the viewer's connection, or not a customer of its seller.
        AlreadyDecided, HasExchange, SeveralSubscriptions: the message says what.
    """
    found = proposal(viewer, proposal_id)
    accounts.require_seller(viewer, found.seller_id)
    customer = accounts.require_selling_to(viewer, account_id)
    if customer.seller_id != found.seller_id:
        raise accounts.NotVisible("There is no such customer.")
    with transaction.atomic():
        row = Proposal.objects.select_for_update().get(pk=proposal_id)
        if row.state == "linked":
            raise AlreadyDecided(f"{row.name} is linked already. Read the list again.")
        _require_first(row)
        holds = Resource.objects.filter(account_id=account_id, kind=exchange.ACCOUNT, gone_at=None).first()
        if holds is not None:
            raise HasExchange(
                f"{customer.name} holds the account {holds.key} on a platform already. Choose another customer."
            )
        top = _declared(
            row,
            customer.id,
            subscription_id,
            viewer,
            now,
            kind=exchange.ACCOUNT,
            wish=exchange.Account(username=row.name, plan=row.plan or None),
            reference=row.reference,
        )
        for held in row.organizations:
            _declared(
                row,
                customer.id,
                subscription_id,
                viewer,
                now,
                kind=exchange.ORGANIZATION,
                wish=exchange.Organization(code=held["code"]),
                reference=held["reference"],
                parent=top,
            )
        row.account_id = customer.id
        _decide(row, "linked", viewer, now)
        undecided = Proposal.objects.filter(connection_id=row.connection_id, state="open")
        nobodys = {"account": None, "score": 0, "reasons": [], "is_proved": False, "is_unique": False}
        undecided.filter(account_id=customer.id).update(**nobodys)
        undecided.filter(name=row.name).update(is_further=True, **nobodys)
    return _view(row)


def _require_first(row: Proposal) -> None:
    """Nothing, when no other subscription of this login stands in the way.

    Raises:
        SeveralSubscriptions: one does; a login is one customer's here, with one subscription.
    """
    holder = Resource.objects.filter(
        connection_id=row.connection_id, kind=exchange.ACCOUNT, key=row.name, gone_at=None
    ).first()
    if holder is not None:
        name = accounts.account(Viewer.system(), holder.account_id).name
        raise SeveralSubscriptions(
            f"The login {row.name} belongs to {name} here, with another of its subscriptions on the platform. One login is "
            "one customer's: whoever signs on with it sees all of them. On the platform, move the organization into the "
            "linked subscription, or give this one a login of its own; then go over the platform again."
        )
    if row.is_further:
        raise SeveralSubscriptions(
            f"This subscription of {row.name} holds no Exchange, and another one of the same login does. Link that one."
        )


def reject(viewer: Viewer, *, proposal_id: int, now: dt.datetime) -> ProposalView:
    """The account is not the proposed customer's and is no more proposed to be; it can still be linked by hand.

    Raises:
        NotVisible, NotAllowed: not the viewer's connection.
        AlreadyDecided: it is linked.
    """
    found = proposal(viewer, proposal_id)
    accounts.require_seller(viewer, found.seller_id)
    with transaction.atomic():
        row = Proposal.objects.select_for_update().get(pk=proposal_id)
        if row.state == "linked":
            raise AlreadyDecided(f"{row.name} is linked already. Read the list again.")
        _decide(row, "rejected", viewer, now)
    return _view(row)


def unlinkable(viewer: Viewer, account_id: int) -> ResourceView:
    """The customer's account on a platform, which can be unlinked as it stands.

    Raises:
        NotVisible, NotAllowed: the viewer does not sell to the customer, or the connection is none of his.
        NotLinked, BeingWorkedOn: the message says what.
    """
    accounts.require_selling_to(viewer, account_id)
    top = Resource.objects.filter(account_id=account_id, kind=exchange.ACCOUNT, gone_at=None).first()
    if top is None:
        raise NotLinked("There is no account on a platform linked to this customer.")
    accounts.require_seller(viewer, queries.connection(viewer, top.connection_id).seller_id)
    _require_whole(top, _tree(top))
    return queries.resource_view(top)


def holder(viewer: Viewer, *, connection_id: int, name: str) -> ResourceView:
    """The account of this login on the platform, with the customer who holds it here.

    Raises:
        NotVisible: the connection is none of his.
        NotLinked: nobody holds it.
    """
    queries.connection(viewer, connection_id)
    row = Resource.objects.filter(
        connection_id=connection_id, kind=exchange.ACCOUNT, key__iexact=name.strip(), gone_at=None
    ).first()
    if row is None:
        raise NotLinked(f"No account {name} on this platform is linked to a customer.")
    return queries.resource_view(row)


def unlink(viewer: Viewer, *, account_id: int, reason: str, is_billed: bool, now: dt.datetime) -> None:
    """The customer's account on a platform and all in it, held here no more; nothing is changed there.

    It is to be decided about again, at once and by every later walk, and is not proposed to be his again.

    Args:
        reason, is_billed: why, and what became of the usage; kept with who did it.
    Raises:
        as `unlinkable`.
    """
    with transaction.atomic():
        found = unlinkable(viewer, account_id)
        top = Resource.objects.select_for_update().get(pk=found.id)
        rows = _tree(top)
        _require_whole(top, rows)
        _propose_again(top, rows)
        ids = [row.pk for row in rows]
        Resource.objects.filter(pk__in=ids).update(
            condition="gone",
            gone_at=now,
            observed=None,
            observed_generation=F("generation"),
            reference={},
            due_at=None,
            words="",
            reason="",
        )
        Difference.objects.filter(connection_id=top.connection_id, resource_id__in=ids).delete()
        events.note(
            seller_id=top.seller_id,
            account_id=account_id,
            kind="adoption.unlinked",
            subject=top.key,
            at=now,
            actor=viewer.actor,
            data={
                "why": reason,
                "is_billed": is_billed,
                "was_made_here": not top.is_linked,
                "reference": top.reference,
                "held": dict(Counter(row.kind for row in rows)),
            },
        )


def _tree(top: Resource) -> list[Resource]:
    return list(Resource.objects.filter(Q(pk=top.pk) | Q(root_id=top.pk), gone_at=None).order_by("pk"))


def _require_whole(top: Resource, rows: Sequence[Resource]) -> None:
    """Nothing, when no worker is at the tree and nothing ordered is on its way to the platform.

    Raises:
        NotLinked, BeingWorkedOn: it is; the message says what to do.
    """
    if not top.reference:
        raise NotLinked(
            f"{top.key} is not known to be on the platform yet. Wait until it is set up, or remove Exchange."
        )
    is_leased = ["provisioning_resource.leased_until > clock_timestamp()"]
    if Resource.objects.filter(pk=top.pk).extra(where=is_leased).exists():
        raise BeingWorkedOn(f"{top.key} is being worked on at this moment. Try again in a minute.")
    for row in rows:
        is_untouched = row.is_linked and row.generation == 1  # it wishes what was found
        is_open = not row.is_wanted or (row.observed_generation < row.generation and not is_untouched)
        if is_open and row.condition not in ("refused", "needs_operator"):
            raise BeingWorkedOn(
                f"{row.key} is being changed on the platform and would be left half done. Wait until it is ready; what "
                "is stopped can be refused under Changes."
            )


def _propose_again(top: Resource, rows: Sequence[Resource]) -> None:
    """The account as it stands is to be decided about; a walk that is under way does not take it for vanished."""
    inside: dict[str, list[Resource]] = {}
    for row in rows:
        inside.setdefault(row.kind, []).append(row)
    walk = EstateWalk.objects.filter(connection_id=top.connection_id, finished_at=None).first()
    others = Proposal.objects.filter(connection_id=top.connection_id, name=top.key, is_further=True)
    others.exclude(organizations=[]).update(is_further=False)
    Proposal.objects.update_or_create(
        seller_id=top.seller_id,
        connection_id=top.connection_id,
        reference_key=reference_key(top.reference),
        defaults={
            **({} if walk is None else {"walk": walk}),
            "reference": top.reference,
            "name": top.key,
            "plan": top.desired.get("plan") or "",
            "organizations": [
                {"code": row.key, "name": row.desired.get("name") or "", "reference": row.reference}
                for row in inside.get(exchange.ORGANIZATION, ())
            ],
            **(
                {
                    "domains": [row.key for row in inside[exchange.DOMAIN]],
                    "mailboxes": len(inside.get(exchange.MAILBOX, ())),
                }
                if exchange.DOMAIN in inside
                else {}
            ),
            "account": None,
            "score": 0,
            "reasons": [],
            "is_proved": False,
            "is_unique": False,
            "is_further": False,
            "state": "open",
            "decided_by": "",
            "decided_at": None,
            "unlinked_from_id": top.account_id,
        },
    )


def _declared(
    row: Proposal,
    account_id: int,
    subscription_id: int | None,
    viewer: Viewer,
    now: dt.datetime,
    *,
    kind: str,
    wish: Any,
    reference: Mapping[str, Any],
    parent: Resource | None = None,
) -> Resource:
    key = spec.name_of(kind=kind, spec=wish)
    try:
        with transaction.atomic():
            return Resource.objects.create(
                seller_id=row.seller_id,
                account_id=account_id,
                subscription_id=subscription_id,
                connection_id=row.connection_id,
                parent=parent,
                root=parent,
                kind=kind,
                key=key,
                desired=spec.dump(spec=wish),
                reference=dict(reference),
                is_linked=True,
                wished_by=viewer.actor[:64],
                due_at=now,
                created_at=now,
            )
    except IntegrityError as error:
        raise AlreadyDecided(
            f"{key} on the platform is held by a customer here already. Look at his account first."
        ) from error


def _decide(row: Proposal, state: str, viewer: Viewer, now: dt.datetime) -> None:
    row.state, row.decided_by, row.decided_at = state, viewer.actor[:64], now
    row.save(update_fields=["account", "state", "decided_by", "decided_at"])
    events.note(
        seller_id=row.seller_id,
        account_id=row.account_id if state == "linked" else None,
        kind=f"adoption.{state}",
        subject=row.name,
        data={"score": row.score, "reasons": row.reasons},
        at=now,
        actor=viewer.actor,
    )


def _walk(row: EstateWalk) -> Walk:
    return Walk(
        id=row.pk,
        connection_id=row.connection_id,
        cursor=row.cursor,
        seen=row.seen,
        total=row.total,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _view(row: Proposal) -> ProposalView:
    return ProposalView(
        id=row.pk,
        seller_id=row.seller_id,
        connection_id=row.connection_id,
        name=row.name,
        reference=row.reference,
        email=row.email,
        company=row.company,
        person=row.person,
        plan=row.plan,
        status=row.status,
        organizations=tuple(row.organizations),
        domains=tuple(row.domains),
        mailboxes=row.mailboxes,
        account_id=row.account_id,
        score=row.score,
        reasons=tuple(row.reasons),
        is_proved=row.is_proved,
        is_unique=row.is_unique,
        is_further=row.is_further,
        state=row.state,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
