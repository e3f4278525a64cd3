"""An account on a platform was linked to the wrong customer: the link is taken back, the platform is left as it is."""

import dataclasses
import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from postledger.accounts.types import Viewer
from postledger.billing.types import LineView, ProposalView
from postledger.core import changes, money
from postledger.core.errors import Refusal
from postledger.provisioning import adoption, queries, zones
from postledger.provisioning.differences import NoReason
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.subscriptions import queries as subscriptions
from postledger.usage import operations as usage
from postledger.usage import queries as readings
from postledger.workflows import _booking, read_account


class NotRead(Refusal):
    """What was used cannot be billed, for the platform does not tell it."""

    reason = "not_read"


class AnotherAmount(Refusal):
    """The usage comes to something else than what was agreed to."""

    reason = "another_amount"


@dataclass(frozen=True)
class Unlinking:
    """What unlinking does, or did.

    Attributes:
        name: the login on the platform.
        is_made: we made it from an order; otherwise it was there before us.
        is_suspended: it is suspended on the platform, and stays so.
        things: how many hosted things leave the records, the account among them.
        is_metered: its usage is read for a subscription, so there may be something to bill.
        is_read: its usage was read today; without it the amount to bill is not known.
        lines: what is booked, net: usage where it is billed, and refunds of what was charged ahead.
    """

    name: str
    organizations: tuple[str, ...]
    is_made: bool
    is_suspended: bool
    things: int
    is_metered: bool
    is_read: bool
    currency: str
    lines: tuple[LineView, ...]

    @property
    def amount(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def amount_text(self) -> str:
        return money.text(self.amount, self.currency) if self.currency else ""


def unlink(
    viewer: Viewer,
    *,
    account_id: int,
    now: dt.datetime,
    reason: str = "",
    is_billed: bool = False,
    agreed: int | None = None,
    preview: bool = False,
) -> Unlinking:
    """What unlinking the customer's account on the platform did. Nothing is changed there, and mail goes on arriving.

    Everything of it leaves our records and it is to be decided about again. Published DNS records stay as they are and
    become the customer's own. Months that have closed stay billed.

    Args:
        reason: why; it is kept with who did it.
        is_billed: bill what was used up to today, as when Exchange is removed (U5). Otherwise none of it is billed, and the
            readings of the open month are set aside, so that they never count as his.
        agreed: the net amount in minor units that was shown; another one is refused.
        preview: say what would be done, and do nothing.
    Raises:
        NotVisible, NotAllowed: the viewer does not sell to the customer, or the connection is none of his.
        NoReason, adoption.NotLinked, adoption.BeingWorkedOn, NotRead, AnotherAmount, CannotBill: the message says what.
    """
    found = adoption.unlinkable(viewer, account_id)
    if not preview and not reason.strip():
        raise NoReason(f"Say why {found.key} is unlinked.")
    if is_billed and not preview:
        _require_read(viewer, found, now)
    planned = _described(viewer, found, now)
    if found.subscription_id is not None:
        booked = _booked(viewer, found, is_billed, now, None)
        planned = dataclasses.replace(planned, currency=booked.currency, lines=booked.lines)
    if preview:
        return planned
    if agreed is not None and agreed != planned.amount:
        raise AnotherAmount(f"It comes to {planned.amount_text or 0} now. Look at it again.")
    if found.subscription_id is None:
        _leave(viewer, found, reason.strip(), is_billed, None, now)
        return planned
    booked = _booked(viewer, found, is_billed, now, reason.strip())
    return dataclasses.replace(planned, lines=booked.lines)


def _booked(
    viewer: Viewer, found: ResourceView, is_billed: bool, now: dt.datetime, reason: str | None
) -> ProposalView:
    """What is booked for the end of Exchange; without a reason it is a preview."""
    assert found.subscription_id is not None, "somebody's usage was read"
    since = subscriptions.subscription(viewer, found.subscription_id).exchange_since
    day = _booking.local_day(found.seller_id, now)
    return _booking.apply(
        viewer,
        found.subscription_id,
        lambda sub: changes.delete_exchange(sub, day=day, is_waived=not is_billed),
        kind="unlink_exchange",
        data={"is_billed": is_billed},
        now=now,
        preview=reason is None,
        may_be_refused=False,
        after=None if reason is None else lambda: _leave(viewer, found, reason, is_billed, since, now),
    )


def _leave(
    viewer: Viewer,
    found: ResourceView,
    reason: str,
    is_billed: bool,
    since: dt.date | None,
    now: dt.datetime,
) -> None:
    with transaction.atomic():
        adoption.unlink(viewer, account_id=found.account_id, reason=reason, is_billed=is_billed, now=now)
        zones.leave_mail(account_id=found.account_id, now=now, actor=viewer.actor)
        if is_billed or found.subscription_id is None or since is None:
            return
        opened = subscriptions.subscription(viewer, found.subscription_id).month_start
        if opened is not None:  # what was read on the day it opened has closed the month before
            first = since if since >= opened else opened + dt.timedelta(days=1)
            words = f"was read of {found.key}, which was linked by mistake"
            usage.set_aside(subscription_id=found.subscription_id, first=first, reason=words, now=now)


def _require_read(viewer: Viewer, found: ResourceView, now: dt.datetime) -> None:
    if found.subscription_id is None or _is_read(found, now):
        return
    problem = read_account.read_account(viewer, account_id=found.account_id, now=now)
    if problem or not _is_read(found, now):
        raise NotRead(
            f"The usage of {found.key} could not be read. {problem} Unlink it without billing, or try again later.".replace(
                "  ", " "
            )
        )


def _is_read(found: ResourceView, now: dt.datetime) -> bool:
    day = _booking.local_day(found.seller_id, now)
    return found.subscription_id is not None and readings.is_any_read([found.subscription_id], day=day)


def _described(viewer: Viewer, found: ResourceView, now: dt.datetime) -> Unlinking:
    things = queries.resources_of(viewer, found.account_id)
    seen = found.observed or {}
    return Unlinking(
        name=found.key,
        organizations=tuple(thing.key for thing in things if thing.kind == exchange.ORGANIZATION),
        is_made=not found.is_linked,
        is_suspended=seen.get("status") == "suspended",
        things=len(things),
        is_metered=found.subscription_id is not None,
        is_read=_is_read(found, now),
        currency="",
        lines=(),
    )
