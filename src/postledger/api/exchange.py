"""Routes of an account's Exchange: ordering it, its domains, mailboxes, contacts, lists and folders, and how all stands.

What changes here is a wish; a worker makes it so. Signing on to the platform's portal is the panel's alone.
"""

import datetime as dt
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from postledger import clock
from postledger.api import forms, routes
from postledger.provisioning import operations, queries
from postledger.resources import exchange as things
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import (
    add_contact,
    add_domain,
    add_exchange,
    add_folder,
    add_list,
    add_mailbox,
    change_contact,
    change_folder,
    change_list,
    change_list_members,
    change_mailbox,
    change_platform_plan,
    delete_folder,
    delete_mailbox,
    make_default_domain,
    read_account,
    remove_domain,
    remove_exchange,
    remove_recipient,
    set_mailbox_password,
    unlink,
)

router = routes.area("Exchange")
HERE = "/accounts/{account_id}/exchange"
Quota = Annotated[int, Field(ge=-1, le=2**31 - 1, description="MiB; -1 for no limit")]
Feature = Literal["pop", "imap", "owa", "mapi", "activesync", "blackberry", "ocs", "lync", "sfb"]


class ProgressLine(Schema):
    """How one hosted thing stands."""

    resource_id: int
    kind: str
    title: str
    condition: str
    words: str
    is_settled: bool
    is_waiting_for_us: bool


class Progress(Schema):
    """How all that the account holds on a platform stands; `words` sums it up."""

    is_settled: bool
    words: str
    lines: list[ProgressLine]


class Resource(Schema):
    """A hosted thing: as it is wished, as it was found, and how it stands. Once both generations agree it is as wished. `reason`
    is the stable code of what stopped or delayed it."""

    id: int
    account_id: int
    subscription_id: int | None
    connection_id: int
    parent_id: int | None
    kind: str
    key: str
    desired: dict[str, Any]
    is_wanted: bool
    observed: dict[str, Any] | None
    observed_at: dt.datetime | None
    generation: int
    observed_generation: int
    condition: str
    words: str
    reason: str
    is_settled: bool
    is_linked: bool
    due_at: dt.datetime | None
    created_at: dt.datetime
    gone_at: dt.datetime | None


class PlatformPlan(Schema):
    """A size of Exchange that the account can choose."""

    platform_plan_id: int
    name: str
    limits: dict[str, int]
    is_default: bool


class NewMailbox(forms.Body):
    """A mailbox in one of the account's mail domains. It is made with a random password."""

    address: forms.Name
    display_name: forms.Text | None = None
    kind: Literal["user", "shared", "room", "equipment"] | None = None
    quota_mib: Quota | None = None
    plan: forms.Text | None = None
    aliases: list[forms.Name] | None = None
    features: list[Feature] | None = None


class MailboxChange(forms.Body):
    """What is left out stays. `is_enabled: false` switches the login off; mail is still received."""

    display_name: forms.Text | None = None
    quota_mib: Quota | None = None
    plan: forms.Text | None = None
    aliases: list[forms.Name] | None = None
    is_enabled: bool | None = None
    features: list[Feature] | None = None


class NewContact(forms.Body):
    """An outside address for the address book."""

    address: forms.Name
    display_name: forms.Text | None = None
    is_hidden: bool | None = None


class ContactChange(forms.Body):
    """What is left out stays. With another address the contact stays in its lists."""

    address: forms.Name | None = None
    display_name: forms.Text | None = None
    is_hidden: bool | None = None


Addresses = Annotated[list[forms.Name], Field(default=[], max_length=5000)]


class NewList(forms.Body):
    """A distribution list; members are addresses of mailboxes, contacts and other lists. Without a manager the first
    mailbox manages it. `is_open: true` lets senders outside the organization write to it."""

    address: forms.Name
    display_name: forms.Text | None = None
    manager: forms.Name | None = None
    members: Addresses
    is_open: bool | None = None
    is_hidden: bool | None = None


class ListChange(forms.Body):
    """What is left out stays."""

    display_name: forms.Text | None = None
    manager: forms.Name | None = None
    is_open: bool | None = None
    is_hidden: bool | None = None


class MemberChange(forms.Body):
    """Addresses to put in and to take out; all of it is done, or nothing."""

    add: Addresses
    remove: Addresses


class NewFolder(forms.Body):
    """A public folder. `path` is its name, with the folders it lies in before it: `Team/Sales`."""

    path: Annotated[forms.Name, Field(max_length=200)]
    address: forms.Text = ""


class FolderChange(forms.Body):
    """Where the folder takes mail; empty for a folder without mail."""

    address: forms.Text


class NewExchange(forms.Body):
    """The first mail domain, and what differs from the plan's default."""

    domain: forms.Name
    platform_plan_id: forms.Id | None = None
    username: forms.Text | None = None
    organization_name: forms.Text | None = None
    mailboxes: list[NewMailbox] = Field(default=[], max_length=100)


class Read(Schema):
    """Why there is no reading, in words; empty when one was taken, or when there is nothing to read."""

    problem: str


class Removal(forms.Body):
    """`is_confirmed: true` deletes everything for good; otherwise it is suspended until somebody confirms."""

    reason: forms.Name
    is_confirmed: bool = False


class Unlink(forms.Body):
    """Why; `is_billed`: bill what was used up to today, otherwise none of it. `amount`: what was shown; another one is
    refused."""

    reason: forms.Name
    is_billed: bool = False
    amount: forms.Amount | None = None


class Unlinking(Schema):
    """What unlinking does, or did. Nothing is changed on the platform.

    `is_made`: Postledger made the account from an order; otherwise it was there before. `is_suspended`: it is suspended on
    the platform and stays so. `things`: hosted things that leave the records. `amount`: what is booked before tax, null
    where there is no subscription; `is_read`: its usage was read today, without which the amount to bill is not known.
    """

    name: str
    organizations: list[str]
    is_made: bool
    is_suspended: bool
    things: int
    is_read: bool
    amount: str | None
    currency: str


class Size(forms.Body):
    """One of the platform plans the account can choose."""

    platform_plan_id: forms.Id


class Domain(forms.Body):
    """A mail domain."""

    name: forms.Name


class NewPassword(forms.Body):
    """The mailbox's new password; it goes to the platform and is kept nowhere."""

    password: Annotated[str, Field(min_length=1, max_length=128)]


class LookAgain(forms.Body):
    """`confirm: true` says that what was found is right so; the seller's to say."""

    confirm: bool = False


@router.get(HERE, response=Progress)
def progress(request: HttpRequest, account_id: forms.Id):
    """How the account's Exchange stands."""
    return queries.progress(request.auth, account_id)


@routes.books(router, HERE, response=Progress)
def create(request: HttpRequest, account_id: forms.Id, payload: NewExchange):
    """Order Exchange. It is set up in the background; ask for the progress."""
    return add_exchange.add_exchange(
        request.auth,
        account_id=account_id,
        domain=payload.domain,
        platform_plan_id=payload.platform_plan_id,
        username=payload.username,
        organization_name=payload.organization_name,
        mailboxes=[_mailbox(box) for box in payload.mailboxes],
        now=clock.now(),
    )


@router.get(HERE + "/platform-plans", response=list[PlatformPlan])
def platform_plans(request: HttpRequest, account_id: forms.Id):
    """The sizes of Exchange the account's plan offers, the default one first."""
    held = subscriptions.subscription_of(request.auth, account_id)
    return queries.offers_for(request.auth, account_id=account_id, plan_id=held.plan_id)


@routes.books(router, HERE + "/platform-plan", response=Resource)
def change_size(request: HttpRequest, account_id: forms.Id, payload: Size):
    """Change to another size of Exchange."""
    return change_platform_plan.change_platform_plan(
        request.auth, account_id=account_id, platform_plan_id=payload.platform_plan_id, now=clock.now()
    )


@router.post(HERE + "/removal", response=Progress)
def remove(request: HttpRequest, account_id: forms.Id, payload: Removal):
    """Remove an account's Exchange, with all mail in it."""
    return remove_exchange.remove_exchange(
        request.auth,
        account_id=account_id,
        reason=payload.reason,
        is_confirmed=payload.is_confirmed,
        now=clock.now(),
    )


@router.get(HERE + "/unlink", response=Unlinking)
def unlinking(request: HttpRequest, account_id: forms.Id, is_billed: bool = False):
    """What it would do to unlink an account on a platform that was linked to the wrong customer."""
    found = unlink.unlink(
        request.auth, account_id=account_id, is_billed=is_billed, preview=True, now=clock.now()
    )
    return _unlinking(found)


@routes.books(router, HERE + "/unlink", response=Unlinking, is_whole=False)
def unlink_account(request: HttpRequest, account_id: forms.Id, payload: Unlink):
    """Unlink an account on a platform that was linked to the wrong customer. It can be adopted again."""
    agreed = None if payload.amount is None else forms.minor(request.auth, account_id, payload.amount)
    found = unlink.unlink(
        request.auth,
        account_id=account_id,
        reason=payload.reason,
        is_billed=payload.is_billed,
        agreed=agreed,
        now=clock.now(),
    )
    return _unlinking(found)


def _unlinking(found: unlink.Unlinking) -> dict[str, Any]:
    plain = {name: getattr(found, name) for name in Unlinking.model_fields if name != "amount"}
    return {**plain, "amount": found.amount_text or None}


@router.post(HERE + "/reading", response=Read)
def read(request: HttpRequest, account_id: forms.Id):
    """Read the account's usage from its platform now."""
    return {"problem": read_account.read_account(request.auth, account_id=account_id, now=clock.now())}


@router.get(HERE + "/resources", response=forms.Page[Resource])
def resources(
    request: HttpRequest,
    account_id: forms.Id,
    kind: Literal[
        "exchange_account",
        "exchange_organization",
        "exchange_domain",
        "exchange_mailbox",
        "exchange_contact",
        "exchange_list",
        "exchange_folder",
    ]
    | None = None,
    limit: forms.Limit = 100,
    offset: forms.Offset = 0,
):
    """The hosted things of an account, optionally of one kind."""
    rows = queries.resources_of(request.auth, account_id, kind=kind)
    return forms.page(rows, limit=limit, offset=offset)


@router.get("/resources/{resource_id}", response=Resource)
def resource(request: HttpRequest, resource_id: forms.Id):
    """One hosted thing."""
    return queries.resource(request.auth, resource_id)


@router.post("/resources/{resource_id}/look-again", response=Resource)
def look_again(request: HttpRequest, resource_id: forms.Id, payload: LookAgain):
    """Have a worker look at a thing at once."""
    return operations.look_again(
        request.auth, resource_id=resource_id, confirm=payload.confirm, now=clock.now()
    )


@router.get("/sellers/{seller_id}/attention", response=list[Resource])
def attention(request: HttpRequest, seller_id: forms.Id):
    """What on a seller's connections waits for somebody."""
    return queries.attention(request.auth, seller_id)


@routes.books(router, HERE + "/domains", response={201: Resource})
def create_domain(request: HttpRequest, account_id: forms.Id, payload: Domain):
    """Add a mail domain; the DNS records it needs are put in, or shown."""
    return add_domain.add_domain(request.auth, account_id=account_id, name=payload.name, now=clock.now())


@router.post("/exchange-domains/{resource_id}/default", response=Resource)
def choose_default_domain(request: HttpRequest, resource_id: forms.Id):
    """Make a mail domain the organization's default; the same again changes nothing."""
    return make_default_domain.make_default_domain(request.auth, resource_id=resource_id, now=clock.now())


@router.delete("/exchange-domains/{resource_id}", response=Resource)
def end_domain(request: HttpRequest, resource_id: forms.Id):
    """Remove a mail domain that no address uses; the DNS records it replaced come back."""
    return remove_domain.remove_domain(request.auth, resource_id=resource_id, now=clock.now())


@routes.books(router, HERE + "/mailboxes", response={201: Resource})
def create_mailbox(request: HttpRequest, account_id: forms.Id, payload: NewMailbox):
    """Add a mailbox."""
    return add_mailbox.add_mailbox(
        request.auth, account_id=account_id, mailbox=_mailbox(payload), now=clock.now()
    )


@router.patch("/exchange-mailboxes/{resource_id}", response=Resource)
def set_mailbox(request: HttpRequest, resource_id: forms.Id, payload: MailboxChange):
    """Change a mailbox."""
    return change_mailbox.change_mailbox(
        request.auth,
        resource_id=resource_id,
        display_name=payload.display_name,
        quota_mib=payload.quota_mib,
        plan=payload.plan,
        aliases=_set(payload.aliases),
        is_enabled=payload.is_enabled,
        features=_set(payload.features),
        now=clock.now(),
    )


@router.delete("/exchange-mailboxes/{resource_id}", response=Resource)
def end_mailbox(request: HttpRequest, resource_id: forms.Id, confirmation: forms.Name):
    """Delete a mailbox with all mail in it. `confirmation` is its address."""
    return delete_mailbox.delete_mailbox(
        request.auth, resource_id=resource_id, confirmation=confirmation, now=clock.now()
    )


@router.post("/exchange-mailboxes/{resource_id}/password", response=forms.Done)
def set_password(request: HttpRequest, resource_id: forms.Id, payload: NewPassword):
    """Give a mailbox a password; the platform has it when this is answered."""
    set_mailbox_password.set_mailbox_password(
        request.auth, resource_id=resource_id, password=payload.password, now=clock.now()
    )
    return forms.Done()


@routes.books(router, HERE + "/contacts", response={201: Resource})
def create_contact(request: HttpRequest, account_id: forms.Id, payload: NewContact):
    """Add a contact."""
    wanted = things.Contact(**payload.model_dump())
    return add_contact.add_contact(request.auth, account_id=account_id, contact=wanted, now=clock.now())


@router.patch("/exchange-contacts/{resource_id}", response=Resource)
def set_contact(request: HttpRequest, resource_id: forms.Id, payload: ContactChange):
    """Change a contact."""
    return change_contact.change_contact(
        request.auth, resource_id=resource_id, now=clock.now(), **payload.model_dump()
    )


@router.delete("/exchange-contacts/{resource_id}", response=Resource)
def end_contact(request: HttpRequest, resource_id: forms.Id):
    """Remove a contact; it leaves the lists it is in."""
    return remove_recipient.remove_recipient(
        request.auth, resource_id=resource_id, kind=things.CONTACT, now=clock.now()
    )


@routes.books(router, HERE + "/lists", response={201: Resource})
def create_list(request: HttpRequest, account_id: forms.Id, payload: NewList):
    """Add a distribution list."""
    wanted = things.DistributionList(**{**payload.model_dump(), "members": frozenset(payload.members)})
    return add_list.add_list(request.auth, account_id=account_id, wanted=wanted, now=clock.now())


@router.patch("/exchange-lists/{resource_id}", response=Resource)
def set_list(request: HttpRequest, resource_id: forms.Id, payload: ListChange):
    """Change a distribution list; its members have a route of their own."""
    return change_list.change_list(
        request.auth, resource_id=resource_id, now=clock.now(), **payload.model_dump()
    )


@routes.books(router, "/exchange-lists/{resource_id}/members", response=Resource)
def change_members(request: HttpRequest, resource_id: forms.Id, payload: MemberChange):
    """Put members into a distribution list and take others out."""
    return change_list_members.change_list_members(
        request.auth, resource_id=resource_id, add=payload.add, remove=payload.remove, now=clock.now()
    )


@router.delete("/exchange-lists/{resource_id}", response=Resource)
def end_list(request: HttpRequest, resource_id: forms.Id):
    """Remove a distribution list; its members keep their mailboxes."""
    return remove_recipient.remove_recipient(
        request.auth, resource_id=resource_id, kind=things.DISTRIBUTION_LIST, now=clock.now()
    )


@routes.books(router, HERE + "/folders", response={201: Resource})
def create_folder(request: HttpRequest, account_id: forms.Id, payload: NewFolder):
    """Add a public folder."""
    wanted = things.PublicFolder(path=payload.path, address=payload.address)
    return add_folder.add_folder(request.auth, account_id=account_id, folder=wanted, now=clock.now())


@router.patch("/exchange-folders/{resource_id}", response=Resource)
def set_folder(request: HttpRequest, resource_id: forms.Id, payload: FolderChange):
    """Give a public folder a mail address, another one, or none."""
    return change_folder.change_folder(
        request.auth, resource_id=resource_id, address=payload.address, now=clock.now()
    )


@router.delete("/exchange-folders/{resource_id}", response=Resource)
def end_folder(request: HttpRequest, resource_id: forms.Id, confirmation: forms.Name):
    """Delete a public folder with everything in it. `confirmation` is its name."""
    return delete_folder.delete_folder(
        request.auth, resource_id=resource_id, confirmation=confirmation, now=clock.now()
    )


def _mailbox(given: NewMailbox) -> things.Mailbox:
    return things.Mailbox(
        address=given.address,
        display_name=given.display_name,
        kind=given.kind,
        quota_mib=given.quota_mib,
        plan=given.plan,
        aliases=_set(given.aliases),
        features=_set(given.features),
    )


def _set(given: list[Any] | None) -> frozenset[str] | None:
    return None if given is None else frozenset(given)
