"""Hosted Exchange: the things a customer holds, as values.

Invariant: a value here is one *statement* about a thing. As a wish, a field that is `None` has no opinion; as a finding,
it could not be told. Identity fields (`username`, `code`, `name`, `address`) are always there and in the form of
`resources.names`.

    account                   login and subscription of a platform plan
     └─ organization          one company's part of the Exchange system
         ├─ domain            mail domains, one of them the default
         ├─ mailbox           user, shared, room, equipment
         ├─ contact           an outside address in the address book
         ├─ distribution list
         └─ public folder
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from postledger.core.diff import KIND_KEY
from postledger.core.errors import Refusal
from postledger.resources import names

ACCOUNT = "exchange_account"
ORGANIZATION = "exchange_organization"
DOMAIN = "exchange_domain"
MAILBOX = "exchange_mailbox"
CONTACT = "exchange_contact"
DISTRIBUTION_LIST = "exchange_list"
PUBLIC_FOLDER = "exchange_folder"

PARENTS: Mapping[str, str | None] = {
    ACCOUNT: None,
    ORGANIZATION: ACCOUNT,
    DOMAIN: ORGANIZATION,
    MAILBOX: ORGANIZATION,
    CONTACT: ORGANIZATION,
    DISTRIBUTION_LIST: ORGANIZATION,
    PUBLIC_FOLDER: ORGANIZATION,
}
"""Kind → the kind that contains it."""

NAMED_WITHIN = frozenset({CONTACT, PUBLIC_FOLDER})
"""Kinds whose names are the organization's own; every other name exists once on a platform."""

UNLIMITED = -1
"""A limit that is switched off, where `None` would mean no opinion."""

FEATURES = frozenset({"pop", "imap", "owa", "mapi", "activesync", "blackberry", "ocs", "lync", "sfb"})
"""What can be switched on for one mailbox; which of them a platform can switch is its own affair."""

FOLDER_NAME_LENGTH = 64
FOLDER_PATH_LENGTH = 250

AccountStatus = Literal["active", "suspended"]
MailboxKind = Literal["user", "shared", "room", "equipment"]

_IGNORE = {KIND_KEY: "ignore"}
_NOCASE = {KIND_KEY: "nocase"}


class InvalidResource(Refusal):
    """The wish contradicts itself and could not be met by any platform."""

    reason = "invalid_resource"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A login on the platform and its subscription of one platform plan.

    Args:
        username: login name; identity.
        plan: the platform's own id of the plan, as text.
        addons: platform's id of an add-on plan → how many.
        status: suspended = the login and everything in it is switched off; nothing is deleted.
        quotas: our meter code → ceiling the platform has to enforce, add-ons included; the other meters follow the
            plan. An empty mapping lifts all.
    """

    username: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = field(default=None, metadata=_NOCASE)
    company: str | None = None
    phone: str | None = None
    street: str | None = None
    city: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None
    plan: str | None = None
    addons: Mapping[str, int] | None = None
    quotas: Mapping[str, int] | None = None
    status: AccountStatus | None = None


@dataclass(frozen=True, kw_only=True)
class Organization:
    """One company's part of the Exchange system.

    Args:
        code: short code, unique on the platform; identity; cannot be changed later.
        name: display name; only used when it is made, as no platform can rename an organization.
        domain: first mail domain; only used when it is made.
        issue_warning_mib, prohibit_send_mib, prohibit_send_receive_mib: limits given to new mailboxes; `UNLIMITED`.
        keep_deleted_days: how long Exchange keeps deleted items.
    """

    code: str
    name: str | None = field(default=None, metadata=_IGNORE)
    domain: str | None = field(default=None, metadata=_IGNORE)
    issue_warning_mib: int | None = None
    prohibit_send_mib: int | None = None
    prohibit_send_receive_mib: int | None = None
    keep_deleted_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class OrganizationDomain:
    """A mail domain of an organization. Exactly one is the default; making one the default takes it from the other."""

    name: str
    is_default: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """A mailbox with its login.

    Args:
        address: primary mail address; identity.
        kind: can only be chosen when it is made.
        quota_mib: size limit, `UNLIMITED` for none; `None` where a mailbox plan says it.
        plan: the platform's own id of a mailbox plan, where the platform has such plans.
        aliases: further addresses.
        is_enabled: False = the login is switched off; mail is still received.
        features: which of `FEATURES` are on.
    """

    address: str
    display_name: str | None = None
    kind: MailboxKind | None = None
    quota_mib: int | None = None
    plan: str | None = None
    aliases: frozenset[str] | None = None
    is_enabled: bool | None = None
    features: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Contact:
    """An outside address in the organization's address book.

    Args:
        address: identity; it can be changed once the platform knows the contact.
        is_hidden: True = left out of the address book.
    """

    address: str
    display_name: str | None = None
    is_hidden: bool | None = None


@dataclass(frozen=True, kw_only=True)
class DistributionList:
    """An address that reaches several members.

    Args:
        address: identity.
        manager: mail address of the mailbox that manages it.
        members: mail addresses of mailboxes, contacts and lists of the same organization.
        is_open: True = senders outside the organization may write to it.
        is_hidden: True = left out of the address book.
    """

    address: str
    display_name: str | None = None
    manager: str | None = field(default=None, metadata=_NOCASE)
    members: frozenset[str] | None = None
    is_open: bool | None = None
    is_hidden: bool | None = None


@dataclass(frozen=True, kw_only=True)
class PublicFolder:
    """A shared folder.

    Args:
        path: `\\Top\\Below`, within the organization; identity.
        address: mail address, empty text for a folder without mail.
    """

    path: str
    address: str | None = field(default=None, metadata=_NOCASE)


Spec = Account | Organization | OrganizationDomain | Mailbox | Contact | DistributionList | PublicFolder


def validated_account(*, spec: Account) -> Account:
    """The account with its names in their proper form.

    Raises:
        names.InvalidUsername, names.InvalidAddress, InvalidResource: with words.
    """
    if spec.addons is not None and any(quantity < 1 for quantity in spec.addons.values()):
        raise InvalidResource(f"An add-on of “{spec.username}” has a quantity below one. Remove it instead.")
    email = names.address(text=spec.email) if spec.email else spec.email
    return dataclasses.replace(spec, username=names.username(text=spec.username), email=email)


def validated_organization(*, spec: Organization) -> Organization:
    """The organization with its names in their proper form.

    Raises:
        names.InvalidOrganizationCode, names.InvalidDomain, InvalidResource: with words.
    """
    limits = [spec.issue_warning_mib, spec.prohibit_send_mib, spec.prohibit_send_receive_mib]
    if any(limit is not None and limit < UNLIMITED for limit in limits):
        raise InvalidResource(
            f"A limit of the organization “{spec.code}” is negative. Enter megabytes or unlimited."
        )
    first = names.domain(text=spec.domain) if spec.domain else spec.domain
    return dataclasses.replace(spec, code=names.organization_code(text=spec.code), domain=first)


def validated_domain(*, spec: OrganizationDomain) -> OrganizationDomain:
    """The domain with its name in proper form.

    Raises:
        names.InvalidDomain: with words.
    """
    return dataclasses.replace(spec, name=names.domain(text=spec.name))


def validated_mailbox(*, spec: Mailbox) -> Mailbox:
    """The mailbox with its addresses in proper form and the primary one not among the aliases.

    Raises:
        names.InvalidAddress, InvalidResource: with words.
    """
    if spec.quota_mib is not None and spec.quota_mib != UNLIMITED and spec.quota_mib < 1:
        raise InvalidResource(f"The size of “{spec.address}” must be at least 1 MB, or unlimited.")
    unknown = (spec.features or frozenset()) - FEATURES
    if unknown:
        raise InvalidResource(f"“{min(unknown)}” is not a feature a mailbox can have.")
    primary = names.address(text=spec.address)
    aliases = spec.aliases
    if aliases is not None:
        aliases = frozenset(names.address(text=alias) for alias in aliases) - {primary}
    return dataclasses.replace(spec, address=primary, aliases=aliases)


def validated_contact(*, spec: Contact) -> Contact:
    """The contact with its address in proper form.

    Raises:
        names.InvalidAddress: with words.
    """
    return dataclasses.replace(spec, address=names.address(text=spec.address))


def validated_list(*, spec: DistributionList) -> DistributionList:
    """The list with its addresses in proper form.

    Raises:
        names.InvalidAddress, InvalidResource: with words.
    """
    primary = names.address(text=spec.address)
    members = spec.members
    if members is not None:
        members = frozenset(names.address(text=member) for member in members)
        if primary in members:
            raise InvalidResource(
                f"The list “{primary}” cannot be a member of itself. Remove it from its members."
            )
    manager = names.address(text=spec.manager) if spec.manager else spec.manager
    return dataclasses.replace(spec, address=primary, members=members, manager=manager)


def validated_folder(*, spec: PublicFolder) -> PublicFolder:
    """The folder with its path in the form `\\Top\\Below`.

    Raises:
        InvalidResource, names.InvalidAddress: with words.
    """
    parts = [part.strip() for part in spec.path.replace("/", "\\").split("\\") if part.strip()]
    if not parts:
        raise InvalidResource("A public folder needs a name. Enter one.")
    if max(map(len, parts)) > FOLDER_NAME_LENGTH or sum(map(len, parts)) > FOLDER_PATH_LENGTH:
        raise InvalidResource(
            f"The name of a public folder has at most {FOLDER_NAME_LENGTH} characters. Choose a shorter one."
        )
    address = names.address(text=spec.address) if spec.address else spec.address
    return dataclasses.replace(spec, path="\\" + "\\".join(parts), address=address)
