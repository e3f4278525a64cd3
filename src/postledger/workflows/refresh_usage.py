"""Ask a platform to measure disk space afresh, some time before it is read."""

import datetime as dt

from postledger.connectors import contract
from postledger.provisioning import queries
from postledger.workflows import _platform


def refresh_usage(*, connection_id: int, now: dt.datetime) -> int:
    """How many accounts of a connection were asked for; the platform measures in its own time.

    Raises:
        contract.TemporaryFailure, contract.PermanentFailure: the connection could not be used at all.
    """
    targets = [
        contract.Target(kind=found.kind, name=found.key, ref=found.reference)
        for found in queries.metered(connection_id=connection_id)
    ]
    if not targets:
        return 0
    cause = _platform.Cause(actor="system", purpose="refresh_usage", now=now)
    try:
        with _platform.platform(connection_id=connection_id, cause=cause, is_wide=True) as session:
            failed = session.refresh_usage(targets=targets)
    except contract.Failure as error:
        _platform.note_failure(connection_id=connection_id, error=error, now=now)
        raise
    return len(targets) - len(failed)
