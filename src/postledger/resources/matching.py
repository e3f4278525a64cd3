"""Which customer of ours an account on a platform may belong to, how sure that is, and why.

Invariant: only an address whose owner proved it, or that his seller entered, is a proof. Names, companies and domains
are hints: together they never reach the score of a proof.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["HINTS_AT_MOST", "Customer", "Found", "Match", "Matcher"]

HINTS_AT_MOST = 60
_PROVED_EMAIL, _PROVED_MAILBOX = 70, 65
_NAME, _ZONE, _COMPANY, _EMAIL_DOMAIN, _UNPROVED = 25, 30, 15, 15, 10
_LEGAL_FORM = re.compile(
    r"\b(ltd|limited|inc|incorporated|llc|gmbh|ag|bv|nv|srl|sarl|sa|plc|co|corp|oy|ab|as)\b"
)


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A customer an account could belong to.

    Args:
        is_email_proved: the address may be taken as proof of who he is.
        zones: names of the DNS zones he holds with us.
    """

    id: int
    code: str
    name: str
    email: str
    is_email_proved: bool
    zones: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Found:
    """An account on a platform as its lists tell it; all lower case but the company."""

    username: str
    email: str = ""
    company: str = ""
    domains: frozenset[str] = frozenset()
    mailboxes: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Match:
    """A customer an account may belong to.

    Args:
        score: 1 to 100; above `HINTS_AT_MOST` only with a proof.
        reasons: why, a sentence part each.
        is_unique: nobody else has as high a score.
    """

    customer_id: int
    score: int
    reasons: tuple[str, ...]
    is_proved: bool
    is_unique: bool = True


@dataclass
class _Tally:
    points: int = 0
    is_proved: bool = False
    reasons: list[str] = field(default_factory=list)


class Matcher:
    """Answers for one account after another, in time that does not grow with the number of customers."""

    def __init__(self, *, customers: Iterable[Customer]) -> None:
        self._by_id: dict[int, Customer] = {}
        self._by_email: dict[str, list[int]] = {}
        self._by_code: dict[str, list[int]] = {}
        self._by_company: dict[str, list[int]] = {}
        self._by_zone: dict[str, list[int]] = {}
        self._by_email_domain: dict[str, list[int]] = {}
        for customer in customers:
            self._by_id[customer.id] = customer
            email = customer.email.strip().casefold()
            _put(self._by_email, email, customer.id)
            _put(self._by_code, customer.code.casefold(), customer.id)
            _put(self._by_company, _company(customer.name), customer.id)
            _put(self._by_email_domain, email.rpartition("@")[2], customer.id)
            for zone in customer.zones:
                _put(self._by_zone, zone, customer.id)

    def best(self, *, found: Found) -> Match | None:
        """The customer that fits best, or None when nothing at all speaks for anybody."""
        tallies: dict[int, _Tally] = {}
        email = found.email.strip().casefold()
        for customer_id in self._by_email.get(email, ()) if email else ():
            tally = tallies.setdefault(customer_id, _Tally())
            if self._by_id[customer_id].is_email_proved:
                tally.is_proved = True
                _add(tally, _PROVED_EMAIL, f"the account's e-mail address {email} is his confirmed one")
            else:
                _add(tally, _UNPROVED, f"the e-mail address {email} is the same, but he never confirmed it")
        for address in sorted(found.mailboxes):
            for customer_id in self._by_email.get(address, ()):
                if self._by_id[customer_id].is_email_proved and address != email:
                    tally = tallies.setdefault(customer_id, _Tally())
                    tally.is_proved = True
                    _add(tally, _PROVED_MAILBOX, f"his confirmed address {address} is a mailbox in it")
        hints: list[tuple[Mapping[str, list[int]], Iterable[str], int, str]] = [
            (self._by_code, [found.username.casefold()], _NAME, "the user name is his code, {}"),
            (self._by_zone, sorted(found.domains), _ZONE, "his domain {} is in it"),
            (self._by_company, [_company(found.company)], _COMPANY, "the company has his name, {}"),
            (
                self._by_email_domain,
                sorted(found.domains),
                _EMAIL_DOMAIN,
                "his mail comes from {}, which is in it",
            ),
        ]
        for index, keys, points, words in hints:
            told: set[int] = set()
            for key in keys:
                for customer_id in index.get(key, ()) if key else ():
                    if customer_id not in told:
                        told.add(customer_id)
                        _add(tallies.setdefault(customer_id, _Tally()), points, words.format(key))
        if not tallies:
            return None
        scores = {customer_id: _score(tally) for customer_id, tally in tallies.items()}
        chosen = max(scores, key=lambda customer_id: (scores[customer_id], -customer_id))
        as_high = sum(1 for score in scores.values() if score == scores[chosen])
        return Match(
            customer_id=chosen,
            score=scores[chosen],
            reasons=tuple(tallies[chosen].reasons),
            is_proved=tallies[chosen].is_proved,
            is_unique=as_high == 1,
        )


def _score(tally: _Tally) -> int:
    return min(tally.points, 100) if tally.is_proved else min(tally.points, HINTS_AT_MOST)


def _add(tally: _Tally, points: int, words: str) -> None:
    tally.points += points
    tally.reasons.append(words)


def _put(index: dict[str, list[int]], key: str, customer_id: int) -> None:
    if key:
        index.setdefault(key, []).append(customer_id)


def _company(name: str) -> str:
    """A company's name without its legal form and signs: "Acme, Ltd." is "acme"."""
    words = re.sub(r"[^\w ]", " ", name.casefold())
    return " ".join(_LEGAL_FORM.sub(" ", words).split())
