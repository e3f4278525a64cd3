"""Exchange, as its customer sees it and as his seller sees it for him."""

import collections
import datetime as dt
import json
import secrets

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from postledger.accounts.types import AccountView
from postledger.core.errors import Refusal
from postledger.provisioning import adoption
from postledger.provisioning import operations as provisioning_operations
from postledger.provisioning import queries as provisioning
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.subscriptions import queries as subscriptions
from postledger.usage import queries as usage
from postledger.web.door import OUTSIDE, Ask, action, page, reading
from postledger.web.exchange import forms
from postledger.workflows import accrued_charges
from postledger.workflows import add_domain as adding_domain
from postledger.workflows import add_exchange as adding
from postledger.workflows import add_mailbox as adding_mailbox
from postledger.workflows import ceiling_ahead as ceilings
from postledger.workflows import change_platform_plan as sizing
from postledger.workflows import check_dns as checking
from postledger.workflows import delete_mailbox as deleting
from postledger.workflows import expect_usage as expecting
from postledger.workflows import make_default_domain as choosing_domain
from postledger.workflows import read_account as reading_one
from postledger.workflows import remove_domain as removing_domain
from postledger.workflows import remove_exchange as removing
from postledger.workflows import set_mailbox_password as setting
from postledger.workflows import sign_on as signing_on
from postledger.workflows import unlink as unlinking

_SHOWN_BOXES = 20
_SHOWN = ("exchange.mailboxes", "exchange.disk", "exchange.disk_allocated")


@reading
def overview(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    things = provisioning.resources_of(ask.viewer, account_id)
    held = subscriptions.of_accounts(ask.viewer, [account_id]).get(account_id)
    offers = _offers(ask, account_id, held)
    if not any(found.kind == exchange.ACCOUNT for found in things):
        return ask.page("exchange/none.html", account=account, held=held, offers=offers)
    accrued, trouble = None, ""
    try:
        accrued = accrued_charges.accrued_charges(ask.viewer, buyer_id=account_id, now=ask.now)
    except Refusal as error:
        trouble = str(error)
    zones = {zone.name: zone for zone in provisioning.zones_of(ask.viewer, account_id)}
    counts = collections.Counter(found.kind for found in things)
    plan = next(found.desired.get("plan") for found in things if found.kind == exchange.ACCOUNT)
    return ask.page(
        "exchange/overview.html",
        account=account,
        held=held,
        progress=provisioning.progress(ask.viewer, account_id),
        login=next(found for found in things if found.kind == exchange.ACCOUNT),
        organization=next((found for found in things if found.kind == exchange.ORGANIZATION), None),
        domains=[(found, _dns(found, zones)) for found in things if found.kind == exchange.DOMAIN],
        mailboxes=[found for found in things if found.kind == exchange.MAILBOX][:_SHOWN_BOXES],
        counts=counts,
        count=counts[exchange.MAILBOX],
        size=next((offer.name for offer in offers if offer.reference == plan), ""),
        can_resize=len(offers) > 1,
        accrued=accrued,
        trouble=trouble,
        series=_series(ask, held),
    )


@reading
def progress(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    found = provisioning.progress(ask.viewer, account_id)
    if ask.request.htmx:
        response = ask.page("exchange/_progress.html", account=account, progress=found)
        if found.is_settled:
            response["HX-Redirect"] = reverse("exchange", kwargs={"account_id": account_id})
        return response
    return ask.page("exchange/progress.html", account=account, progress=found)


@page
def add(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    held = subscriptions.of_accounts(ask.viewer, [account_id]).get(account_id)
    offers = _offers(ask, account_id, held)
    if not offers:
        return ask.page("exchange/none.html", account=account, held=held, offers=offers)
    form = forms.AddExchange(offers, ask.data)
    count = form.cleaned_data["expected"] if ask.is_post and form.is_valid() else 5
    if ask.is_post and form.is_valid() and ask.request.POST.get("confirm") == "yes":
        try:
            adding.add_exchange(
                ask.viewer,
                account_id=account_id,
                domain=form.cleaned_data["domain"],
                platform_plan_id=int(form.cleaned_data["platform_plan"]),
                now=ask.now,
            )
            return ask.done(
                f"Exchange for {form.cleaned_data['domain']} is being set up.",
                "exchange-progress",
                account_id=account_id,
            )
        except Refusal as error:
            form.refuse(error, "domain")
    expected = _expect(ask, account_id, count)
    return ask.page(
        "exchange/add.html",
        account=account,
        form=form,
        held=held,
        expected=expected,
        count=count,
        ceiling=_ceiling(ask, account_id, expected),
        status=422 if form.errors else 200,
    )


@page
def size(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    login = provisioning.account_resource(ask.viewer, account_id)
    if login is None:
        raise Http404
    held = subscriptions.of_accounts(ask.viewer, [account_id]).get(account_id)
    form = forms.Size(_offers(ask, account_id, held), ask.data)
    if ask.is_post and form.is_valid():
        try:
            sizing.change_platform_plan(
                ask.viewer,
                account_id=account_id,
                platform_plan_id=int(form.cleaned_data["platform_plan"]),
                now=ask.now,
            )
            return ask.done("The size is being changed.", "exchange-progress", account_id=account_id)
        except Refusal as error:
            form.refuse(error, "platform_plan")
    return _form(ask, account, form, "Change the size", "Change the size", "exchange")


@page
def remove(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    login = provisioning.account_resource(ask.viewer, account_id)
    if login is None:
        raise Http404
    form = forms.Retyped(ask.data)
    form.fields["confirmation"].label = f"Type {login.key} to delete everything"
    if ask.is_post and form.is_valid():
        try:
            if form.cleaned_data["confirmation"].strip().lower() != login.key.lower():
                form.refuse(f"To delete Exchange with all its mail, type {login.key}.", "confirmation")
            else:
                removing.remove_exchange(
                    ask.viewer,
                    account_id=account_id,
                    reason="removed by its customer" if ask.own.id == account_id else "removed by the seller",
                    is_confirmed=True,
                    now=ask.now,
                )
                return ask.done("Exchange is being removed.", "exchange-progress", account_id=account_id)
        except Refusal as error:
            form.refuse(error)
    return _form(
        ask,
        account,
        form,
        "Remove Exchange",
        "Delete everything",
        "exchange",
        danger=True,
        words="All mailboxes and all mail in them are deleted. The usage of this month is read a last time and billed. "
        "Your plan goes on.",
    )


@page
def unlink(ask: Ask, account_id: int) -> HttpResponse:
    """The seller takes a wrong link back, having seen what it does and what each answer about the bill comes to."""
    account = ask.selling_to(account_id)
    if provisioning.account_resource(ask.viewer, account_id) is None:
        raise Http404
    if ask.is_post and ask.request.POST.get("read") == "yes":
        problem = reading_one.read_account(ask.viewer, account_id=account_id, now=ask.now)
        ask.tell(problem or "The usage was read.")
        return redirect("exchange-unlink", account_id=account_id)
    try:
        waived = unlinking.unlink(ask.viewer, account_id=account_id, preview=True, now=ask.now)
        billed = unlinking.unlink(
            ask.viewer, account_id=account_id, is_billed=True, preview=True, now=ask.now
        )
    except adoption.NotLinked as error:
        return ask.failed(str(error), "exchange", account_id=account_id)
    except Refusal as error:
        ask.tell(str(error))
        return redirect("exchange", account_id=account_id)
    form = forms.Unlink(waived, billed, ask.data)
    if ask.is_post and form.is_valid():
        try:
            done = unlinking.unlink(
                ask.viewer,
                account_id=account_id,
                reason=form.cleaned_data["because"],
                is_billed=form.is_billed,
                agreed=form.agreed,
                now=ask.now,
            )
            return ask.done(
                f"{done.name} is unlinked. It can be linked to another customer.",
                "account",
                account_id=account_id,
            )
        except Refusal as error:
            form.refuse(error)
    return ask.page(
        "exchange/unlink.html",
        account=account,
        form=form,
        found=waived,
        billed=billed,
        zones=provisioning.zones_of(ask.viewer, account_id),
        status=422 if form.errors else 200,
    )


@action
def look_again(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    """Try a thing that stopped once more; its seller may say that it is right as it was found."""
    ask.buyer(account_id)
    found = provisioning.resource(ask.viewer, resource_id)
    if found.account_id != account_id or found.gone_at is not None:
        raise Http404
    is_confirmed = ask.request.POST.get("confirm") == "yes" and ask.own.id != account_id
    provisioning_operations.look_again(ask.viewer, resource_id=resource_id, confirm=is_confirmed, now=ask.now)
    return ask.done(f"{found.key} is looked at again.", "exchange-progress", account_id=account_id)


@page
def add_domain(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    _organization(ask, account_id)
    form = forms.AddDomain(ask.data)
    if ask.is_post and form.is_valid():
        try:
            made = adding_domain.add_domain(
                ask.viewer, account_id=account_id, name=form.cleaned_data["name"], now=ask.now
            )
            return ask.done(
                f"{made.key} is being added. Its DNS records are shown here.",
                "exchange-domain",
                account_id=account_id,
                resource_id=made.id,
            )
        except Refusal as error:
            form.refuse(error, "name")
    one = {"exchange.domains": 1}
    expected = expecting.expect_usage(ask.viewer, buyer_id=account_id, more=one, now=ask.now)
    ceiling = _ceiling(ask, account_id, expected)
    return _form(
        ask, account, form, "Add a domain", "Add domain", "exchange", expected=expected, ceiling=ceiling
    )


@reading
def domain(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.DOMAIN)
    zone = _zone(ask, account_id, found)
    return ask.page("exchange/domain.html", account=account, domain=found, zone=zone)


@action
def check_dns(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.DOMAIN)
    zone = _zone(ask, account_id, found)
    if zone is None:
        raise Http404
    checking.check_dns(ask.viewer, zone_id=zone.id, now=ask.now)
    return ask.done(
        "The live DNS was asked.", "exchange-domain", account_id=account_id, resource_id=resource_id
    )


@action
def make_default(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.DOMAIN)
    choosing_domain.make_default_domain(ask.viewer, resource_id=found.id, now=ask.now)
    return ask.done(f"{found.key} is being made the default domain.", "exchange", account_id=account_id)


@page
def remove_domain(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.DOMAIN)
    form = forms.Form(ask.data)
    if ask.is_post and form.is_valid():
        try:
            removing_domain.remove_domain(ask.viewer, resource_id=resource_id, now=ask.now)
            return ask.done(f"{found.key} is being removed.", "exchange", account_id=account_id)
        except Refusal as error:
            form.refuse(error)
    less = expecting.expect_usage(ask.viewer, buyer_id=account_id, more={"exchange.domains": -1}, now=ask.now)
    return _form(
        ask,
        account,
        form,
        f"Remove {found.key}",
        "Remove domain",
        "exchange",
        danger=True,
        expected=less,
        words="Mail to this domain is no longer taken here. The DNS records that stood there before come back.",
    )


@page
def add_mailbox(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    _organization(ask, account_id)
    domains = [
        found
        for found in provisioning.resources_of(ask.viewer, account_id, kind=exchange.DOMAIN)
        if found.is_wanted
    ]
    domains.sort(key=lambda found: not found.desired.get("is_default"))
    form = forms.AddMailbox([found.key for found in domains], ask.data)
    if ask.is_post and form.is_valid():
        try:
            made = adding_mailbox.add_mailbox(
                ask.viewer,
                account_id=account_id,
                mailbox=exchange.Mailbox(
                    address=form.address, display_name=form.cleaned_data["display_name"], kind="user"
                ),
                now=ask.now,
            )
            return ask.done(f"{made.key} is being made.", "exchange-progress", account_id=account_id)
        except Refusal as error:
            form.refuse(error, "name")
    one = {"exchange.mailboxes": 1}
    expected = expecting.expect_usage(ask.viewer, buyer_id=account_id, more=one, now=ask.now)
    ceiling = _ceiling(ask, account_id, expected)
    return _form(
        ask, account, form, "Add a mailbox", "Add mailbox", "exchange", expected=expected, ceiling=ceiling
    )


@page
def delete_mailbox(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.MAILBOX)
    form = forms.Retyped(ask.data)
    form.fields["confirmation"].label = f"Type {found.key} to confirm"
    if ask.is_post and form.is_valid():
        try:
            deleting.delete_mailbox(
                ask.viewer,
                resource_id=resource_id,
                confirmation=form.cleaned_data["confirmation"],
                now=ask.now,
            )
            return ask.done(f"{found.key} is being deleted.", "exchange", account_id=account_id)
        except Refusal as error:
            form.refuse(error, "confirmation")
    less = expecting.expect_usage(
        ask.viewer, buyer_id=account_id, more={"exchange.mailboxes": -1}, now=ask.now
    )
    return _form(
        ask,
        account,
        form,
        f"Delete {found.key}",
        "Delete mailbox",
        "exchange",
        danger=True,
        expected=less,
        words="The mailbox and all mail in it are deleted. This cannot be undone.",
    )


@page
def password(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.MAILBOX)
    form = forms.Password(ask.data)
    if ask.is_post and form.is_valid():
        try:
            setting.set_mailbox_password(
                ask.viewer, resource_id=resource_id, password=form.cleaned_data["password"], now=ask.now
            )
            return ask.done(f"{found.key} has its new password.", "exchange", account_id=account_id)
        except (Refusal, *OUTSIDE) as error:
            form.refuse(error, "password")
    return _form(ask, account, form, f"Password of {found.key}", "Set password", "exchange")


@page
def sign_on(ask: Ask, account_id: int) -> HttpResponse:
    """The page that asks, and the page that signs on: it holds a fresh password once, and nothing keeps it."""
    account = ask.buyer(account_id)
    login = provisioning.account_resource(ask.viewer, account_id)
    if login is None or not login.reference or not login.is_wanted:
        raise Http404
    is_own = ask.own.id == account_id
    form = forms.Form(ask.data) if is_own else forms.Why(ask.data)
    if ask.is_post and form.is_valid():
        try:
            found = signing_on.sign_on(
                ask.viewer, account_id=account_id, why=form.cleaned_data.get("why", ""), now=ask.now
            )
        except (Refusal, *OUTSIDE) as error:
            form.refuse(error)
        else:
            nonce = secrets.token_urlsafe(16)
            response = ask.page(
                "exchange/sign_on.html", account=account, fields=found.fields, action=found.action,
                notice=found.notice, nonce=nonce,
            )  # fmt: skip
            response["Cache-Control"] = "no-store, max-age=0"
            response["Pragma"] = "no-cache"
            response["Referrer-Policy"] = "no-referrer"
            response["Content-Security-Policy"] = (
                f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
                f"base-uri 'none'; frame-ancestors 'none'; form-action {_origin(found.action)}"
            )
            return response
    return ask.page(
        "exchange/open.html",
        account=account,
        login=login,
        form=form,
        is_own=is_own,
        status=422 if form.errors else 200,
    )


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _offers(ask: Ask, account_id: int, held):
    if held is None:
        return ()
    return provisioning.offers_for(ask.viewer, account_id=account_id, plan_id=held.plan_id)


def _expect(ask: Ask, account_id: int, mailboxes: int):
    return expecting.expect_usage(
        ask.viewer,
        buyer_id=account_id,
        more={"exchange.mailboxes": mailboxes, "exchange.organizations": 1, "exchange.domains": 1},
        is_new=True,
        now=ask.now,
    )


def _ceiling(ask: Ask, account_id: int, expected: expecting.Expectation | None):
    """How an order stands against the ceiling agreed with the customer, if it comes near it; else None."""
    found = ceilings.ceiling_ahead(ask.viewer, buyer_id=account_id, expected=expected, now=ask.now)
    return found if found is not None and found.is_near else None


def _organization(ask: Ask, account_id: int) -> ResourceView:
    found = provisioning.organization_of(ask.viewer, account_id)
    if found is None:
        raise Http404
    return found


def _thing(ask: Ask, account_id: int, resource_id: int, kind: str) -> ResourceView:
    found = provisioning.resource(ask.viewer, resource_id)
    if found.account_id != account_id or found.kind != kind or found.gone_at is not None:
        raise Http404
    return found


def _zone(ask: Ask, account_id: int, domain: ResourceView):
    zones = [
        zone
        for zone in provisioning.zones_of(ask.viewer, account_id)
        if domain.key == zone.name or domain.key.endswith(f".{zone.name}")
    ]
    return max(zones, key=lambda zone: len(zone.name), default=None)


def _dns(domain: ResourceView, zones) -> str:
    """How the DNS of a domain stands, as a code for a badge."""
    zone = zones.get(domain.key)
    records = [r for r in zone.records if r.owner == "exchange" and not r.is_hidden] if zone else []
    if not records or all(record.is_seen is None for record in records):
        return "unchecked"
    return "seen" if all(record.is_seen for record in records) else "missing"


def _series(ask: Ask, held) -> list[dict[str, object]]:
    """The last three months' readings, a picture's worth per meter: the latest of each day."""
    if held is None:
        return []
    today = ask.today()
    found = usage.readings_of(
        ask.viewer, held.id, first=today - dt.timedelta(days=92), last=today + dt.timedelta(days=1)
    )
    series = []
    for meter in _SHOWN:
        days = {reading.day: reading for reading in found if reading.meter == meter}
        if days:
            last = days[max(days)]
            points = {
                "x": [int(dt.datetime.combine(d, dt.time(), dt.UTC).timestamp()) for d in sorted(days)],
                "y": [f"{days[d].value:f}" for d in sorted(days)],
                "label": meter,
            }
            series.append(
                {
                    "meter": meter,
                    "days": [days[d] for d in sorted(days, reverse=True)][:31],
                    "last": last,
                    "json": json.dumps(points),
                    "is_curve": len(days) > 1,
                    "unit": "GB" if meter.startswith("exchange.disk") else "",
                }
            )
    return series


def _form(
    ask: Ask, account: AccountView, form, title: str, button: str, back: str, **context
) -> HttpResponse:
    return ask.page(
        "exchange/form.html",
        account=account,
        form=form,
        title=title,
        button=button,
        back=reverse(back, kwargs={"account_id": account.id}),
        status=422 if form.errors else 200,
        **context,
    )
