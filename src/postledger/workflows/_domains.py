"""What is asked before a domain, or something in one, is wished for."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.workflows import _limits


class DomainInUse(Refusal):
    """The domain serves somebody already."""

    reason = "domain_in_use"


class WrongDomain(Refusal):
    """The address lies in no mail domain of the organization."""

    reason = "wrong_domain"


class NoExchange(Refusal):
    """The customer has no Exchange."""

    reason = "no_exchange"


def require_free(*, name: str, account_id: int) -> None:
    """Nothing, when the domain serves nobody else's mail and lies in nobody else's zone.

    Raises:
        DomainInUse: it does; the message does not say whose it is.
    """
    holder = queries.domain_holder(name=name)
    zone = queries.zone_for(domain=name)
    if (holder is not None and holder.account_id != account_id) or (
        zone is not None and zone.account_id != account_id
    ):
        raise DomainInUse(
            f"The domain {name} is in use already. If it is yours, ask your provider to move it."
        )


def organization(viewer: Viewer, account_id: int) -> ResourceView:
    """The customer's organization, wanted.

    Raises:
        NoExchange: he has none, or it is being removed.
    """
    found = queries.organization_of(viewer, account_id)
    if found is None or not found.is_wanted:
        raise NoExchange("There is no Exchange yet. Add it first.")
    return found


def require_domain_of(viewer: Viewer, *, account_id: int, address: str) -> None:
    """Nothing, when the address lies in a mail domain of the customer.

    Raises:
        WrongDomain: it does not.
    """
    mine = {
        found.key
        for found in queries.resources_of(viewer, account_id, kind=exchange.DOMAIN)
        if found.is_wanted
    }
    domain = address.rpartition("@")[2]
    if domain not in mine:
        raise WrongDomain(
            f"{domain} is not one of your mail domains. Use one of {', '.join(sorted(mine)) or 'them'}, or add it."
        )


def require_room(
    viewer: Viewer, *, organization: ResourceView, kind: str, key: str, now: dt.datetime
) -> None:
    """Nothing, when the customer's plan allows one more thing of this kind, or he has it already.

    Raises:
        PlanLimit: it does not (R9).
    """
    if organization.subscription_id is None:
        return
    terms = _limits.terms_of(
        subscription_id=organization.subscription_id, seller_id=organization.seller_id, now=now
    )
    everything = queries.resources_of(viewer, organization.account_id)
    held = [found for found in everything if found.key != key]
    _limits.require_room(terms=terms, kind=kind, held=held, more=1)
    if not any(found.kind == kind and found.key == key and found.is_wanted for found in everything):
        _limits.require_room_in_tree(seller_id=organization.seller_id, kind=kind, more=1, now=now)
