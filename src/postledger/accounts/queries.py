"""Reads of accounts and the one place that decides who may see whom.

The provider sees everything below him, a reseller himself and his customers, a customer himself. Whatever else is asked
for raises NotVisible, which a door answers exactly as it answers something that does not exist.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q

from postledger.accounts.models import Account, ApiToken, User
from postledger.accounts.types import AccountView, TokenView, UserView, Viewer
from postledger.core import literals
from postledger.core.errors import Refusal


class NotVisible(Refusal):
    """There is no such account for this viewer."""

    reason = "not_found"


class NotAllowed(Refusal):
    """The viewer sees the account but may not do this."""

    reason = "not_allowed"


def viewer_of(user_id: int) -> Viewer:
    """The viewer a signed-in user is.

    Raises:
        NotVisible: no such user, or he was switched off.
    """
    row = User.objects.select_related("account").filter(pk=user_id, is_active=True).first()
    if row is None:
        raise NotVisible("There is no such user.")
    return Viewer(user_id=row.pk, account_id=row.account_id, kind=row.account.kind, role=row.role)


def viewer_of_token(secret: str, now: dt.datetime) -> Viewer:
    """The viewer whose API token this is.

    Raises:
        NotVisible: unknown, expired or revoked token, or its user was switched off.
    """
    row = (
        ApiToken.objects.select_related("user__account")
        .filter(digest=token_digest(secret), revoked_at=None, user__is_active=True)
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .first()
    )
    if row is None:
        raise NotVisible("This token is not valid.")
    user = row.user
    return Viewer(user_id=user.pk, account_id=user.account_id, kind=user.account.kind, role=user.role)


def token_digest(secret: str) -> str:
    """The stored form of a token: SHA-256 in hex (tokens are long and random, so no salt is needed)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def require_account(viewer: Viewer, account_id: int) -> AccountView:
    """The account, if this viewer may see it.

    Raises:
        NotVisible: there is none such for him.
    """
    row = _visible(viewer).filter(pk=account_id).first()
    if row is None:
        raise NotVisible("There is no such account.")
    return view(row)


def account(viewer: Viewer, account_id: int) -> AccountView:
    """The account; the same as `require_account`, under the name reads are called by."""
    return require_account(viewer, account_id)


def require_acting(viewer: Viewer, account_id: int) -> AccountView:
    """The account, if this viewer may change things of it.

    Raises:
        NotVisible: there is none such for him.
        NotAllowed: he may only read.
    """
    found = require_account(viewer, account_id)
    if not viewer.may_write:
        raise NotAllowed("Your login may look at this account but not change it. Ask its owner.")
    return found


def require_seller(viewer: Viewer, seller_id: int) -> AccountView:
    """The account, if it sells and this viewer may act for it as its seller.

    Raises:
        NotVisible: there is none such for him, or it is a customer's.
        NotAllowed: he may only read.
    """
    found = require_acting(viewer, seller_id)
    if not found.is_seller or not viewer.is_seller:
        raise NotVisible("There is no such seller.")
    return found


def require_selling_to(viewer: Viewer, account_id: int) -> AccountView:
    """The buyer's account, if this viewer stands on the seller's side of it: its seller or somebody above.

    Raises:
        NotVisible: there is none such for him, or it is his own.
        NotAllowed: he may only read.
    """
    found = require_acting(viewer, account_id)
    if found.seller_id is None or found.id == viewer.account_id:
        raise NotVisible("There is no such account among those you sell to.")
    return found


def account_by_code(viewer: Viewer, *, seller_id: int | None, code: str) -> AccountView:
    """The account a seller knows under this code (upper and lower case are one).

    Raises:
        NotVisible: there is none such for him.
    """
    row = _visible(viewer).filter(seller_id=seller_id, code__iexact=code).first()
    if row is None:
        raise NotVisible(f"There is no account {code}.")
    return view(row)


def accounts_visible(
    viewer: Viewer, *, kind: str | None = None, seller_id: int | None = None
) -> tuple[AccountView, ...]:
    """Every account this viewer may see, by name; optionally of one kind, or those of one seller."""
    rows = _visible(viewer)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if seller_id is not None:
        rows = rows.filter(seller_id=seller_id)
    return tuple(view(row) for row in rows.order_by("name", "pk"))


def accounts_by_id(viewer: Viewer, account_ids) -> dict[int, AccountView]:
    """The visible ones among these accounts, by id: one query for a whole list page."""
    return {row.pk: view(row) for row in _visible(viewer).filter(pk__in=set(account_ids))}


def sold_to(viewer: Viewer, seller_id: int) -> tuple[AccountView, ...]:
    """The accounts this seller sells to directly, by name.

    Raises:
        NotVisible: the seller is none of his.
    """
    require_account(viewer, seller_id)
    return accounts_visible(viewer, seller_id=seller_id)


def seller_chain(account_id: int) -> tuple[AccountView, ...]:
    """The sellers above an account, nearest first; empty for the provider.

    For the inside of the house (documents, workflows): it names sellers a customer cannot open.
    """
    chain = []
    row = Account.objects.filter(pk=account_id).first()
    while row is not None and row.seller_id is not None:
        row = Account.objects.get(pk=row.seller_id)
        chain.append(view(row))
    return tuple(chain)


def seller_of(viewer: Viewer, account_id: int) -> AccountView:
    """The seller of an account this viewer may see: the name and address that stand on its invoices.

    Raises:
        NotVisible: no such account for him, or the provider, to whom nobody sells.
    """
    found = require_account(viewer, account_id)
    if found.seller_id is None:
        raise NotVisible("Nobody sells to the provider.")
    return view(Account.objects.get(pk=found.seller_id))


def provider() -> AccountView | None:
    """The provider of this installation, or None before the first one was made."""
    row = Account.objects.filter(kind="provider").order_by("pk").first()
    return None if row is None else view(row)


def seller_ids() -> list[int]:
    """The provider and all resellers."""
    return list(Account.objects.exclude(kind="customer").order_by("pk").values_list("pk", flat=True))


def kinds(account_ids: Iterable[int]) -> dict[int, str]:
    """Provider, reseller or customer, by account."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, kind FROM accounts_account WHERE id = ANY(%s::bigint[])",
            [literals.array(account_ids)],
        )
        return dict(cursor.fetchall())


def time_zones(account_ids: Iterable[int]) -> dict[int, ZoneInfo]:
    """The billing time zones of these sellers (C3)."""
    return {
        pk: ZoneInfo(zone)
        for pk, zone in Account.objects.filter(pk__in=set(account_ids)).values_list("pk", "time_zone")
    }


def parties(account_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Names and addresses as they are printed, by account."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, name, address, country, email FROM accounts_account WHERE id = ANY(%s::bigint[])",
            [literals.array(account_ids)],
        )
        return {
            id: {"name": name, "address": address, "country": country, "email": email}
            for id, name, address, country, email in cursor.fetchall()
        }


def time_zone_of(seller_id: int) -> ZoneInfo:
    """The billing time zone of a seller (C3)."""
    return ZoneInfo(Account.objects.values_list("time_zone", flat=True).get(pk=seller_id))


def currency_of(seller_id: int) -> str:
    """The currency a seller sells in."""
    return Account.objects.values_list("currency", flat=True).get(pk=seller_id)


def users_of(viewer: Viewer, account_id: int) -> tuple[UserView, ...]:
    """The users of an account, by e-mail address.

    Raises:
        NotVisible: no such account for him.
    """
    require_account(viewer, account_id)
    return tuple(user_view(row) for row in User.objects.filter(account_id=account_id).order_by("email"))


def user_by_email(email: str) -> UserView | None:
    """The user who signs in with this address, for the sign-in door; None when there is none."""
    row = User.objects.filter(email__iexact=email.strip()).first()
    return None if row is None else user_view(row)


def tokens_of(viewer: Viewer) -> tuple[TokenView, ...]:
    """The API tokens of the asking user, newest first."""
    rows = ApiToken.objects.filter(user_id=viewer.user_id).order_by("-created_at", "-pk")
    return tuple(token_view(row) for row in rows)


def _visible(viewer: Viewer):
    rows = Account.objects.all()
    if viewer.is_system:
        return rows
    own = Q(pk=viewer.account_id)
    if viewer.kind == "provider":
        own |= Q(seller_id=viewer.account_id) | Q(seller__seller_id=viewer.account_id)
    elif viewer.kind == "reseller":
        own |= Q(seller_id=viewer.account_id)
    return rows.filter(own)


def view(row: Account) -> AccountView:
    """The frozen value of a row; for this context only."""
    return AccountView(
        id=row.pk,
        seller_id=row.seller_id,
        kind=row.kind,
        code=row.code,
        name=row.name,
        email=row.email,
        email_confirmed_at=row.email_confirmed_at,
        address=row.address,
        country=row.country,
        currency=row.currency,
        time_zone=row.time_zone,
        is_tax_exempt=row.is_tax_exempt,
        created_at=row.created_at,
    )


def user_view(row: User) -> UserView:
    """The frozen value of a user's row; for this context only."""
    return UserView(
        id=row.pk,
        account_id=row.account_id,
        email=row.email,
        name=row.name,
        role=row.role,
        is_active=row.is_active,
        created_at=row.created_at,
    )


def token_view(row: ApiToken) -> TokenView:
    """The frozen value of a token's row; for this context only."""
    return TokenView(
        id=row.pk,
        user_id=row.user_id,
        name=row.name,
        prefix=row.prefix,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
