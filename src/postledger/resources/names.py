"""Names as customers type them, brought to one form or refused with words.

Invariant: whatever comes out of a function here is lower case where the platforms do not regard case, carries no
trailing dot, and may be sent to any platform as it stands.
"""

import re

from postledger.core.errors import Refusal

DOMAIN_LENGTH = 100
USERNAME_LENGTH = 50
ADDRESS_LENGTH = 254

_LABEL = re.compile(r"^(?!-)[a-z0-9_-]{1,63}(?<!-)$")
_LOCAL = re.compile(r"^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")
_USERNAME = re.compile(r"^[a-z0-9][a-z0-9._@-]*$")
_ORGANIZATION_CODE = re.compile(r"^[a-z][a-z0-9]{1,8}$")


class InvalidDomain(Refusal):
    """The text is no domain name mail can be sent to."""

    reason = "invalid_domain"


class InvalidAddress(Refusal):
    """The text is no mail address."""

    reason = "invalid_address"


class InvalidUsername(Refusal):
    """The text cannot be a login name."""

    reason = "invalid_username"


class InvalidOrganizationCode(Refusal):
    """The text cannot be the short code of an organization."""

    reason = "invalid_organization_code"


def domain(*, text: str) -> str:
    """The domain name in its wire form: lower case, international names as punycode, no trailing dot.

    Raises:
        InvalidDomain: with the part that is wrong.
    Source:
        RFC 1035 §2.3, RFC 5891; 100 characters is the width of the platforms' column.
    """
    name = text.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise InvalidDomain(
                f"“{text}” is not a domain name. Check it for letters a domain cannot have."
            ) from None
    labels = name.split(".")
    if len(labels) < 2:
        raise InvalidDomain(
            f"“{text}” is not a full domain name. Enter it with its ending, such as example.com."
        )
    if len(name) > DOMAIN_LENGTH:
        raise InvalidDomain(f"“{text}” is longer than {DOMAIN_LENGTH} characters. Use a shorter domain.")
    for label in labels:
        if not _LABEL.match(label) or "_" in label:
            raise InvalidDomain(
                f"“{label}” in “{text}” cannot be part of a domain name. Use letters, digits and inner hyphens."
            )
    if labels[-1].isdigit():
        raise InvalidDomain(f"“{text}” is not a domain name. Enter a name, not an address.")
    return name


def record_name(*, text: str) -> str:
    """The owner name of a DNS record, as `domain` but underscores and a leading `*` allowed.

    Raises:
        InvalidDomain: the text is no DNS name.
    """
    name = text.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise InvalidDomain(f"“{text}” is not a DNS name.") from None
    labels = name.split(".")
    if labels[0] == "*":
        labels = labels[1:]
    if not labels or len(name) > 253 or not all(_LABEL.match(label) for label in labels):
        raise InvalidDomain(f"“{text}” is not a DNS name. Use letters, digits, hyphens and underscores.")
    return name


def address(*, text: str) -> str:
    """The mail address in lower case.

    Raises:
        InvalidAddress: no `@`, an odd local part, or a domain that is none.
    Source:
        RFC 5321 §4.5.3.1 for lengths; quoted local parts are refused, no platform takes them.
    """
    local, at, host = text.strip().lower().rpartition("@")
    if not at or not local:
        raise InvalidAddress(f"“{text}” is not a mail address. Enter it as name@example.com.")
    if len(local) > 64 or not _LOCAL.match(local):
        raise InvalidAddress(
            f"“{local}” in “{text}” cannot be a mail name. Use letters, digits, dots and hyphens."
        )
    try:
        host = domain(text=host)
    except InvalidDomain as refusal:
        raise InvalidAddress(f"“{text}” is not a mail address. {refusal}") from None
    if len(local) + 1 + len(host) > ADDRESS_LENGTH:
        raise InvalidAddress(f"“{text}” is longer than {ADDRESS_LENGTH} characters. Use a shorter address.")
    return f"{local}@{host}"


def username(*, text: str) -> str:
    """The login name in lower case, 2 to 50 characters.

    Raises:
        InvalidUsername: with what is allowed.
    """
    name = text.strip().lower()
    if not 2 <= len(name) <= USERNAME_LENGTH or not _USERNAME.match(name):
        raise InvalidUsername(
            f"“{text}” cannot be a user name. Use 2 to {USERNAME_LENGTH} letters, digits, dots, hyphens, "
            "underscores or @, beginning with a letter or a digit."
        )
    return name


def organization_code(*, text: str) -> str:
    """The short code of an organization in lower case: a letter, then letters or digits, 2 to 9 in all.

    The narrowest rule of all platforms is used for all of them, so that a code made today fits after a move.

    Raises:
        InvalidOrganizationCode: with what is allowed.
    """
    code = text.strip().lower()
    if not _ORGANIZATION_CODE.match(code):
        raise InvalidOrganizationCode(
            f"“{text}” cannot be an organization code. Use a letter followed by letters or digits, 2 to 9 in all."
        )
    return code


def suggest_organization_code(*, text: str, taken: frozenset[str] = frozenset()) -> str:
    """A valid code that resembles a company or domain name and is not among those taken.

    Args:
        text: what to derive it from, such as a domain name.
        taken: codes in lower case that cannot be used.
    """
    letters = re.sub(r"[^a-z0-9]", "", text.lower().split(".")[0] if "." in text else text.lower())
    stem = letters.lstrip("0123456789") or "org"
    stem = (stem if len(stem) > 1 else stem + "org")[:9]
    candidate, number = stem, 1
    while candidate in taken:
        number += 1
        suffix = str(number)
        candidate = stem[: 9 - len(suffix)] + suffix
    return candidate
