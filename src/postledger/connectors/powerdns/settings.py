"""What an operator has to say about a PowerDNS server."""

from dataclasses import dataclass

from postledger.connectors import contract


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A connection to one PowerDNS Authoritative Server."""

    url: str = contract.setting("API URL", help="Such as http://10.0.0.5:8081, without /api.")
    api_key: contract.Secret = contract.setting("API key")  # noqa: RUF009 - describes a field, is not a value
    server_id: str = contract.setting("Server id", default="localhost")
    timeout_s: int = contract.setting("Time limit for a call (s)", default=20)
    verify_tls: bool = contract.setting("Check the TLS certificate", default=True)
