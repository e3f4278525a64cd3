"""Reads of events and of the outbox. Who may see which account is asked of `accounts`, which stands above:
callers pass the accounts they have already been allowed."""

from collections.abc import Iterable

from django.db.models import Q

from postledger.events.models import Event, OutboxMail
from postledger.events.types import EventView, MailView


def events_of(*, account_id: int, most: int = 100) -> tuple[EventView, ...]:
    """The latest events of one account, newest first."""
    rows = Event.objects.filter(account_id=account_id).order_by("-at", "-pk")[:most]
    return tuple(event_view(row) for row in rows)


def events_of_seller(
    *, seller_id: int, most: int = 100, kinds: Iterable[str] | None = None
) -> tuple[EventView, ...]:
    """The latest events among all accounts of one seller and his own, newest first."""
    rows = Event.objects.filter(Q(seller_id=seller_id) | Q(account_id=seller_id))
    if kinds is not None:
        rows = rows.filter(kind__in=list(kinds))
    return tuple(event_view(row) for row in rows.order_by("-at", "-pk")[:most])


def mails_of(*, account_id: int, most: int = 100) -> tuple[MailView, ...]:
    """The mails written to one account, newest first."""
    rows = OutboxMail.objects.filter(account_id=account_id).order_by("-created_at", "-pk")[:most]
    return tuple(mail_view(row) for row in rows)


def stuck_mails(*, seller_id: int) -> tuple[MailView, ...]:
    """The mails of a seller that were given up and wait for an operator."""
    rows = OutboxMail.objects.filter(seller_id=seller_id, delivered_at=None, due_at=None).order_by("pk")
    return tuple(mail_view(row) for row in rows)


def event_view(row: Event) -> EventView:
    """The frozen value of a row; for this context only."""
    return EventView(
        id=row.pk,
        seller_id=row.seller_id,
        account_id=row.account_id,
        kind=row.kind,
        subject=row.subject,
        data=row.data,
        at=row.at,
        actor=row.actor,
    )


def mail_view(row: OutboxMail) -> MailView:
    """The frozen value of a row; for this context only."""
    return MailView(
        id=row.pk,
        seller_id=row.seller_id,
        account_id=row.account_id,
        key=row.key,
        to=row.to,
        sender=row.sender,
        subject=row.subject,
        body=row.body,
        attachment=row.attachment,
        created_at=row.created_at,
        due_at=row.due_at,
        attempts=row.attempts,
        last_error=row.last_error,
        delivered_at=row.delivered_at,
    )
