"""What the platform's numbers and faults mean to us, in words.

Invariant: each code is exactly one of four things: a refusal the customer can act on, a failure that passes, a failure
that stays, or a matter for an operator. A code nobody listed is a matter for an operator, with its number in the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from postledger.connectors import contract
from postledger.connectors.wsp import soap

Kind = Literal["refusal", "temporary", "permanent", "operator"]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """One code.

    Args:
        reason: our code for it, stable.
        text: in words; `{what}` is the thing that was worked on.
    """

    kind: Kind
    reason: str
    text: str


def _refusal(reason: str, text: str) -> Meaning:
    return Meaning(kind="refusal", reason=reason, text=text)


def _temporary(reason: str, text: str) -> Meaning:
    return Meaning(kind="temporary", reason=reason, text=text)


def _permanent(reason: str, text: str) -> Meaning:
    return Meaning(kind="permanent", reason=reason, text=text)


def _operator(reason: str, text: str) -> Meaning:
    return Meaning(kind="operator", reason=reason, text=text)


_VANISHED = "{what} is not on the platform any more. It will be looked for again."
_OWN_ACCOUNT = "Our reseller account on the platform is {state}, so nothing can be changed there. Ask the platform's operator."
_ROLE = "Our login on the platform has not the rights for this. Give it the role of a reseller."
_RAISE = "{what} could not be set up: the plan's limit of {limit} on the platform is reached. Choose a larger plan or an add-on."

MEANINGS: Mapping[int, Meaning] = {
    -1: _temporary("vanished", _VANISHED),
    -2: _operator(
        "no_right_on_owner", "Our login may not create accounts on the platform. Check whose account it is."
    ),
    -100: _refusal("username_taken", "The user name of {what} is taken on the platform. Choose another one."),
    -101: _temporary("vanished", _VANISHED),
    -102: _operator(
        "account_has_accounts",
        "{what} has accounts of its own below it on the platform. Move or remove them.",
    ),
    -103: _operator("reseller_pending", _OWN_ACCOUNT.replace("{state}", "not active yet")),
    -104: _operator("reseller_suspended", _OWN_ACCOUNT.replace("{state}", "suspended")),
    -105: _operator("reseller_cancelled", _OWN_ACCOUNT.replace("{state}", "cancelled")),
    -106: _operator("reseller_demo", _OWN_ACCOUNT.replace("{state}", "a demo account")),
    -107: _operator("must_be_administrator", "The platform lets only its administrator do this with {what}."),
    -108: _operator("must_be_reseller", _ROLE),
    -109: _permanent("credentials", "The platform does not know our user name. Correct the connection."),
    -110: _permanent("credentials", "The platform refuses our password. Correct the connection."),
    -111: _refusal(
        "invalid_username", "The platform does not take the user name of {what}. Choose another one."
    ),
    -112: _operator("must_be_reseller", _ROLE),
    -113: _operator("role_not_allowed", "The platform does not let our login give out that role."),
    -114: _operator("login_disabled", "The login of {what} is disabled on the platform. Enable it there."),
    -115: _operator(
        "login_locked",
        "The login of {what} is locked on the platform after failed attempts. Unlock it there.",
    ),
    -116: _permanent("one_time_password", "The one-time password has run out. Set a lasting one."),
    -200: _permanent("empty_letter", "The platform's welcome letter for accounts is empty."),
    -201: _permanent("empty_letter", "The platform's welcome letter for plans is empty."),
    -202: _permanent("empty_letter", "The platform's letter for passwords is empty."),
    -300: _temporary("vanished", _VANISHED),
    -301: _operator(
        "has_nested", "The subscription of {what} on the platform contains others. Move or remove them first."
    ),
    -302: _operator("subscription_new", "The subscription of {what} on the platform was never made active."),
    -303: _operator(
        "subscription_suspended", "{what} is suspended on the platform. Resume it first, then repeat."
    ),
    -304: _operator(
        "subscription_cancelled", "{what} is cancelled on the platform. Make it active there first."
    ),
    -305: _operator(
        "reseller_quota",
        "{what} would go beyond what our reseller account may give out on the platform. Raise its quotas there.",
    ),
    -500: _refusal("limit_domains", _RAISE.replace("{limit}", "domains")),
    -501: _refusal(
        "domain_restricted", "The domain {what} is below one that belongs to somebody else. Use another one."
    ),
    -502: _refusal(
        "domain_taken",
        "The domain {what} is in use on the platform. Check that it is yours, then ask support.",
    ),
    -503: _refusal("domain_www", "The domain {what} begins with www. Enter it without."),
    -504: _temporary("vanished", _VANISHED),
    -505: _temporary("vanished", _VANISHED),
    -506: _operator(
        "domain_in_use", "The domain {what} points to a web site on the platform. Remove the site first."
    ),
    -507: _operator(
        "domain_in_use", "The domain {what} points to other mail service on the platform. Remove it first."
    ),
    -508: _refusal("limit_subdomains", _RAISE.replace("{limit}", "sub-domains")),
    -509: _operator(
        "zone_exists", "A DNS zone for {what} exists on the platform's DNS server and is not linked to it."
    ),
    -510: _refusal("limit_pointers", _RAISE.replace("{limit}", "domain pointers")),
    -511: _operator("not_configured", "The platform has no preview domain configured."),
    -999: _temporary(
        "platform_failed", "The platform could not carry out the work on {what}. It will be tried again."
    ),
    -1100: _refusal(
        "username_taken", "The user name of {what} is taken on the platform. Choose another one."
    ),
    -1101: _refusal(
        "username_taken", "The user name of {what} is taken by an FTP login there. Choose another one."
    ),
    -1501: _permanent("plan_in_use", "The plan is used by accounts on the platform."),
    -1502: _permanent("plan_in_use", "The add-on is used by accounts on the platform."),
    -2602: _refusal(
        "address_taken", "The mail address of {what} is in use on the platform. Choose another one."
    ),
    -2606: _operator(
        "deleted_with_problems", "{what} was deleted, but parts of its Exchange data may remain. Check there."
    ),
    -2607: _refusal("limit_mailboxes", _RAISE.replace("{limit}", "mailboxes")),
    -2608: _refusal("limit_contacts", _RAISE.replace("{limit}", "contacts")),
    -2609: _refusal("limit_lists", _RAISE.replace("{limit}", "distribution lists")),
    -2610: _refusal("limit_folders", _RAISE.replace("{limit}", "public folders")),
    -2611: _refusal("limit_mail_domains", _RAISE.replace("{limit}", "mail domains")),
    -2612: _refusal("limit_disk", _RAISE.replace("{limit}", "storage")),
    -2613: _operator(
        "recoverable_too_small",
        "The mailbox plan of {what} needs 6 GB for recoverable items. Raise that limit.",
    ),
    -2614: _refusal("limit_journaling", _RAISE.replace("{limit}", "journaling mailboxes")),
    -2701: _refusal(
        "organization_code_taken", "The code of {what} is taken on the platform. Choose another one."
    ),
    -2702: _refusal(
        "address_taken", "The mail address of {what} is in use on the platform. Choose another one."
    ),
    -2703: _refusal("limit_organizations", _RAISE.replace("{limit}", "organizations")),
    -2704: _operator(
        "not_configured", "The platform has no temporary domain configured for organizations. Set it there."
    ),
    -2705: _refusal("domain_taken", "The domain {what} belongs to an organization on the platform already."),
    -2706: _operator(
        "deleted_with_problems", "{what} was deleted, but parts of it may remain. Check the platform's log."
    ),
    -2707: _refusal("limit_users", _RAISE.replace("{limit}", "users")),
    -2708: _operator("is_crm_user", "{what} is a CRM user on the platform. Remove it there first."),
    -2709: _operator(
        "is_ocs_user", "{what} uses Office Communications on the platform. Switch that off first."
    ),
    -2710: _operator(
        "is_lync_user", "{what} uses Lync or Skype for Business on the platform. Switch that off first."
    ),
    -2711: _refusal("limit_deleted_users", _RAISE.replace("{limit}", "deleted users")),
}
"""The platform's negative results."""

_FAULTS: tuple[tuple[str, Meaning], ...] = (
    (
        "you are not allowed to access",
        _operator(
            "belongs_to_someone_else",
            "{what} belongs to somebody else on the platform. Check what it is linked to.",
        ),
    ),
    ("object reference not set", _temporary("vanished", _VANISHED)),
    (
        "request timed out",
        _temporary("timed_out", "The platform was too slow with {what}. It will be looked at again."),
    ),
    (
        "unable to connect to the remote server",
        _temporary(
            "agent_unreachable", "The platform cannot reach one of its own servers. It will be tried again."
        ),
    ),
    (
        "password does not meet",
        _refusal(
            "weak_password",
            "The platform does not take the password of {what}. Choose a longer, more mixed one.",
        ),
    ),
)


_LOGIN_REFUSED = ("invalid user or password", "no anonymous access allowed")
"""How the newest generation refuses credentials."""


def failure(*, code: int, what: str) -> Exception:
    """The exception a negative result stands for.

    Args:
        what: name of the thing that was worked on, for the text.
    """
    meaning = MEANINGS.get(code)
    if meaning is None:
        return contract.NeedsOperator(
            f"The platform refused the work on {what} with its code {code}, which is not known here. Look it up there.",
            reason=f"code_{-code}",
        )
    return made(meaning=meaning, what=what)


def did_not_run(error: soap.Fault) -> bool:
    """True when a fault says for certain that the operation was not begun: refused credentials, unreadable request."""
    return is_login_refused(error) or error.is_unread


def is_login_refused(error: soap.Fault) -> bool:
    """True when a fault refuses our credentials."""
    return error.is_security or any(sign in error.text.lower() for sign in _LOGIN_REFUSED)


def fault(*, error: soap.Fault, what: str) -> Exception:
    """The exception a fault stands for. One nobody listed is temporary: it says nothing about what was done."""
    if is_login_refused(error):
        return contract.PermanentFailure(
            "The platform refuses our user name or password. Correct the connection.", reason="credentials"
        )
    if error.is_unread:
        return contract.PermanentFailure(
            f"The platform could not read our request about {what}: {shortened(error.text)}",
            reason="unreadable_request",
        )
    text = error.text.lower()
    for sign, meaning in _FAULTS:
        if sign in text:
            return made(meaning=meaning, what=what)
    return contract.TemporaryFailure(
        f"The platform failed while working on {what}: {shortened(error.text)}",
        reason="fault",
        retry_after_s=120,
    )


def made(*, meaning: Meaning, what: str) -> Exception:
    """The exception of a meaning."""
    text = meaning.text.replace("{what}", what)
    text = text[:1].upper() + text[1:]
    if meaning.kind == "refusal":
        return contract.PlatformRefusal(text, reason=meaning.reason)
    if meaning.kind == "temporary":
        return contract.TemporaryFailure(text, reason=meaning.reason)
    if meaning.kind == "permanent":
        return contract.PermanentFailure(text, reason=meaning.reason)
    if meaning.reason == "belongs_to_someone_else":
        return contract.ForeignObject(text)
    return contract.NeedsOperator(text, reason=meaning.reason)


def shortened(text: str) -> str:
    """The innermost message of a chain, on one line and of bearable length."""
    inner = text.rpartition("---> ")[2] or text
    line = " ".join(inner.split())
    return line if len(line) <= 300 else line[:297] + "…"
