"""Holding here what was found in an organization on a platform."""

import datetime as dt
import logging
from collections.abc import Iterable

from postledger.connectors import contract
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange

log = logging.getLogger(__name__)

_HELD = {
    exchange.DOMAIN: lambda name: exchange.OrganizationDomain(name=name),
    exchange.MAILBOX: lambda name: exchange.Mailbox(address=name),
    exchange.CONTACT: lambda name: exchange.Contact(address=name),
    exchange.DISTRIBUTION_LIST: lambda name: exchange.DistributionList(address=name),
    exchange.PUBLIC_FOLDER: lambda name: exchange.PublicFolder(path=name),
}
"""Kind → a wish that has no opinion but the name: the thing stays as it is there."""


def hold(
    *, organization: ResourceView, found: Iterable[contract.Candidate], now: dt.datetime, actor: str
) -> int:
    """How many things of an organization, as `inside` tells them, are now held here and were not before; each is looked at
    and not changed there."""
    count = 0
    for thing in found:
        if thing.kind not in _HELD or thing.parent_name != organization.key:
            continue
        holder = queries.find(
            connection_id=organization.connection_id,
            kind=thing.kind,
            key=thing.name,
            parent_id=organization.id,
        )
        if holder is not None:
            continue
        try:
            operations.declare(
                account_id=organization.account_id,
                connection_id=organization.connection_id,
                parent_id=organization.id,
                kind=thing.kind,
                desired=_HELD[thing.kind](thing.name),
                now=now,
                actor=actor,
            )
            count += 1
        except Refusal as refusal:
            log.warning("%s %s was not taken over: %s", thing.kind, thing.name, refusal)
    return count
