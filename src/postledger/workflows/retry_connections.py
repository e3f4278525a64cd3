"""Try connections again that were out of order, so that they are found to work without anybody ordering anything."""

import datetime as dt
import logging

from postledger.accounts.types import Viewer
from postledger.core.errors import NeedsOperator
from postledger.provisioning import queries
from postledger.workflows import check_connection

log = logging.getLogger(__name__)


def retry_connections(*, now: dt.datetime) -> int:
    """How many connections that had failed and were left alone long enough work again."""
    working = 0
    for connection_id in queries.failing_connections(now=now):
        try:
            found = check_connection.check_connection(Viewer.system(), connection_id=connection_id, now=now)
        except NeedsOperator as stop:
            log.warning("connection %s cannot be tried: %s", connection_id, stop)
            continue
        working += found.condition == "ok"
    return working
