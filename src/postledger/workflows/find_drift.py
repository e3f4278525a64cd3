"""Walk over everything our reseller account holds on a platform and say what is otherwise than here."""

import datetime as dt

from postledger.connectors import contract
from postledger.provisioning import operations, queries
from postledger.provisioning.types import DriftLine, ResourceView
from postledger.resources import exchange
from postledger.workflows import _platform


def find_drift(*, connection_id: int, now: dt.datetime) -> tuple[DriftLine, ...]:
    """Accounts that are nobody's here, that are missing there, or that have another plan or status there; kept with the
    connection. Nothing is changed.

    Raises:
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: the walk did not come to its end; what the
            last one found stays.
    """
    held = {found.key: found for found in queries.accounts_on(connection_id=connection_id)}
    cause = _platform.Cause(actor="system", purpose="find_drift", now=now)
    lines: list[DriftLine] = []
    seen: set[str] = set()
    try:
        with _platform.platform(connection_id=connection_id, cause=cause) as session:
            cursor = None
            while True:
                page = session.inventory(cursor=cursor)
                for found in page.items:
                    if found.kind == exchange.ACCOUNT:
                        seen.add(found.name)
                        lines += _compared(found, held.get(found.name))
                cursor = page.cursor
                if cursor is None:
                    break
    except contract.Failure as error:
        _platform.note_failure(connection_id=connection_id, error=error, now=now)
        raise
    for name, entry in held.items():
        if name not in seen and entry.observed is not None:
            lines.append(
                _line("missing", name, "It is kept and billed here but is no longer on the platform.", entry)
            )
    operations.record_drift(connection_id=connection_id, lines=lines, now=now)
    return tuple(lines)


def _compared(found: contract.Candidate, entry: ResourceView | None) -> list[DriftLine]:
    if entry is None:
        company = found.spec.company or found.spec.email or ""
        words = f"It is on the platform{f' ({company})' if company else ''} and linked to no customer here."
        return [_line("unlinked", found.name, f"{words} Link it, or find out who pays for it.", None)]
    lines = []
    for field, code in (("plan", "wrong_plan"), ("status", "wrong_status")):
        wanted, there = entry.desired.get(field), getattr(found.spec, field)
        if entry.is_settled and wanted and there and wanted != there:
            lines.append(
                _line(code, found.name, f"Its {field} is {there} on the platform and {wanted} here.", entry)
            )
    return lines


def _line(code: str, name: str, words: str, entry: ResourceView | None) -> DriftLine:
    return DriftLine(
        code=code,
        kind=exchange.ACCOUNT,
        name=name,
        words=words,
        account_id=entry.account_id if entry else None,
        resource_id=entry.id if entry else None,
    )
