"""What the other floors know about events and the outbox."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EventView:
    """Something that happened. `kind` is the code, `subject` what it happened to, in words."""

    id: int
    seller_id: int
    account_id: int | None
    kind: str
    subject: str
    data: Mapping[str, Any]
    at: dt.datetime
    actor: str


@dataclass(frozen=True, slots=True)
class MailView:
    """A mail of the outbox. `attachment` says what to render with it, e.g. {"invoice_id": 7}."""

    id: int
    seller_id: int
    account_id: int | None
    key: str
    to: str
    sender: str
    subject: str
    body: str
    attachment: Mapping[str, Any]
    created_at: dt.datetime
    due_at: dt.datetime | None
    attempts: int
    last_error: str
    delivered_at: dt.datetime | None
