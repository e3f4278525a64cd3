"""What the live DNS shows: asked of the servers that are responsible for a zone, and of a resolver as everybody uses.

Invariant: only questions are asked, each within its time limit; no answer is not the same as an empty one.
"""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from postledger.resources import dns as records

Question = tuple[str, str]  # owner name, record type


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was answered to one question, in canonical form.

    Args:
        authoritative: what the responsible servers say; `None` when none of them answered.
        resolver: what a resolver says; `None` when it did not answer.
    """

    authoritative: frozenset[str] | None
    resolver: frozenset[str] | None


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Whom to ask.

    Args:
        resolver: address and port; `None` for the one this machine uses.
        authoritative: addresses and ports; `None` to find them by the zone's NS records.
    """

    resolver: tuple[str, int] | None = None
    authoritative: tuple[tuple[str, int], ...] | None = None


def look_up(
    *, zone: str, questions: Sequence[Question], servers: Servers | None = None, timeout_s: float = 3
) -> tuple[Mapping[Question, Seen], str]:
    """What the live DNS shows for each question, and in words what stood in the way, or empty text.

    Args:
        zone: its NS records say who is responsible.
        timeout_s: for each question to each server.
    """
    chosen = servers or Servers()
    resolver = _resolver(chosen, timeout_s)
    responsible, words = _responsible(zone, chosen, resolver)
    found: dict[Question, Seen] = {}
    for question in questions:
        authoritative = None
        for address, port in responsible:
            authoritative = _ask(question, address, port, timeout_s)
            if authoritative is not None:
                break
        found[question] = Seen(authoritative=authoritative, resolver=_resolved(question, resolver))
    return found, words


def _resolver(servers: Servers, timeout_s: float) -> dns.resolver.Resolver | None:
    try:
        resolver = dns.resolver.Resolver(configure=servers.resolver is None)
    except dns.resolver.NoResolverConfiguration:
        return None
    if servers.resolver is not None:
        resolver.nameservers = [servers.resolver[0]]
        resolver.port = servers.resolver[1]
    resolver.lifetime = timeout_s
    return resolver


def _responsible(
    zone: str, servers: Servers, resolver: dns.resolver.Resolver | None
) -> tuple[tuple[tuple[str, int], ...], str]:
    if servers.authoritative is not None:
        return servers.authoritative, ""
    if resolver is None:
        return (), "This machine has no resolver configured, so the live DNS was not asked."
    try:
        hosts = [str(entry.target) for entry in resolver.resolve(zone, "NS")]
    except dns.resolver.NXDOMAIN:
        return (), f"{zone} does not exist in the live DNS. Check that it is registered and delegated."
    except dns.resolver.NoAnswer:
        return (), f"{zone} is not a zone of its own in the live DNS: it has no name servers."
    except dns.exception.DNSException:
        return (), f"The name servers of {zone} could not be found out; the resolver gave no answer."
    addresses: list[tuple[str, int]] = []
    for host in sorted(hosts):
        try:
            addresses += [
                (str(entry[4][0]), 53) for entry in socket.getaddrinfo(host, 53, type=socket.SOCK_STREAM)
            ]
        except OSError:
            continue
    if not addresses:
        return (), f"The name servers of {zone} have no address: {', '.join(sorted(hosts))}."
    return tuple(addresses), ""


def _ask(question: Question, address: str, port: int, timeout_s: float) -> frozenset[str] | None:
    name, kind = question
    asked = dns.message.make_query(dns.name.from_text(name), kind)
    asked.flags &= ~dns.flags.RD
    try:
        answer = dns.query.tcp(asked, address, timeout=timeout_s, port=port)
    except (dns.exception.DNSException, OSError, EOFError):
        return None
    if not answer.flags & dns.flags.AA or answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return None
    return frozenset(
        _canonical(kind, entry.to_text())
        for rrset in answer.answer
        if rrset.rdtype == dns.rdatatype.from_text(kind)
        for entry in rrset
    )


def _resolved(question: Question, resolver: dns.resolver.Resolver | None) -> frozenset[str] | None:
    if resolver is None:
        return None
    name, kind = question
    try:
        answer = resolver.resolve(name, kind, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return frozenset()
    except dns.exception.DNSException:
        return None
    return frozenset(_canonical(kind, entry.to_text()) for entry in answer.rrset or ())


def _canonical(kind: str, text: str) -> str:
    try:
        return records.canonical(type=kind, text=text)
    except records.InvalidRecord:
        return text
