"""The one place where sessions with platforms and DNS hosts are opened.

Invariant: no call leaves the machine while a database transaction is open. A transaction would hold locks for as long as
a strange server likes, and would roll back our knowledge of what was done there.
"""

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection as database

from postledger.connectors import contract, registry
from postledger.provisioning import operations, queries

_CONNECTION_REASONS = frozenset({"unreachable", "timed_out", "unavailable", "busy", "agent_unreachable"})
_BLOCKING_REASONS = frozenset(
    {"credentials", "no_platform", "bad_url", "redirected", "http_error", "one_time_password"}
)


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
def platform(*, connection_id: int, cause: Cause) -> Iterator[Any]:
    """A `contract.Platform` session; every changing call is kept in the log of calls.

    Raises:
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: from its calls.
        CallInTransaction: from its calls, when a transaction is open.
    """
    with _open(connection_id=connection_id, cause=cause) as session:
        yield session


@contextlib.contextmanager
def dns_host(*, connection_id: int, cause: Cause) -> Iterator[Any]:
    """A `contract.DnsHost` session, as `platform`."""
    with _open(connection_id=connection_id, cause=cause) as session:
        yield session


def note_failure(*, connection_id: int, error: Exception, now: dt.datetime) -> bool:
    """True when the failure is one of the whole connection, which is then kept with it."""
    reason = getattr(error, "reason", "")
    if isinstance(error, contract.TemporaryFailure) and reason in _CONNECTION_REASONS:
        operations.record_connection_failure(
            connection_id=connection_id, words=str(error), is_permanent=False, now=now
        )
        return True
    if isinstance(error, contract.PermanentFailure) and reason in _BLOCKING_REASONS:
        operations.record_connection_failure(
            connection_id=connection_id, words=str(error), is_permanent=True, now=now
        )
        return True
    return False


@contextlib.contextmanager
def _open(*, connection_id: int, cause: Cause) -> Iterator[Any]:
    access = queries.credentials(connection_id)
    connector = registry.get(access.connector)
    settings = registry.settings(code=access.connector, values=access.values)

    def audit(entry: contract.AuditEntry, /) -> None:
        operations.record_call(
            connection_id=connection_id,
            seller_id=access.seller_id,
            resource_id=cause.resource_id,
            actor=cause.actor,
            purpose=cause.purpose,
            operation=entry.operation,
            request=entry.request,
            answer=entry.answer,
            outcome=entry.outcome,
            detail=entry.detail,
            duration_s=entry.duration_s,
            at=cause.now,
        )

    session = connector.open(settings=settings, audit=audit)
    try:
        yield _Guarded(session)
    finally:
        session.close()


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
