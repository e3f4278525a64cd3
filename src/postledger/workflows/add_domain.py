"""A customer adds a mail domain to his organization."""

import datetime as dt

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.provisioning import operations, queries, zones
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, names
from postledger.workflows import _ceiling, _domains


def add_domain(viewer: Viewer, *, account_id: int, name: str, now: dt.datetime) -> ResourceView:
    """The domain, ordered; its DNS records are put in once the platform takes mail for it.

    Raises:
        NotVisible, NotAllowed: not this viewer's account.
        NoExchange, PlanLimit, BeyondCeiling, DomainInUse, InvalidDomain: the message says what.
    """
    accounts.require_acting(viewer, account_id)
    name = names.domain(text=name)
    organization = _domains.organization(viewer, account_id)
    _domains.require_room(viewer, organization=organization, kind=exchange.DOMAIN, key=name, now=now)
    _domains.require_free(name=name, account_id=account_id)
    _ceiling.require_below(viewer, buyer_id=account_id, more={"exchange.domains": 1}, now=now)
    with transaction.atomic():
        found = operations.declare(
            account_id=account_id,
            connection_id=organization.connection_id,
            parent_id=organization.id,
            kind=exchange.DOMAIN,
            desired=exchange.OrganizationDomain(name=name),
            now=now,
            actor=viewer.actor,
        )
        if queries.zone_for(domain=name) is None:
            zones.create_zone(viewer, account_id=account_id, name=name, hosting="elsewhere", now=now)
    return found
