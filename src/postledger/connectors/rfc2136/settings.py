"""What an operator has to say about a server that takes signed updates."""

from dataclasses import dataclass

from postledger.connectors import contract


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A connection to one primary DNS server."""

    host: str = contract.setting("Server", help="Name or address of the primary server.")
    zones: str = contract.setting(
        "Zones", help="Names of the zones we may change there, with blanks or commas between."
    )
    key_name: str = contract.setting("Key name", help="Name of the TSIG key.")
    key: contract.Secret = contract.setting("Key", help="Base64.")  # noqa: RUF009 - describes a field, is not a value
    algorithm: str = contract.setting("Algorithm", default="hmac-sha256")
    port: int = contract.setting("Port", default=53)
    timeout_s: int = contract.setting("Time limit for a call (s)", default=10)
