"""Mailboxes, contacts, distribution lists and public folders: each in pages that can be searched, and what is done to one."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse

from postledger.accounts.types import AccountView
from postledger.core.errors import Refusal
from postledger.provisioning import queries as provisioning
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, meters
from postledger.subscriptions import queries as subscriptions
from postledger.web.door import Ask, page, reading
from postledger.web.exchange import forms
from postledger.workflows import add_contact as adding_contact
from postledger.workflows import add_folder as adding_folder
from postledger.workflows import add_list as adding_list
from postledger.workflows import ceiling_ahead as ceilings
from postledger.workflows import change_contact as changing_contact
from postledger.workflows import change_folder as changing_folder
from postledger.workflows import change_list as changing_list
from postledger.workflows import change_list_members as changing_members
from postledger.workflows import change_mailbox as changing_mailbox
from postledger.workflows import delete_folder as deleting_folder
from postledger.workflows import expect_usage as expecting
from postledger.workflows import remove_recipient as removing

_PER_PAGE = 50
_MEMBERS = (exchange.MAILBOX, exchange.CONTACT, exchange.DISTRIBUTION_LIST)


# --- lists of them --------------------------------------------------------------------------------------------------


@reading
def mailboxes(ask: Ask, account_id: int) -> HttpResponse:
    return _listing(ask, account_id, exchange.MAILBOX, "mailboxes")


@reading
def contacts(ask: Ask, account_id: int) -> HttpResponse:
    return _listing(ask, account_id, exchange.CONTACT, "contacts")


@reading
def lists(ask: Ask, account_id: int) -> HttpResponse:
    return _listing(ask, account_id, exchange.DISTRIBUTION_LIST, "lists")


@reading
def folders(ask: Ask, account_id: int) -> HttpResponse:
    return _listing(ask, account_id, exchange.PUBLIC_FOLDER, "folders")


def _listing(ask: Ask, account_id: int, kind: str, name: str) -> HttpResponse:
    account = ask.buyer(account_id)
    organization = provisioning.organization_of(ask.viewer, account_id)
    if organization is None:
        raise Http404
    find, number = ask.request.GET.get("find", "")[:100], _number(ask, "page")
    found, count = provisioning.page_of(
        ask.viewer, account_id, kind=kind, search=find, after=number * _PER_PAGE, most=_PER_PAGE
    )
    return ask.page(
        f"exchange/{name}.html",
        account=account,
        rows=[(thing, thing.shown) for thing in found],
        count=count,
        find=find,
        page=number,
        next=number + 1 if count > (number + 1) * _PER_PAGE else None,
        may_add=ask.viewer.may_write and organization.is_wanted,
    )


# --- mailboxes ------------------------------------------------------------------------------------------------------

_PROTOCOLS = {
    "activesync": "ActiveSync (phones)",
    "owa": "Outlook on the web",
    "mapi": "Outlook",
    "pop": "POP3",
    "imap": "IMAP",
}
_SERVICES = {
    "blackberry": "BlackBerry",
    "ocs": "Office Communications",
    "lync": "Lync",
    "sfb": "Skype for Business",
}


@page
def mailbox(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    """What can be changed about a mailbox. Where services have a price it is shown before they are ordered."""
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.MAILBOX)
    shown = found.shown
    services = _services(ask, account_id, found)
    had = set(shown.get("features", ()))
    initial = {
        "display_name": shown.get("display_name", ""),
        "aliases": "\n".join(sorted(shown.get("aliases", ()))),
        "services": [code for code in services if code in had],
        "is_enabled": shown.get("is_enabled", True),
    }
    form = forms.Mailbox(list(services.items()), ask.data, initial=initial)
    expected = None
    if ask.is_post and form.is_valid():
        given = form.cleaned_data
        chosen = set(given.get("services", ()))
        more = {
            f"exchange.{code}": int(code in chosen) - int(code in had)
            for code in services
            if f"exchange.{code}" in meters.METERS and (code in chosen) != (code in had)
        }
        priced = " ".join(sorted(chosen))
        expected = (
            expecting.expect_usage(ask.viewer, buyer_id=account_id, more=more, now=ask.now) if more else None
        )
        if expected is not None and expected.difference and given["seen"] != priced:
            form.show_price_of(priced)
        else:
            try:
                wish = {"display_name": given["display_name"], "is_enabled": given["is_enabled"]}
                wish = {name: value for name, value in wish.items() if value != initial[name]}
                if given["aliases"] or "aliases" in shown:
                    wish["aliases"] = frozenset(given["aliases"])
                if chosen != had & services.keys():
                    wish["features"] = frozenset((had - services.keys()) | chosen)
                changing_mailbox.change_mailbox(ask.viewer, resource_id=resource_id, now=ask.now, **wish)
                return ask.done(f"{found.key} is being changed.", "exchange-mailboxes", account_id=account_id)
            except Refusal as error:
                form.refuse(error, "aliases")
    button = "Save" if expected is None or form.errors else "Save at this price"
    words = "" if found.is_settled else found.words
    return _form(ask, account, form, found.key, button, "mailboxes", words=words, expected=expected)


def _services(ask: Ask, account_id: int, box: ResourceView) -> dict[str, str]:
    """What can be switched for this mailbox, by code: further services that the size allows, and protocols where no mailbox
    plan of the platform decides about them. Nothing before the mailbox was seen."""
    if box.observed is None:
        return {}
    found = dict(_PROTOCOLS) if box.observed.get("plan") is None else {}
    login = provisioning.account_resource(ask.viewer, account_id)
    held = subscriptions.of_accounts(ask.viewer, [account_id]).get(account_id)
    if login is None or held is None:
        return found
    offers = provisioning.offers_for(ask.viewer, account_id=account_id, plan_id=held.plan_id)
    limits = next((offer.limits for offer in offers if offer.reference == login.desired.get("plan")), {})
    return found | {code: words for code, words in _SERVICES.items() if limits.get(f"exchange.{code}")}


# --- contacts -------------------------------------------------------------------------------------------------------


@page
def add_contact(ask: Ask, account_id: int) -> HttpResponse:
    form = forms.Contact(ask.data)

    def order() -> str:
        made = adding_contact.add_contact(
            ask.viewer, account_id=account_id, contact=exchange.Contact(**form.cleaned_data), now=ask.now
        )
        return f"{made.key} is being added."

    return _ordering(ask, account_id, form, order, "Add a contact", "Add contact", "contacts", "address")


@page
def contact(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.CONTACT)
    form = forms.Contact(ask.data, initial={**found.shown, "address": found.key})

    def change() -> str:
        changed = changing_contact.change_contact(
            ask.viewer, resource_id=resource_id, now=ask.now, **form.cleaned_data
        )
        return f"{changed.key} is being changed."

    return _changing(ask, account, form, change, f"Contact {found.key}", "contacts", "address", found)


@page
def remove_contact(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    words = "The address is no longer in the address book, and leaves the lists it is in."
    return _removing(ask, account_id, resource_id, exchange.CONTACT, "contacts", words)


# --- lists ----------------------------------------------------------------------------------------------------------


@page
def add_list(ask: Ask, account_id: int) -> HttpResponse:
    ask.buyer(account_id)
    form = forms.AddList(_domains(ask, account_id), _addresses(ask, account_id), ask.data)

    def order() -> str:
        given = form.cleaned_data
        wanted = exchange.DistributionList(
            address=form.address,
            display_name=given["display_name"],
            manager=given["manager"],
            members=frozenset(given["members"]),
            is_open=given["is_open"],
            is_hidden=given["is_hidden"],
        )
        made = adding_list.add_list(ask.viewer, account_id=account_id, wanted=wanted, now=ask.now)
        return f"{made.key} is being made."

    return _ordering(ask, account_id, form, order, "Add a distribution list", "Add list", "lists", "name")


@page
def one_list(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    """A list with its members; what is posted puts some in or takes some out."""
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.DISTRIBUTION_LIST)
    shown = found.shown
    things = {
        thing.key: thing
        for thing in provisioning.resources_of(ask.viewer, account_id)
        if thing.kind in _MEMBERS and thing.is_wanted
    }
    form = forms.Members(ask.data)
    if ask.is_post and form.is_valid():
        chosen = ask.request.POST.getlist("member")
        is_coming = ask.request.POST.get("what") == "add"
        addresses = [*chosen, *form.cleaned_data["addresses"]] if is_coming else chosen
        try:
            if not addresses:
                form.refuse("Choose some addresses first.", "addresses" if is_coming else None)
            else:
                changing_members.change_list_members(
                    ask.viewer,
                    resource_id=resource_id,
                    add=addresses if is_coming else (),
                    remove=() if is_coming else addresses,
                    now=ask.now,
                )
                count = len(set(addresses))
                words = f"{count} member{'s are' if count > 1 else ' is'}"
                return ask.done(
                    f"{words} being {'put in' if is_coming else 'taken out'}.",
                    "exchange-list",
                    account_id=account_id,
                    resource_id=resource_id,
                )
        except Refusal as error:
            form.refuse(error, "addresses" if is_coming else None)
    members = sorted(shown.get("members", ()))
    find, who = ask.request.GET.get("find", "")[:100], ask.request.GET.get("who", "")[:100]
    number = _number(ask, "page")
    matching = [address for address in members if _matches(find, address, things.get(address))]
    held = {*members, found.key}
    others = [
        thing
        for address, thing in sorted(things.items())
        if address not in held and _matches(who, address, thing)
    ]
    return ask.page(
        "exchange/list.html",
        account=account,
        list=found,
        shown=shown,
        members=[
            (address, things.get(address))
            for address in matching[number * _PER_PAGE : (number + 1) * _PER_PAGE]
        ],
        count=len(members),
        find=find,
        who=who,
        page=number,
        next=number + 1 if len(matching) > (number + 1) * _PER_PAGE else None,
        others=others[:_PER_PAGE],
        others_count=len(others),
        form=form,
        status=422 if form.errors else 200,
    )


@page
def change_list(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.DISTRIBUTION_LIST)
    form = forms.ChangeList(_addresses(ask, account_id), ask.data, initial=found.shown)

    def change() -> str:
        changing_list.change_list(ask.viewer, resource_id=resource_id, now=ask.now, **form.cleaned_data)
        return f"{found.key} is being changed."

    return _changing(ask, account, form, change, f"List {found.key}", "lists", "manager", found)


@page
def remove_list(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    words = "Mail to this address reaches nobody any more. The members keep their mailboxes."
    return _removing(ask, account_id, resource_id, exchange.DISTRIBUTION_LIST, "lists", words)


# --- folders --------------------------------------------------------------------------------------------------------


@page
def add_folder(ask: Ask, account_id: int) -> HttpResponse:
    ask.buyer(account_id)
    above = [
        found.key
        for found in provisioning.resources_of(ask.viewer, account_id, kind=exchange.PUBLIC_FOLDER)
        if found.is_wanted
    ]
    form = forms.AddFolder(sorted(above), _domains(ask, account_id), ask.data)

    def order() -> str:
        made = adding_folder.add_folder(
            ask.viewer,
            account_id=account_id,
            folder=exchange.PublicFolder(path=form.path, address=form.address),
            now=ask.now,
        )
        return f"{made.key} is being made."

    return _ordering(ask, account_id, form, order, "Add a public folder", "Add folder", "folders", "name")


@page
def folder(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.PUBLIC_FOLDER)
    local, _, domain = found.shown.get("address", "").partition("@")
    form = forms.FolderAddress(
        _domains(ask, account_id), ask.data, initial={"mail_name": local, "domain": domain}
    )

    def change() -> str:
        changing_folder.change_folder(ask.viewer, resource_id=resource_id, address=form.address, now=ask.now)
        return f"{found.key} is being changed."

    return _changing(ask, account, form, change, f"Folder {found.key}", "folders", "mail_name", found)


@page
def delete_folder(ask: Ask, account_id: int, resource_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, exchange.PUBLIC_FOLDER)
    form = forms.Retyped(ask.data)
    name = found.key.rpartition("\\")[2]
    form.fields["confirmation"].label = f"Type {name} to confirm"
    if ask.is_post and form.is_valid():
        try:
            deleting_folder.delete_folder(
                ask.viewer,
                resource_id=resource_id,
                confirmation=form.cleaned_data["confirmation"],
                now=ask.now,
            )
            return ask.done(f"{found.key} is being deleted.", "exchange-folders", account_id=account_id)
        except Refusal as error:
            form.refuse(error, "confirmation")
    words = "The folder and everything in it are deleted. This cannot be undone."
    return _form(
        ask,
        account,
        form,
        f"Delete {found.key}",
        "Delete folder",
        "folders",
        danger=True,
        words=words,
        expected=_price(ask, account_id, "exchange.folders", -1),
    )


# --- what they share ------------------------------------------------------------------------------------------------

_METERS = {"contacts": "exchange.contacts", "lists": "exchange.lists", "folders": "exchange.folders"}


def _ordering(
    ask: Ask,
    account_id: int,
    form: forms.Form,
    order: Callable[[], str],
    title: str,
    button: str,
    back: str,
    field: str,
) -> HttpResponse:
    """The form for a new thing with its price, and its order."""
    account = ask.buyer(account_id)
    if provisioning.organization_of(ask.viewer, account_id) is None:
        raise Http404
    if ask.is_post and form.is_valid():
        try:
            return ask.done(order(), f"exchange-{back}", account_id=account_id)
        except Refusal as error:
            form.refuse(error, field)
    expected = _price(ask, account_id, _METERS[back], 1)
    ceiling = ceilings.ceiling_ahead(ask.viewer, buyer_id=account_id, expected=expected, now=ask.now)
    return _form(
        ask,
        account,
        form,
        title,
        button,
        back,
        expected=expected,
        ceiling=ceiling if ceiling is not None and ceiling.is_near else None,
    )


def _changing(
    ask: Ask,
    account: AccountView,
    form: forms.Form,
    change: Callable[[], str],
    title: str,
    back: str,
    field: str,
    found: ResourceView,
) -> HttpResponse:
    if ask.is_post and form.is_valid():
        try:
            return ask.done(change(), f"exchange-{back}", account_id=account.id)
        except Refusal as error:
            form.refuse(error, field)
    words = "" if found.is_settled else found.words
    return _form(ask, account, form, title, "Save", back, words=words)


def _removing(ask: Ask, account_id: int, resource_id: int, kind: str, back: str, words: str) -> HttpResponse:
    account = ask.buyer(account_id)
    found = _thing(ask, account_id, resource_id, kind)
    form = forms.Form(ask.data)
    if ask.is_post and form.is_valid():
        try:
            removing.remove_recipient(ask.viewer, resource_id=resource_id, kind=kind, now=ask.now)
            return ask.done(f"{found.key} is being removed.", f"exchange-{back}", account_id=account_id)
        except Refusal as error:
            form.refuse(error)
    return _form(
        ask,
        account,
        form,
        f"Remove {found.key}",
        "Remove",
        back,
        danger=True,
        words=words,
        expected=_price(ask, account_id, _METERS[back], -1),
    )


def _form(
    ask: Ask, account: AccountView, form: forms.Form, title: str, button: str, back: str, **context: Any
) -> HttpResponse:
    return ask.page(
        "exchange/form.html",
        account=account,
        form=form,
        title=title,
        button=button,
        back=reverse(f"exchange-{back}", kwargs={"account_id": account.id}),
        status=422 if form.errors else 200,
        **context,
    )


def _price(ask: Ask, account_id: int, meter: str, more: int):
    return expecting.expect_usage(ask.viewer, buyer_id=account_id, more={meter: more}, now=ask.now)


def _thing(ask: Ask, account_id: int, resource_id: int, kind: str) -> ResourceView:
    found = provisioning.resource(ask.viewer, resource_id)
    if found.account_id != account_id or found.kind != kind or found.gone_at is not None:
        raise Http404
    return found


def _domains(ask: Ask, account_id: int) -> list[str]:
    """The customer's mail domains, the default one first."""
    found = [
        thing
        for thing in provisioning.resources_of(ask.viewer, account_id, kind=exchange.DOMAIN)
        if thing.is_wanted
    ]
    return [thing.key for thing in sorted(found, key=lambda thing: not thing.desired.get("is_default"))]


def _addresses(ask: Ask, account_id: int) -> list[str]:
    """The customer's mailboxes, the first one made first."""
    found = provisioning.resources_of(ask.viewer, account_id, kind=exchange.MAILBOX)
    return [box.key for box in found if box.is_wanted]


def _number(ask: Ask, name: str) -> int:
    given = ask.request.GET.get(name, "")
    return int(given) if given.isdigit() and len(given) < 7 else 0


def _matches(words: str, address: str, thing: ResourceView | None) -> bool:
    name = thing.shown.get("display_name") or "" if thing is not None else ""
    text = f"{address} {name}".casefold()
    return all(word in text for word in words.casefold().split())
