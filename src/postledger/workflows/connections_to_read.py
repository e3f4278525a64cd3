"""Which platforms have not been read today."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.connectors import registry
from postledger.provisioning import queries
from postledger.resources import exchange
from postledger.usage import queries as usage


def connections_to_read(*, now: dt.datetime) -> list[int]:
    """The connections in use with accounts to read, none of which was read since the midnight of their seller.

    One that could not be reached at midnight is among them until it answers, so that what is billed late waits for hours
    and not for a day (U4).
    """
    found = []
    for connection in queries.enabled_connections():
        if not registry.get(connection.connector).kinds & {exchange.ACCOUNT}:
            continue
        today = now.astimezone(accounts.time_zone_of(connection.seller_id)).date()
        metered = queries.metered_subscriptions(connection_id=connection.id)
        if metered and not usage.is_any_read(metered, day=today):
            found.append(connection.id)
    return found
