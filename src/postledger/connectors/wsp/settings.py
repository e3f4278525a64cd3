"""What an operator has to say about a WSP installation; everything else is found out."""

from dataclasses import dataclass

from postledger.connectors import contract


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A connection to one WebsitePanel, SolidCP or FuseCP installation, as one of its resellers."""

    url: str = contract.setting(
        "Enterprise Server URL", help="Such as https://wsp.example.com:9002; keep it off the internet."
    )
    username: str = contract.setting("User name", help="Our reseller account there, or a peer of it.")
    password: contract.Secret = contract.setting(  # noqa: RUF009 - describes a field, is not a value
        "Password", help="Letters, digits and signs of ASCII, but no colon."
    )
    portal_url: str = contract.setting(
        "Portal URL", help="Where customers sign on; empty switches that off.", default=""
    )
    reseller: str = contract.setting(
        "Reseller account",
        help="Only when the user name above is not the account that owns the customers.",
        default="",
    )
    concurrency: int = contract.setting(
        "Calls at the same time", help="How many calls the server has to bear.", default=8
    )
    timeout_s: int = contract.setting("Time limit for a call (s)", default=60)
    slow_timeout_s: int = contract.setting("Time limit for deletions and the like (s)", default=600)
    settle_s: int = contract.setting(
        "Wait for background work (s)",
        help="How long one step waits before it is taken up again later.",
        default=20,
    )
    verify_tls: bool = contract.setting("Check the TLS certificate", default=True)
