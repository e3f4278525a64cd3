"""Start pages: a seller's dashboard, a buyer's services, and what happened."""

from django.http import HttpResponse

from postledger.accounts import queries as accounts
from postledger.billing import queries as billing
from postledger.core.errors import Refusal
from postledger.ledger import queries as ledger
from postledger.payments import queries as payments
from postledger.provisioning import queries as provisioning
from postledger.subscriptions import queries as subscriptions
from postledger.web.door import Ask, page, reading
from postledger.workflows import account_history, accrued_charges, count_due, estimate_invoice


@reading
def home(ask: Ask) -> HttpResponse:
    if not ask.own.is_seller:
        return _account(ask, ask.own.id)
    buyers = accounts.sold_to(ask.viewer, ask.own.id)
    balances = ledger.balances_of(ask.viewer, [buyer.id for buyer in buyers])
    owing = sorted(
        ((buyer, -balances.get(buyer.id, 0)) for buyer in buyers if balances.get(buyer.id, 0) < 0),
        key=lambda pair: -pair[1],
    )
    held = subscriptions.of_accounts(ask.viewer, [buyer.id for buyer in buyers])
    connections = provisioning.connections_of(ask.viewer, ask.own.id)
    warned = payments.warned(ask.viewer, seller_id=ask.own.id)
    return ask.page(
        "overview/dashboard.html",
        buyers=buyers,
        active=sum(1 for found in held.values() if found.status in ("active", "trial")),
        with_exchange=sum(1 for found in held.values() if found.exchange_since),
        near_ceiling=[
            buyer
            for buyer in buyers
            if buyer.id in held and warned.get(buyer.id) == held[buyer.id].month_start
        ][:8],
        owing=owing[:8],
        owed=_sums(owing),
        connections=connections,
        attention=provisioning.attention(ask.viewer, ask.own.id)[:8],
        parked=billing.parked(ask.viewer, seller_id=ask.own.id) if ask.viewer.may_write else (),
        due=count_due.count_due(ask.viewer, now=ask.now, seller_ids=[ask.own.id])
        if ask.viewer.may_write
        else None,
        invoices=billing.invoices(ask.viewer, seller_id=ask.own.id, most=6) if ask.viewer.may_write else (),
        names={buyer.id: buyer.name for buyer in buyers},
    )


@reading
def account(ask: Ask, account_id: int) -> HttpResponse:
    ask.buyer(account_id)
    return _account(ask, account_id)


@reading
def history(ask: Ask, account_id: int) -> HttpResponse:
    found = ask.buyer(account_id)
    return ask.page(
        "overview/history.html",
        account=found,
        people=ask.people(account_id),
        events=account_history.account_history(ask.viewer, account_id=account_id, most=100),
    )


@page
def you(ask: Ask) -> HttpResponse:
    return ask.page("overview/you.html")


def _account(ask: Ask, account_id: int) -> HttpResponse:
    found = ask.account(account_id)
    held = subscriptions.of_accounts(ask.viewer, [account_id]).get(account_id)
    upcoming, accrued, trouble = None, None, ""
    terms = payments.terms_of(ask.viewer, account_id) if found.seller_id else None
    if held is not None:
        try:
            upcoming = estimate_invoice.estimate_invoice(ask.viewer, buyer_id=account_id, now=ask.now)
            accrued = accrued_charges.accrued_charges(ask.viewer, buyer_id=account_id, now=ask.now)
        except Refusal as error:
            trouble = str(error)
    return ask.page(
        "overview/account.html",
        account=found,
        seller=accounts.seller_of(ask.viewer, account_id),
        held=held,
        upcoming=upcoming,
        accrued=accrued,
        terms=terms,
        trouble=trouble,
        balance=ledger.balance(ask.viewer, account_id),
        currency=held.currency if held else found.currency,
        progress=provisioning.progress(ask.viewer, account_id),
        organization=provisioning.organization_of(ask.viewer, account_id),
        invoices=billing.invoices(ask.viewer, buyer_id=account_id, most=4),
        pending=billing.pending(ask.viewer, buyer_id=account_id),
        users=accounts.users_of(ask.viewer, account_id) if ask.own.id != account_id else (),
        today=ask.today(found),
        is_near_ceiling=bool(terms and accrued and accrued.since and terms.is_near_ceiling(accrued.used)),
        is_approved=bool(terms and terms.is_approved(ask.today(found))),
    )


def _sums(owing) -> list[tuple[str, int]]:
    sums: dict[str, int] = {}
    for buyer, debt in owing:
        sums[buyer.currency] = sums.get(buyer.currency, 0) + debt
    return sorted(sums.items())
