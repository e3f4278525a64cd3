"""What the other floors know about accounts: frozen values, no rows."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a signed-in user, a token of one, or the system itself (workers, command line).

    Attributes:
        user_id: the user, None for the system.
        account_id: the account he acts for, None for the system.
        kind: provider, reseller, customer or system.
        role: owner, staff or viewer; a `viewer` reads and changes nothing.
    """

    user_id: int | None
    account_id: int | None
    kind: str
    role: str = "owner"

    @classmethod
    def system(cls) -> "Viewer":
        """The viewer of jobs nobody clicked: sees and may do everything."""
        return cls(user_id=None, account_id=None, kind="system")

    @property
    def is_system(self) -> bool:
        return self.kind == "system"

    @property
    def is_seller(self) -> bool:
        return self.kind in ("provider", "reseller", "system")

    @property
    def may_write(self) -> bool:
        return self.role != "viewer"

    @property
    def actor(self) -> str:
        """The words under which the events log names him."""
        return "system" if self.user_id is None else f"user {self.user_id}"


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as it stands.

    Attributes:
        seller_id: None for the provider alone.
        email_confirmed_at: when the address was entered by the seller or proved by its owner; None for one the owner
            merely typed, which must not be taken as proof of who he is.
    """

    id: int
    seller_id: int | None
    kind: str
    code: str
    name: str
    email: str
    email_confirmed_at: dt.datetime | None
    address: str
    country: str
    currency: str
    time_zone: str
    is_tax_exempt: bool
    created_at: dt.datetime

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def is_seller(self) -> bool:
        return self.kind != "customer"


@dataclass(frozen=True, slots=True)
class UserView:
    """A person who signs in for one account."""

    id: int
    account_id: int
    email: str
    name: str
    role: str
    is_active: bool
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class TokenView:
    """An API token without its secret; `prefix` is what its owner recognises it by."""

    id: int
    user_id: int
    name: str
    prefix: str
    created_at: dt.datetime
    last_used_at: dt.datetime | None
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered: an HTTP status and the body as it was sent."""

    status: int
    body: str
