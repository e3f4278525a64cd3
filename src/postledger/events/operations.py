"""Writes of events and of the outbox. Call them inside the transaction of what they tell about."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from postledger.events import queries
from postledger.events.models import Event, OutboxMail
from postledger.events.types import EventView, MailView

_LEASE = dt.timedelta(minutes=5)
_FIRST_DELAY = dt.timedelta(minutes=1)
_LAST_DELAY = dt.timedelta(hours=6)
_MOST_ATTEMPTS = 12


def note(
    *,
    seller_id: int,
    account_id: int | None,
    kind: str,
    subject: str,
    at: dt.datetime,
    actor: str,
    data: Mapping[str, Any] | None = None,
) -> EventView:
    """The event, newly noted.

    Args:
        kind: code of what happened, "subscription.started".
        subject: what it happened to, in words a user knows.
        data: further facts as JSON; never a password, key or token.
        actor: `viewer.actor`.
    """
    row = Event.objects.create(
        seller_id=seller_id,
        account_id=account_id,
        kind=kind,
        subject=subject[:300],
        data=dict(data or {}),
        at=at,
        actor=actor,
    )
    return queries.event_view(row)


def enqueue_mail(
    *,
    seller_id: int,
    account_id: int | None,
    key: str,
    to: str,
    subject: str,
    body: str,
    now: dt.datetime,
    sender: str = "",
    attachment: Mapping[str, Any] | None = None,
) -> MailView:
    """The mail that waits under this key; a second call with the key returns the first mail unchanged."""
    row, _ = OutboxMail.objects.get_or_create(
        seller_id=seller_id,
        key=key,
        defaults={
            "account_id": account_id,
            "to": to,
            "sender": sender,
            "subject": subject,
            "body": body,
            "attachment": dict(attachment or {}),
            "created_at": now,
            "due_at": now,
        },
    )
    return queries.mail_view(row)


def claim_due_mails(*, now: dt.datetime, most: int = 50) -> tuple[MailView, ...]:
    """Mails whose time has come, now leased to the caller: for five minutes nobody else is given them."""
    with transaction.atomic():
        rows = list(
            OutboxMail.objects.select_for_update(skip_locked=True)
            .filter(delivered_at=None, due_at__lte=now)
            .order_by("due_at", "pk")[:most]
        )
        OutboxMail.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=now + _LEASE)
    return tuple(queries.mail_view(row) for row in rows)


def mail_delivered(*, mail_id: int, now: dt.datetime) -> None:
    """The mail counts as delivered."""
    OutboxMail.objects.filter(pk=mail_id, delivered_at=None).update(
        delivered_at=now, due_at=None, last_error=""
    )


def mail_failed(*, mail_id: int, error: str, now: dt.datetime) -> None:
    """The mail is tried again later, with growing delays; after twelve attempts it waits for an operator."""
    with transaction.atomic():
        row = OutboxMail.objects.select_for_update().get(pk=mail_id)
        row.attempts += 1
        row.last_error = error[:2000]
        delay = min(_FIRST_DELAY * 2 ** (row.attempts - 1), _LAST_DELAY)
        row.due_at = None if row.attempts >= _MOST_ATTEMPTS else now + delay
        row.save(update_fields=["attempts", "last_error", "due_at"])
