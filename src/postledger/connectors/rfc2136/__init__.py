"""Any DNS server that takes signed updates (RFC 2136 with TSIG): BIND, Knot, PowerDNS, Windows and others."""

from typing import Any

from postledger.connectors import contract
from postledger.connectors.rfc2136.host import Host
from postledger.connectors.rfc2136.settings import Settings
from postledger.resources import dns


class Connector:
    """The connector named `rfc2136`."""

    code = "rfc2136"
    title = "DNS server with signed updates (RFC 2136)"
    contract_version = 1
    kinds = frozenset({dns.RECORDS})
    settings_class: type[Any] = Settings

    def open(self, *, settings: Settings, audit: contract.Audit = contract.no_audit) -> Host:
        """A session; nothing is sent yet."""
        return Host(settings=settings, audit=audit)


connector = Connector()
_promise: contract.DnsConnector = connector
