"""Routes of accounts, their users, and the tokens of the asking user."""

import datetime as dt
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Schema

from postledger import clock
from postledger.accounts import operations, queries
from postledger.api import forms, routes
from postledger.workflows import account_history

router = routes.area("Accounts")


class Account(Schema):
    """A party: the provider, a reseller, or a customer."""

    id: int
    seller_id: int | None
    kind: str
    code: str
    name: str
    email: str
    address: str
    country: str
    currency: str
    time_zone: str
    is_tax_exempt: bool
    created_at: dt.datetime


class User(Schema):
    """A person who signs in for an account."""

    id: int
    account_id: int
    email: str
    name: str
    role: str
    is_active: bool
    created_at: dt.datetime


class Token(Schema):
    """A token without its secret; `prefix` is what you recognise it by."""

    id: int
    name: str
    prefix: str
    created_at: dt.datetime
    last_used_at: dt.datetime | None
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None


class NewToken(Token):
    """A new token with its secret, which is shown this once."""

    secret: str


class Me(Schema):
    """Who the token stands for."""

    user_id: int
    role: str
    account: Account


class Event(Schema):
    """Something that happened to an account."""

    kind: str
    subject: str
    data: dict[str, Any]
    at: dt.datetime
    actor: str


class NewAccount(forms.Body):
    """A reseller (the provider's alone to make) or a customer; what is left out is the seller's."""

    kind: Literal["reseller", "customer"]
    seller_id: forms.Id | None = None
    code: forms.Code
    name: forms.Name
    email: forms.Text = ""
    address: forms.Text = ""
    country: forms.Text = ""
    currency: forms.Currency | None = None
    time_zone: forms.Code | None = None
    is_tax_exempt: bool = False


class AccountChange(forms.Body):
    """What is left out stays."""

    name: forms.Name | None = None
    email: forms.Text | None = None
    address: forms.Text | None = None
    country: forms.Text | None = None
    time_zone: forms.Code | None = None
    is_tax_exempt: bool | None = None


class NewUser(forms.Body):
    """Without a password the user has to be sent a link to set one."""

    email: forms.Name
    name: forms.Text = ""
    role: Literal["owner", "staff", "viewer"] = "owner"
    password: forms.Password | None = None


class UserChange(forms.Body):
    """What is left out stays."""

    role: Literal["owner", "staff", "viewer"] | None = None
    is_active: bool | None = None
    password: forms.Password | None = None


class TokenWish(forms.Body):
    """A name you will recognise the token by, and the instant it ends, if it should."""

    name: forms.Name
    expires_at: forms.Instant | None = None


@router.get("/me", response=Me)
def me(request: HttpRequest):
    """The user and the account the token stands for."""
    viewer = request.auth
    return {
        "user_id": viewer.user_id,
        "role": viewer.role,
        "account": queries.account(viewer, viewer.account_id),
    }


@router.get("/accounts", response=forms.Page[Account])
def accounts(
    request: HttpRequest,
    kind: Literal["provider", "reseller", "customer"] | None = None,
    seller_id: forms.Id | None = None,
    limit: forms.Limit = 100,
    offset: forms.Offset = 0,
):
    """The accounts you may see, by name: your own, those you sell to, and for the provider those his resellers sell to."""
    rows = queries.accounts_visible(request.auth, kind=kind, seller_id=seller_id)
    return forms.page(rows, limit=limit, offset=offset)


@routes.books(router, "/accounts", response={201: Account})
def create_account(request: HttpRequest, payload: NewAccount):
    """Make a reseller or a customer. `seller_id` is your own account when left out."""
    create = operations.create_reseller if payload.kind == "reseller" else operations.create_customer
    details = payload.model_dump(exclude={"kind", "seller_id"})
    seller_id = payload.seller_id or request.auth.account_id
    return create(request.auth, seller_id=seller_id, now=clock.now(), **details)


@router.get("/accounts/{account_id}", response=Account)
def account(request: HttpRequest, account_id: forms.Id):
    """One account."""
    return queries.account(request.auth, account_id)


@router.patch("/accounts/{account_id}", response=Account)
def change_account(request: HttpRequest, account_id: forms.Id, payload: AccountChange):
    """Change an account's details. Time zone and tax exemption of a customer are his seller's to change."""
    return operations.update_details(
        request.auth, account_id=account_id, now=clock.now(), **payload.model_dump()
    )


@router.get("/accounts/{account_id}/events", response=list[Event])
def events(request: HttpRequest, account_id: forms.Id, limit: forms.Limit = 100):
    """What happened to an account, newest first."""
    return account_history.account_history(request.auth, account_id=account_id, most=limit)


@router.get("/accounts/{account_id}/users", response=list[User])
def users(request: HttpRequest, account_id: forms.Id):
    """The users of an account, by e-mail address."""
    return queries.users_of(request.auth, account_id)


@routes.books(router, "/accounts/{account_id}/users", response={201: User})
def create_user(request: HttpRequest, account_id: forms.Id, payload: NewUser):
    """Add a user to an account. Staff of the account itself may not; its owner and those above it may."""
    return operations.create_user(
        request.auth, account_id=account_id, now=clock.now(), **payload.model_dump()
    )


@router.patch("/users/{user_id}", response=User)
def change_user(request: HttpRequest, user_id: forms.Id, payload: UserChange):
    """Give a user another role or password, or switch him off or on."""
    return operations.change_user(request.auth, user_id=user_id, now=clock.now(), **payload.model_dump())


@router.get("/tokens", response=list[Token])
def tokens(request: HttpRequest):
    """Your own tokens, newest first."""
    return queries.tokens_of(request.auth)


@router.post("/tokens", response={201: NewToken})
def create_token(request: HttpRequest, payload: TokenWish):
    """Make a token of your own. Its secret is in this answer and nowhere else, so it takes no idempotency key."""
    secret, made = operations.create_token(
        request.auth, name=payload.name, expires_at=payload.expires_at, now=clock.now()
    )
    return {**Token.from_orm(made).dict(), "secret": secret}


@router.delete("/tokens/{token_id}", response=forms.Done)
def revoke_token(request: HttpRequest, token_id: forms.Id):
    """End a token of your own at once."""
    operations.revoke_token(request.auth, token_id=token_id, now=clock.now())
    return forms.Done()
