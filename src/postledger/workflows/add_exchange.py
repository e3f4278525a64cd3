"""A customer adds Exchange: his account on the platform, his organization, its first domain and its mailboxes."""

import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import AccountView, Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries, zones
from postledger.provisioning.types import Offer, Progress
from postledger.resources import exchange, names
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _ceiling, _domains, _holdings, _limits


class NotSubscribed(Refusal):
    """The customer has no plan in force."""

    reason = "not_subscribed"


class NoExchangeInPlan(Refusal):
    """The plan offers no Exchange, or not the platform plan that was chosen."""

    reason = "no_exchange_in_plan"


class ExchangeAlreadyThere(Refusal):
    """The customer has Exchange already."""

    reason = "exchange_already_there"


def add_exchange(
    viewer: Viewer,
    *,
    account_id: int,
    domain: str,
    now: dt.datetime,
    platform_plan_id: int | None = None,
    username: str | None = None,
    organization_name: str | None = None,
    mailboxes: Sequence[exchange.Mailbox] = (),
) -> Progress:
    """How the customer's Exchange stands right after it was ordered; a worker sets it up.

    Everything is checked before anything is written, and everything is written or nothing. The same order again changes
    nothing. An account that exists on the platform under the customer's e-mail address is linked and not made twice.

    Args:
        domain: his first mail domain.
        platform_plan_id: which of the platform plans switched on for his plan; the default one when None.
        username: login on the platform; his account's code when None.
        mailboxes: made at once, in domains of his.
    Raises:
        NotVisible, NotAllowed: not this viewer's account.
        NotSubscribed, NoExchangeInPlan, PlanLimit, BeyondCeiling, ExchangeAlreadyThere, Refusal: the message says what.
    """
    buyer = accounts.require_acting(viewer, account_id)
    held = subscriptions.of_accounts(viewer, [buyer.id]).get(buyer.id)
    if held is None or held.status not in ("active", "trial"):
        raise NotSubscribed(
            f"{buyer.name} has no plan in force. Subscribe to one, or have it resumed, then add Exchange."
        )
    terms = _limits.terms_of(subscription_id=held.id, seller_id=held.seller_id, now=now)
    _limits.require_room(terms=terms, kind=exchange.MAILBOX, held=(), more=len(mailboxes))
    if queries.account_resource(viewer, buyer.id) is None:
        for kind, more in ((exchange.MAILBOX, len(mailboxes)), (exchange.DOMAIN, 1)):
            _limits.require_room_in_tree(seller_id=held.seller_id, kind=kind, more=more, now=now)
    offer = _chosen_offer(viewer, buyer, held.plan_id, platform_plan_id)
    domain = names.domain(text=domain)
    _domains.require_free(name=domain, account_id=buyer.id)
    boxes = [exchange.validated_mailbox(spec=box) for box in mailboxes]
    for box in boxes:
        if box.address.rpartition("@")[2] != domain:
            raise _domains.WrongDomain(
                f"{box.address} does not end in {domain}. Add its domain after Exchange is set up, then the mailbox."
            )
    if queries.account_resource(viewer, buyer.id) is None:
        more = _holdings.sum_of(
            {"exchange.organizations": Fraction(1), "exchange.domains": Fraction(1)},
            *(_holdings.difference((), before=None, after=box) for box in boxes),
        )
        _ceiling.require_below(viewer, buyer_id=buyer.id, more=more, now=now, is_new=True)
    with transaction.atomic():
        has = queries.account_resource(viewer, buyer.id)
        if has is not None:
            organization = queries.organization_of(viewer, buyer.id)
            mine = queries.domain_holder(name=domain)
            if organization is None or mine is None or mine.parent_id != organization.id or not has.is_wanted:
                raise ExchangeAlreadyThere(
                    f"{buyer.name} has Exchange already. Add the domain {domain} to it instead."
                )
            return queries.progress(viewer, buyer.id)
        account = operations.declare(
            account_id=buyer.id,
            connection_id=offer.connection_id,
            subscription_id=held.id,
            kind=exchange.ACCOUNT,
            desired=_login(buyer, offer, username, _limits.quotas(terms)),
            now=now,
            actor=viewer.actor,
        )
        taken = queries.taken_keys(connection_id=offer.connection_id, kind=exchange.ORGANIZATION)
        organization = operations.declare(
            account_id=buyer.id,
            connection_id=offer.connection_id,
            parent_id=account.id,
            kind=exchange.ORGANIZATION,
            desired=exchange.Organization(
                code=names.suggest_organization_code(text=domain, taken=taken),
                name=organization_name or buyer.name,
                domain=domain,
            ),
            now=now,
            actor=viewer.actor,
        )
        operations.declare(
            account_id=buyer.id,
            connection_id=offer.connection_id,
            parent_id=organization.id,
            kind=exchange.DOMAIN,
            desired=exchange.OrganizationDomain(name=domain, is_default=True),
            now=now,
            actor=viewer.actor,
        )
        for box in boxes:
            operations.declare(
                account_id=buyer.id,
                connection_id=offer.connection_id,
                parent_id=organization.id,
                kind=exchange.MAILBOX,
                desired=box,
                now=now,
                actor=viewer.actor,
            )
        if queries.zone_for(domain=domain) is None:
            zones.create_zone(viewer, account_id=buyer.id, name=domain, hosting="elsewhere", now=now)
        return queries.progress(viewer, buyer.id)


def _chosen_offer(viewer: Viewer, buyer: AccountView, plan_id: int, platform_plan_id: int | None) -> Offer:
    offers = queries.offers_for(viewer, account_id=buyer.id, plan_id=plan_id)
    if not offers:
        raise NoExchangeInPlan("Your plan offers no Exchange. Choose another plan, or ask your provider.")
    if platform_plan_id is None:
        return offers[0]
    for offer in offers:
        if offer.platform_plan_id == platform_plan_id:
            return offer
    raise NoExchangeInPlan("Your plan does not offer this size of Exchange. Choose one that is listed.")


def _login(
    buyer: AccountView, offer: Offer, username: str | None, quotas: Mapping[str, int]
) -> exchange.Account:
    first, _, last = buyer.name.partition(" ")
    return exchange.Account(
        username=username or buyer.code,
        first_name=first,
        last_name=last or first,
        email=buyer.email or None,
        company=buyer.name,
        country=buyer.country or None,
        plan=offer.reference,
        quotas=dict(quotas) or None,
        status="active",
    )
