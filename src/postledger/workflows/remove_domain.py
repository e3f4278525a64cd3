"""A customer removes a mail domain from his organization."""

import datetime as dt

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries, zones
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.workflows import _recipients


class DomainStillUsed(Refusal):
    """Addresses of the domain are in use, or it is the default one."""

    reason = "domain_still_used"


def remove_domain(viewer: Viewer, *, resource_id: int, now: dt.datetime) -> ResourceView:
    """The domain, on its way out; the DNS records that stood there before come back at once.

    Raises:
        NotVisible, NotAllowed: not this viewer's domain.
        DomainStillUsed: mailboxes, lists or contacts use it, or it is the organization's default.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_acting(viewer, found.account_id)
    if found.kind != exchange.DOMAIN:
        raise DomainStillUsed(f"{queries.title(found)} is no domain.")
    if found.desired.get("is_default"):
        raise DomainStillUsed(
            f"{found.key} is the default domain of the organization. Make another one the default first."
        )
    using = [
        other
        for other in queries.resources_of(viewer, found.account_id)
        if other.is_wanted and other.id != found.id and _uses(other, found.key)
    ]
    if using:
        raise DomainStillUsed(
            f"{found.key} is used by {using[0].key}"
            + (f" and {len(using) - 1} more" if len(using) > 1 else "")
            + ". Remove or change these first."
        )
    with transaction.atomic():
        gone = operations.withdraw(resource_id=found.id, reason="domain removed", now=now, actor=viewer.actor)
        zone = queries.zone_for(domain=found.key)
        if zone is not None and zone.account_id == found.account_id:
            zones.plan_mail(zone_id=zone.id, now=now)
    return gone


def _uses(other: ResourceView, domain: str) -> bool:
    addresses = {other.key, *_recipients.own_addresses(other)}
    return any(address.endswith(f"@{domain}") for address in addresses)
