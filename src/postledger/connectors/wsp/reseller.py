"""Who we are on the platform, and what therefore is ours.

Invariant: a thing counts as ours only when the chain service item → package → user → owner ends at our reseller
account, read through services that look at credentials. One service of the older generations does not, so nothing of
an organization is touched before that chain was walked.
"""

import threading
from dataclasses import dataclass

from postledger.connectors import contract
from postledger.connectors.wsp import client as c
from postledger.connectors.wsp import soap

USER_ACTIVE, USER_SUSPENDED, USER_CANCELLED, USER_PENDING = 1, 2, 3, 4
ROLE_ADMINISTRATOR, ROLE_RESELLER, ROLE_USER = 1, 2, 3


@dataclass(frozen=True, kw_only=True)
class Reseller:
    """Our account on the platform."""

    user_id: int
    username: str
    role: int
    status: int
    is_demo: bool


class Ownership:
    """Answers what is ours; remembers yes for the length of a session, never no."""

    def __init__(self, *, client: c.Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._me: Reseller | None = None
        self._spaces: set[tuple[int, int]] = set()

    def me(self) -> Reseller:
        """Our reseller account.

        Raises:
            NeedsOperator: the login cannot see itself, or the account named in the settings.
        """
        with self._lock:
            if self._me is not None:
                return self._me
        settings = self._client.settings
        name = settings.reseller or settings.username
        user = self._client.record(c.USERS, "GetUserByUsername", what=name, username=name)
        if user is not None and user.bool("IsPeer"):
            user = self._client.record(c.USERS, "GetUserById", what=name, userId=user.int("OwnerId"))
        if user is None:
            raise contract.NeedsOperator(
                f"The login {settings.username} cannot see the account {name} on the platform. Correct the connection.",
                reason="reseller_not_found",
            )
        me = Reseller(
            user_id=user.int("UserId"),
            username=user.text("Username"),
            role=role_of(user),
            status=status_of(user),
            is_demo=user.bool("IsDemo"),
        )
        with self._lock:
            self._me = me
        return me

    def is_ours(self, user: soap.Record) -> bool:
        """True when the user belongs to our reseller account."""
        return user.int("OwnerId") == self.me().user_id and user.int("UserId") != self.me().user_id

    def user(self, user_id: int, *, what: str) -> soap.Record | None:
        """The user with that id, or `None` when there is none that we can see.

        Raises:
            ForeignObject: it is not under our reseller account.
        """
        user = self._client.record(c.USERS, "GetUserById", what=what, userId=user_id)
        if user is not None and not self.is_ours(user):
            raise foreign(what)
        return user

    def space(self, space_id: int, *, user_id: int, what: str) -> soap.Record | None:
        """The package with that id, or `None` when it is gone.

        Raises:
            ForeignObject: it is not held by that user, or the user is not ours.
        """
        package = self._client.record(c.PACKAGES, "GetPackage", what=what, packageId=space_id)
        if package is None:
            return None
        if package.int("UserId") != user_id:
            raise foreign(what)
        key = (space_id, user_id)
        with self._lock:
            known = key in self._spaces
        if not known:
            if self.user(user_id, what=what) is None:
                raise foreign(what)
            with self._lock:
                self._spaces.add(key)
        return package

    def organization(self, item_id: int, *, space_id: int, user_id: int, what: str) -> soap.Record | None:
        """The organization with that id, or `None` when it is gone.

        Raises:
            ForeignObject: it lies in another package, or that one is not ours.
        """
        found = self._client.record(c.ORGANIZATIONS, "GetOrganization", what=what, itemId=item_id)
        if found is None:
            return None
        if found.int("PackageId") != space_id:
            raise foreign(what)
        with self._lock:
            known = (space_id, user_id) in self._spaces
        if not known and self.space(space_id, user_id=user_id, what=what) is None:
            raise foreign(what)
        return found


def foreign(what: str) -> contract.ForeignObject:
    """The exception for what is not ours."""
    return contract.ForeignObject(
        f"{what[:1].upper()}{what[1:]} exists on the platform, but not under our reseller account. "
        "Check whose it is before it is linked."
    )


def role_of(user: soap.Record) -> int:
    """The role's number; the newest generation sends nothing else, the older ones also its name."""
    return user.int("RoleId") or {"administrator": 1, "reseller": 2, "user": 3}.get(
        user.text("Role").lower(), 0
    )


def status_of(user: soap.Record) -> int:
    """The status' number, as for `role_of`."""
    names = {"active": 1, "suspended": 2, "cancelled": 3, "pending": 4}
    return user.int("StatusId") or names.get(user.text("Status").lower(), 0)
