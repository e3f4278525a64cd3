"""Find out whether a connection can be used, and say in words what is wrong with it."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ConnectionView
from postledger.workflows import _platform


def check_connection(viewer: Viewer, *, connection_id: int, now: dt.datetime) -> ConnectionView:
    """The connection with the report of a fresh check; a usable one works again at once.

    Raises:
        NotVisible, NotAllowed: not this viewer's to check.
    """
    found = queries.connection(viewer, connection_id)
    accounts.require_seller(viewer, found.seller_id)
    cause = _platform.Cause(actor=viewer.actor, purpose="check_connection", now=now)
    with _platform.platform(connection_id=connection_id, cause=cause, is_check=True) as session:
        report = session.check()
    operations.record_check(
        connection_id=connection_id,
        product=report.product,
        lines=[{"code": line.code, "state": line.state, "text": line.text} for line in report.lines],
        now=now,
    )
    return queries.connection(viewer, connection_id)
