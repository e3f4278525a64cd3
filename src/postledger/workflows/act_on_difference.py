"""Do what is proposed about a difference between a platform and our records."""

import dataclasses
import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.catalog import queries as catalog
from postledger.connectors import contract
from postledger.core import money
from postledger.core.errors import Refusal
from postledger.provisioning import adoption, differences, operations, queries
from postledger.provisioning.types import DifferenceView, ResourceView
from postledger.resources import exchange, meters, spec
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import (
    _drift_contents,
    _limits,
    adopt,
    enter_credit,
    enter_debit,
    read_account,
    set_exchange_status,
)

_IN_FORCE = frozenset({"active", "trial", "waiting"})


class NothingToDo(Refusal):
    """Nothing is proposed, or what was proposed was done already."""

    reason = "nothing_to_do"


def act_on_difference(viewer: Viewer, *, difference_id: int, now: dt.datetime) -> str:
    """What was done, in words: linked, read or debited, credited, or ordered to be put right on the platform.

    Credits and debits are for one month and happen once; the next walk over the platform says whether it helped.

    Raises:
        NotVisible, NotAllowed: not the viewer's connection.
        NothingToDo, Refusal: the message says what.
    """
    found = differences.difference(viewer, difference_id)
    accounts.require_seller(viewer, found.seller_id)
    if found.settled_at is not None or found.ignored_at is not None:
        raise NothingToDo(f"{found.name} was decided about already. Walk over the platform again.")
    if found.action == "adopt":
        words = _adopt(viewer, found, now)
    elif found.action == "bill" and found.account_id is not None:
        words = _bill(viewer, found, found.account_id, now)
    elif found.action == "credit" and found.account_id is not None and found.worth:
        enter_credit.enter_credit(
            viewer,
            buyer_id=found.account_id,
            amount=found.worth,
            reason=f"drift: {found.code} {found.name}",
            text=f"Credit for {found.name}: billed, but not there",
            now=now,
        )
        words = f"{found.currency} {money.text(found.worth, found.currency)} were credited."
        words += _looked_for(viewer, found, now)
    elif found.action == "correct" and found.resource_id is not None:
        _correct(viewer, found, queries.resource(viewer, found.resource_id), now)
        words = f"{found.name} is being put right on the platform."
    else:
        raise NothingToDo(
            f"Nothing can be done about {found.name} by itself. Look at it, or say why it is right."
        )
    differences.settle(viewer, difference_id=difference_id, action=found.action, now=now)
    return words


def _adopt(viewer: Viewer, found: DifferenceView, now: dt.datetime) -> str:
    if found.code == "unlinked_organization" and found.resource_id is not None:
        account = queries.resource(viewer, found.resource_id)
        operations.declare(
            account_id=account.account_id,
            connection_id=account.connection_id,
            kind=exchange.ORGANIZATION,
            desired=exchange.Organization(code=found.name),
            parent_id=account.id,
            now=now,
            actor=viewer.actor,
        )
        return f"The organization {found.name} is being linked to {account.key}."
    if found.code == _drift_contents.UNLINKED and found.resource_id is not None:
        return _drift_contents.link(viewer, account=queries.resource(viewer, found.resource_id), now=now)
    login = found.name.partition(" (")[0]
    proposed = [
        proposal
        for proposal in adoption.proposals_of(viewer, found.connection_id, search=login)
        if proposal.name == login
    ]
    if len(proposed) != 1 or proposed[0].account_id is None:
        raise adoption.NoCustomer(
            f"It is not known whose {found.name} is. Choose the customer under Adoption."
        )
    adopt.adopt(viewer, proposal_id=proposed[0].id, now=now)
    return f"{found.name} is linked."


def _bill(viewer: Viewer, found: DifferenceView, account_id: int, now: dt.datetime) -> str:
    held = subscriptions.subscription_of(viewer, account_id)
    terms = _limits.terms_of(subscription_id=held.id, seller_id=held.seller_id, now=now)
    charge = terms.charges.get(found.meter)
    if charge is not None and charge.measure == "metered":
        failure = read_account.read_account(viewer, account_id=account_id, now=now)
        if failure:
            raise contract.TemporaryFailure(failure, reason="no_reading")
        return "The usage was read: the next invoice has it."
    if not found.worth:
        raise NothingToDo(f"{found.name} costs nothing on this plan.")
    title = meters.METERS[found.meter].title.lower() if found.meter in meters.METERS else found.code
    enter_debit.enter_debit(
        viewer,
        buyer_id=account_id,
        amount=found.worth,
        text=f"One month of further {title} in {found.name}",
        is_taxed=True,
        now=now,
    )
    return f"{found.currency} {money.text(found.worth, found.currency)} were debited."


def _looked_for(viewer: Viewer, found: DifferenceView, now: dt.datetime) -> str:
    """In words, that a worker looks for what is kept here and not there, so that our records come right too."""
    if found.resource_id is None:
        return ""
    kinds = {exchange.ACCOUNT} if found.code == "missing" else {exchange.MAILBOX, exchange.DOMAIN}
    for entry in queries.tree(root_id=found.resource_id):
        if entry.kind in kinds and entry.is_settled:
            operations.look_again(viewer, resource_id=entry.id, now=now)
    return " What is kept here and not found there is put under Changes, to be made anew or given up."


def _correct(viewer: Viewer, found: DifferenceView, account: ResourceView, now: dt.datetime) -> None:
    if found.code == _drift_contents.MISSING:
        _drift_contents.remake(viewer, account=account, found=found, now=now)
        return
    wish = spec.load(kind=exchange.ACCOUNT, data=account.desired)
    if found.code == "quota_above" and account.subscription_id is not None:
        sold = _sold(account, account.subscription_id, now)
        wish = dataclasses.replace(wish, quotas={**(wish.quotas or {}), **sold})
        operations.change_wish(resource_id=account.id, desired=wish, now=now, actor=viewer.actor)
    if found.code == "wrong_status" and wish.status is None and account.subscription_id is not None:
        status = subscriptions.statuses([account.subscription_id])[account.subscription_id]
        set_exchange_status.set_exchange_status(
            account_id=account.account_id, is_active=status in _IN_FORCE, now=now, actor=viewer.actor
        )
    operations.look_again(viewer, resource_id=account.id, now=now, confirm=True)


def _sold(account: ResourceView, subscription_id: int, now: dt.datetime) -> dict[str, int]:
    held = subscriptions.load([subscription_id], catalog.book_of([]))[subscription_id]
    tree = _limits.tree_of(seller_id=account.seller_id, now=now)
    day = now.astimezone(accounts.time_zone_of(account.seller_id)).date()
    return tree.sold(held, account_id=account.id, day=day)
