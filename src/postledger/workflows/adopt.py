"""An account that was on the platform before us becomes a customer's."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.provisioning import adoption
from postledger.provisioning.types import ProposalView
from postledger.subscriptions import queries as subscriptions


def adopt(
    viewer: Viewer, *, proposal_id: int, now: dt.datetime, account_id: int | None = None
) -> ProposalView:
    """The account, linked to the proposed customer or to the one that is named. Nothing is changed on the platform.

    It belongs to the customer's open subscription, where he has one; from then on its usage is read and billed.

    Raises:
        NotVisible, NotAllowed: not the viewer's connection, or not a customer of its seller.
        NoCustomer, AlreadyDecided, HasExchange: the message says what.
    """
    found = adoption.proposal(viewer, proposal_id)
    chosen = account_id or found.account_id
    if chosen is None:
        raise adoption.NoCustomer(
            f"Nobody is proposed for {found.name}. Choose a customer, or create one from it."
        )
    return adoption.link(
        viewer,
        proposal_id=proposal_id,
        account_id=chosen,
        subscription_id=subscriptions.of_buyers([chosen]).get(chosen),
        now=now,
    )
