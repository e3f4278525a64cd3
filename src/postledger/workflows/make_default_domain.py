"""A customer chooses the mail domain whose addresses are the primary ones."""

import dataclasses
import datetime as dt

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, spec


class NoMailDomain(Refusal):
    """What is to be the default is no domain, or is being removed."""

    reason = "no_mail_domain"


def make_default_domain(viewer: Viewer, *, resource_id: int, now: dt.datetime) -> ResourceView:
    """The domain, ordered to be the default of its organization; the one before is so no longer. The same again changes nothing.

    Raises:
        NotVisible, NotAllowed: not this viewer's domain.
        NoMailDomain: the message says why.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_acting(viewer, found.account_id)
    if found.kind != exchange.DOMAIN or not found.is_wanted:
        raise NoMailDomain(
            f"{found.key} is no mail domain here, or is being removed. Choose one that stays in use."
        )
    with transaction.atomic():
        for other in queries.resources_of(viewer, found.account_id, kind=exchange.DOMAIN):
            is_it = other.id == found.id
            if (
                other.parent_id == found.parent_id
                and other.is_wanted
                and (is_it or other.desired.get("is_default"))
            ):
                wish = dataclasses.replace(
                    spec.load(kind=other.kind, data=other.desired), is_default=True if is_it else None
                )
                operations.change_wish(resource_id=other.id, desired=wish, now=now, actor=viewer.actor)
    return queries.resource(viewer, resource_id)
