"""PowerDNS, through its HTTP API."""

from typing import Any

from postledger.connectors import contract
from postledger.connectors.powerdns.host import Host
from postledger.connectors.powerdns.settings import Settings
from postledger.resources import dns


class Connector:
    """The connector named `powerdns`."""

    code = "powerdns"
    title = "PowerDNS"
    contract_version = 1
    kinds = frozenset({dns.RECORDS})
    settings_class: type[Any] = Settings

    def open(self, *, settings: Settings, audit: contract.Audit = contract.no_audit) -> Host:
        """A session; nothing is sent yet."""
        return Host(settings=settings, audit=audit)


connector = Connector()
_promise: contract.DnsConnector = connector
