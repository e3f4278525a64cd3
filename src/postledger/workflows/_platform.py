"""The one place where sessions with platforms and DNS hosts are opened.

Invariant: no call leaves the machine while a database transaction is open. A transaction would hold locks for as long as
a strange server likes, and would roll back our knowledge of what was done there.
"""

import contextlib
import dataclasses
import datetime as dt
import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection as database

from postledger.connectors import contract, registry
from postledger.provisioning import operations, queries
from postledger.provisioning.types import Credentials

PASSES = frozenset({"unreachable", "timed_out", "unavailable", "agent_unreachable", "platform_down"})
"""Reasons of failures that have nothing to do with the thing worked on: the whole connection waits, and goes on by itself."""

BLOCKS = frozenset(
    {
        *("credentials", "no_platform", "bad_url", "redirected", "http_error", "one_time_password"),
        *("reseller_pending", "reseller_suspended", "reseller_cancelled", "reseller_demo"),
        *("reseller_not_found", "no_reseller_space", "must_be_reseller", "role_not_allowed"),
        *("bad_zones", "no_right_on_owner"),
    }
)
"""Reasons for which nothing at all works on the connection until somebody corrects it, or our account on the platform."""
_PLACE_WAIT_S = 5.0
_PLACE_POLL_S = 0.1


class CallInTransaction(AssertionError):
    """A connector was called while a database transaction was open: a bug of ours."""


@dataclass
class Cause:
    """On whose behalf and for which thing calls are made; set anew before each thing."""

    actor: str
    purpose: str
    now: dt.datetime
    resource_id: int | None = None


@contextlib.contextmanager
def platform(
    *, connection_id: int, cause: Cause, is_check: bool = False, is_wide: bool = False
) -> Iterator[Any]:
    """A `contract.Platform` session; every changing call is kept in the log of calls.

    The calls of all sessions of a connection together are bounded by its setting `concurrency`, whatever processes they
    are opened in: a session takes one place, a wide one all that are free but one.

    Args:
        is_wide: many calls will be made at once.
        is_check: open it also while the connection is left alone or stopped, to find out how it stands.
    Raises:
        contract.TemporaryFailure: reason `left_alone`: the platform was out of order a moment ago.
        contract.TemporaryFailure: reason `busy`: no place became free in time.
        contract.PermanentFailure: reason `stopped`: somebody has to change or check the connection first.
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: from its calls.
        CallInTransaction: from its calls, when a transaction is open.
    """
    with _open(connection_id=connection_id, cause=cause, is_check=is_check, is_wide=is_wide) as session:
        yield session


@contextlib.contextmanager
def dns_host(*, connection_id: int, cause: Cause) -> Iterator[Any]:
    """A `contract.DnsHost` session, as `platform`."""
    with _open(connection_id=connection_id, cause=cause) as session:
        yield session


def is_known(error: Exception) -> bool:
    """True when the session was not opened because the connection is left alone, stopped, or busy: no news about it."""
    return isinstance(error, contract.Failure) and error.reason in ("left_alone", "stopped", "busy")


def note_failure(*, connection_id: int, error: Exception, now: dt.datetime) -> bool:
    """True when the failure is one of the whole connection, which is then kept with it."""
    reason = getattr(error, "reason", "")
    is_whole = reason in (PASSES if isinstance(error, contract.TemporaryFailure) else BLOCKS)
    if is_whole:
        operations.record_connection_failure(
            connection_id=connection_id, words=str(error), is_permanent=reason in BLOCKS, now=now
        )
    return is_whole


@contextlib.contextmanager
def _open(
    *, connection_id: int, cause: Cause, is_check: bool = False, is_wide: bool = False
) -> Iterator[Any]:
    access = queries.credentials(connection_id)
    if not is_check:
        _require_usable(access, cause.now)
    connector = registry.get(access.connector)
    settings = registry.settings(code=access.connector, values=access.values)

    kept: dict[int, int] = {}

    def audit(entry: contract.AuditEntry, /) -> None:
        if entry.outcome == "sent":
            kept[entry.number] = operations.record_call_sent(
                connection_id=connection_id,
                seller_id=access.seller_id,
                resource_id=cause.resource_id,
                actor=cause.actor,
                purpose=cause.purpose,
                operation=entry.operation,
                request=entry.request,
                at=cause.now,
            )
            return
        operations.record_call_ended(
            call_id=kept.pop(entry.number),
            answer=entry.answer,
            outcome=entry.outcome,
            detail=entry.detail,
            duration_s=entry.duration_s,
        )

    with _placed(connection_id, settings, is_wide=is_wide, is_check=is_check) as placed:
        session = connector.open(settings=placed, audit=audit)
        try:
            yield _Guarded(session)
        finally:
            session.close()


@contextlib.contextmanager
def _placed(connection_id: int, settings: Any, *, is_wide: bool, is_check: bool) -> Iterator[Any]:
    """The settings with as many calls at once as places could be taken. A check goes without one, and so does everything
    where the platform knows no limit."""
    places = getattr(settings, "concurrency", None)
    if places is None or is_check:
        yield settings
        return
    places = max(1, places)
    most = max(1, places - 1) if is_wide else 1
    until = time.monotonic() + _PLACE_WAIT_S
    while not (taken := operations.take_places(connection_id=connection_id, places=places, most=most)):
        if time.monotonic() > until:
            raise contract.TemporaryFailure(
                "The platform is busy with as many calls as it bears. Try again in a moment.",
                reason="busy",
                retry_after_s=10,
            )
        time.sleep(_PLACE_POLL_S)
    try:
        yield dataclasses.replace(settings, concurrency=len(taken))
    finally:
        operations.give_back_places(connection_id=connection_id, places=taken)


def _require_usable(access: Credentials, now: dt.datetime) -> None:
    """Nothing, when nobody has found out that the platform is better left alone."""
    if access.condition == "blocked":
        raise contract.PermanentFailure(
            f"The connection {access.name} is stopped until it is corrected or checked: {access.words}",
            reason="stopped",
        )
    if access.retry_at is not None and access.retry_at > now:
        left_s = math.ceil((access.retry_at - now).total_seconds())
        raise contract.TemporaryFailure(
            f"The platform is out of order and is tried again in {_duration(left_s)}: {access.words}",
            reason="left_alone",
            retry_after_s=left_s,
        )


def _duration(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"


class _Guarded:
    """A session that refuses to be called inside a transaction."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._session, name)
        return _guarded(found) if callable(found) else found


def _guarded(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if _in_transaction():
            raise CallInTransaction(f"{call.__name__} was called inside a database transaction")
        made = call(*args, **kwargs)
        return _Guarded(made) if isinstance(made, contract.DnsHost) else made

    return checked


def _in_transaction() -> bool:
    """True inside a transaction of the house; the one a test is wrapped in does not count."""
    return any(not getattr(block, "_from_testcase", False) for block in database.atomic_blocks)
