"""WebsitePanel, SolidCP and FuseCP through the SOAP interface of their Enterprise Server.

The words of that product (space, package, hosting plan, item) stay inside this folder.
"""

from typing import Any

from postledger.connectors import contract
from postledger.connectors.wsp.session import Session
from postledger.connectors.wsp.settings import Settings
from postledger.resources import exchange


class Connector:
    """The connector named `wsp`."""

    code = "wsp"
    title = "WebsitePanel, SolidCP or FuseCP"
    contract_version = 1
    kinds = frozenset(exchange.PARENTS)
    settings_class: type[Any] = Settings

    def open(self, *, settings: Settings, audit: contract.Audit = contract.no_audit) -> Session:
        """A session; nothing is sent yet.

        Raises:
            PermanentFailure: the URL is none.
        """
        return Session(settings=settings, audit=audit)


connector = Connector()
_promise: contract.PlatformConnector = connector
