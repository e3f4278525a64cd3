"""Writes of accounts, users and API tokens. Every change is noted in the events of the seller it belongs to."""

import datetime as dt
import re
import secrets
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac

from postledger.accounts import queries
from postledger.accounts.models import Account, AnsweredRequest, ApiToken, User
from postledger.accounts.types import AccountView, Answer, TokenView, UserView, Viewer
from postledger.core.errors import Refusal
from postledger.events import operations as events

ANSWERS_KEPT = dt.timedelta(hours=48)
_LONGEST_REQUEST = dt.timedelta(minutes=10)
_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class BadDetails(Refusal):
    """A detail of an account or user cannot be right."""

    reason = "bad_details"


class CodeTaken(Refusal):
    """The seller already has an account of this code."""

    reason = "code_taken"


class EmailTaken(Refusal):
    """Somebody signs in with this address already."""

    reason = "email_taken"


class LastOwner(Refusal):
    """An account keeps somebody who manages its people."""

    reason = "last_owner"


class SecondProvider(Refusal):
    """An installation has one provider."""

    reason = "second_provider"


class KeyUsed(Refusal):
    """The idempotency key stands for another request."""

    reason = "idempotency_key_used"


class StillAtWork(Refusal):
    """The request under this idempotency key has not been answered yet."""

    reason = "still_at_work"


def create_provider(
    *,
    code: str,
    name: str,
    currency: str,
    now: dt.datetime,
    email: str = "",
    address: str = "",
    country: str = "",
    time_zone: str = "UTC",
) -> AccountView:
    """The provider of this installation, newly made; no door reaches this but the operator's command line.

    Raises:
        SecondProvider: there is one already.
        BadDetails: a detail cannot be right; the message says which.
    """
    with transaction.atomic():
        if Account.objects.filter(kind="provider").exists():
            raise SecondProvider("This installation has its provider already; change his details instead.")
        return _create(
            Viewer.system(),
            seller_id=None,
            kind="provider",
            code=code,
            name=name,
            email=email,
            address=address,
            country=country,
            currency=currency,
            time_zone=time_zone,
            is_tax_exempt=False,
            now=now,
        )


def create_reseller(
    viewer: Viewer,
    *,
    seller_id: int,
    code: str,
    name: str,
    now: dt.datetime,
    currency: str | None = None,
    email: str = "",
    address: str = "",
    country: str = "",
    time_zone: str | None = None,
    is_tax_exempt: bool = False,
) -> AccountView:
    """A reseller of the provider, newly made; currency and time zone are the provider's unless given.

    Raises:
        NotVisible, NotAllowed: the viewer does not act for the provider.
        CodeTaken, BadDetails: the message says what.
    """
    seller = queries.require_seller(viewer, seller_id)
    if seller.kind != "provider":
        raise BadDetails(f"{seller.name} is a reseller and cannot have resellers of his own.")
    return _create(
        viewer,
        seller_id=seller.id,
        kind="reseller",
        code=code,
        name=name,
        email=email,
        address=address,
        country=country,
        currency=currency or seller.currency,
        time_zone=time_zone or seller.time_zone,
        is_tax_exempt=is_tax_exempt,
        now=now,
    )


def create_customer(
    viewer: Viewer,
    *,
    seller_id: int,
    code: str,
    name: str,
    now: dt.datetime,
    currency: str | None = None,
    email: str = "",
    address: str = "",
    country: str = "",
    time_zone: str | None = None,
    is_tax_exempt: bool = False,
    is_email_proved: bool = True,
) -> AccountView:
    """A customer of the provider or of a reseller, newly made; currency and time zone are the seller's unless given.

    Args:
        is_email_proved: False for an address that was copied from somewhere and must not count as proof.

    Raises:
        NotVisible, NotAllowed: the viewer does not act for this seller.
        CodeTaken, BadDetails: the message says what.
    """
    seller = queries.require_seller(viewer, seller_id)
    return _create(
        viewer,
        seller_id=seller.id,
        kind="customer",
        code=code,
        name=name,
        email=email,
        address=address,
        country=country,
        currency=currency or seller.currency,
        time_zone=time_zone or seller.time_zone,
        is_tax_exempt=is_tax_exempt,
        is_email_proved=is_email_proved,
        now=now,
    )


def update_details(
    viewer: Viewer,
    *,
    account_id: int,
    now: dt.datetime,
    name: str | None = None,
    email: str | None = None,
    address: str | None = None,
    country: str | None = None,
    time_zone: str | None = None,
    is_tax_exempt: bool | None = None,
) -> AccountView:
    """The account with the given details changed; what is None stays.

    An address the buyer enters himself counts as unproved until `confirm_email`. A buyer may change his own name, e-mail and address; time zone and tax exemption are his seller's to say.

    Raises:
        NotVisible, NotAllowed: not his to change.
        BadDetails: the message says what.
    """
    found = queries.require_acting(viewer, account_id)
    if time_zone is not None and found.kind == "customer":
        queries.require_selling_to(viewer, account_id)
    if is_tax_exempt is not None:
        queries.require_selling_to(viewer, account_id)
    wanted = {
        "name": name,
        "email": email,
        "address": address,
        "country": country,
        "time_zone": time_zone,
        "is_tax_exempt": is_tax_exempt,
    }
    changed = {
        field: value
        for field, value in wanted.items()
        if value is not None and value != getattr(found, field)
    }
    _check(**changed)
    if "email" in changed:
        is_by_seller = viewer.is_system or viewer.account_id != account_id
        changed["email_confirmed_at"] = now if is_by_seller else None
    with transaction.atomic():
        if changed:
            Account.objects.filter(pk=account_id).update(**changed)
            events.note(
                seller_id=found.seller_id or found.id,
                account_id=found.id,
                kind="account.changed",
                subject=found.code,
                data={"fields": sorted(changed)},
                at=now,
                actor=viewer.actor,
            )
        return queries.require_account(viewer, account_id)


def confirm_email(*, account_id: int, email: str, now: dt.datetime) -> None:
    """The address counts as proved, if it is still the account's; the caller has seen the proof (a mailed link)."""
    Account.objects.filter(pk=account_id, email__iexact=email).update(email_confirmed_at=now)


def create_user(
    viewer: Viewer,
    *,
    account_id: int,
    email: str,
    now: dt.datetime,
    password: str | None = None,
    name: str = "",
    role: str = "owner",
) -> UserView:
    """A person who signs in for this account, newly made; without a password he must be sent a link to set one.

    Raises:
        NotVisible, NotAllowed: the viewer does not act for the account, or is only staff of it.
        EmailTaken, BadDetails: the message says what.
    """
    found = queries.require_acting(viewer, account_id)
    if viewer.account_id == account_id and viewer.role != "owner":
        raise queries.NotAllowed("Only the owner of the account may add users to it.")
    if role not in dict(User.ROLES):
        raise BadDetails(f"There is no role {role}.")
    email = email.strip()
    _check(email=email)
    if not email:
        raise BadDetails("A user needs an e-mail address to sign in with.")
    row = User(account_id=account_id, email=email, name=name.strip(), role=role, created_at=now)
    if password is None:
        row.set_unusable_password()
    else:
        row.set_password(password)
    with transaction.atomic():
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise EmailTaken(f"Somebody signs in as {email} already. Choose another address.") from error
        events.note(
            seller_id=found.seller_id or found.id,
            account_id=found.id,
            kind="user.created",
            subject=email,
            data={"role": role},
            at=now,
            actor=viewer.actor,
        )
    return queries.user_view(row)


def change_user(
    viewer: Viewer,
    *,
    user_id: int,
    now: dt.datetime,
    role: str | None = None,
    is_active: bool | None = None,
    password: str | None = None,
) -> UserView:
    """The user with a new role, switched on or off, or with a new password; what is None stays.

    Raises:
        NotVisible, NotAllowed: not his to change.
        LastOwner: nobody of the account itself could manage its people any more.
    """
    row = User.objects.filter(pk=user_id).first()
    if row is None:
        raise queries.NotVisible("There is no such user.")
    found = queries.require_account(viewer, row.account_id)
    is_himself = viewer.user_id == user_id
    is_above = viewer.is_system or viewer.account_id != row.account_id
    if not (is_himself and role is None and is_active is None):
        queries.require_acting(viewer, row.account_id)
        if not is_above and viewer.role != "owner":
            raise queries.NotAllowed("Only the owner of the account may change its users.")
    if role is not None and role not in dict(User.ROLES):
        raise BadDetails(f"There is no role {role}.")
    gives_up = row.role == "owner" and row.is_active and (role not in (None, "owner") or is_active is False)
    if gives_up and not is_above:
        others = User.objects.filter(account_id=row.account_id, role="owner", is_active=True)
        if not others.exclude(pk=row.pk).exists():
            raise LastOwner("He is the last owner who can sign in. Make somebody else an owner first.")
    fields = []
    if role is not None:
        row.role = role
        fields.append("role")
    if is_active is not None:
        row.is_active = is_active
        fields.append("is_active")
    if password is not None:
        row.set_password(password)
        fields.append("password")
    with transaction.atomic():
        if fields:
            row.save(update_fields=fields)
            events.note(
                seller_id=found.seller_id or found.id,
                account_id=found.id,
                kind="user.changed",
                subject=row.email,
                data={"fields": sorted(fields)},
                at=now,
                actor=viewer.actor,
            )
    return queries.user_view(row)


def create_token(
    viewer: Viewer, *, name: str, now: dt.datetime, expires_at: dt.datetime | None = None
) -> tuple[str, TokenView]:
    """The secret of a new API token of the asking user, which is shown once, and the token as listed."""
    if viewer.user_id is None:
        raise BadDetails("The system needs no token.")
    if not name.strip():
        raise BadDetails("Give the token a name you will recognise it by.")
    secret = "pl_" + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user_id=viewer.user_id,
        name=name.strip(),
        prefix=secret[:8],
        digest=queries.token_digest(secret),
        created_at=now,
        expires_at=expires_at,
    )
    return secret, queries.token_view(row)


def revoke_token(viewer: Viewer, *, token_id: int, now: dt.datetime) -> None:
    """The token stops working at once.

    Raises:
        NotVisible: the viewer has no such token.
    """
    mine = ApiToken.objects.filter(pk=token_id, user_id=viewer.user_id)
    if not mine.exists():
        raise queries.NotVisible("There is no such token.")
    mine.filter(revoked_at=None).update(revoked_at=now)


def note_token_use(*, secret: str, now: dt.datetime) -> None:
    """The token's last use is remembered, to the minute: a busy client must not write on every request."""
    digest = queries.token_digest(secret)
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - dt.timedelta(minutes=1))
    ApiToken.objects.filter(stale, digest=digest).update(last_used_at=now)


def begin_request(viewer: Viewer, *, key: str, asked: bytes, now: dt.datetime) -> Answer | None:
    """The answer that was given under this idempotency key, or None: then the caller does the work and keeps its answer.

    In the transaction of the work, a second request with the key waits here until the first is done. A request that was
    killed outside a transaction may be repeated after ten minutes. Answers are forgotten after two days.

    Args:
        asked: everything the request asks for; only its keyed digest is stored.
    Raises:
        KeyUsed: the key stands for another request. StillAtWork: the first one is not answered yet.
    """
    digest = salted_hmac("postledger.idempotency", asked, algorithm="sha256").hexdigest()
    AnsweredRequest.objects.filter(user_id=viewer.user_id, begun_at__lte=now - ANSWERS_KEPT).delete()
    row, is_new = AnsweredRequest.objects.get_or_create(
        user_id=viewer.user_id, key=key, defaults={"digest": digest, "begun_at": now}
    )
    if is_new:
        return None
    if row.digest != digest:
        raise KeyUsed(
            f"The idempotency key {key!r} stands for another request. Nothing was done. Choose a new key for this one."
        )
    if row.status is not None:
        return Answer(row.status, row.body)
    taken_over = AnsweredRequest.objects.filter(
        pk=row.pk, status=None, begun_at__lte=now - _LONGEST_REQUEST
    ).update(begun_at=now)
    if not taken_over:
        raise StillAtWork(
            "The first request with this idempotency key is still at work. Ask again in a moment."
        )
    return None


def keep_answer(viewer: Viewer, *, key: str, answer: Answer) -> None:
    """The answer stands for the key from now on."""
    AnsweredRequest.objects.filter(user_id=viewer.user_id, key=key).update(
        status=answer.status, body=answer.body
    )


def forget_request(viewer: Viewer, *, key: str) -> None:
    """The key is free again, because nothing was done under it."""
    AnsweredRequest.objects.filter(user_id=viewer.user_id, key=key, status=None).delete()


def _create(viewer: Viewer, *, now: dt.datetime, is_email_proved: bool = True, **details) -> AccountView:
    details["code"] = details["code"].strip().lower()
    details["name"] = details["name"].strip()
    details["currency"] = details["currency"].upper()
    _check(
        **{field: details[field] for field in ("code", "name", "email", "country", "currency", "time_zone")}
    )
    with transaction.atomic():
        try:
            with transaction.atomic():
                confirmed_at = now if is_email_proved else None
                row = Account.objects.create(**details, email_confirmed_at=confirmed_at, created_at=now)
        except IntegrityError as error:
            raise CodeTaken(f"There is an account {details['code']} already. Choose another code.") from error
        events.note(
            seller_id=row.seller_id or row.pk,
            account_id=row.pk,
            kind="account.created",
            subject=row.code,
            data={"kind": row.kind},
            at=now,
            actor=viewer.actor,
        )
    return queries.view(row)


def _check(**details) -> None:
    code = details.get("code")
    if code is not None and not _CODE.fullmatch(code):
        raise BadDetails(
            f"“{code}” cannot be a code: use up to 63 small letters, digits and hyphens, no hyphen at the ends."
        )
    if "name" in details and not details["name"].strip():
        raise BadDetails("An account needs a name: it is printed on invoices.")
    if details.get("email"):
        try:
            validate_email(details["email"])
        except ValidationError as error:
            raise BadDetails(f"“{details['email']}” is not an e-mail address.") from error
    country = details.get("country")
    if country and not re.fullmatch(r"[A-Z]{2}", country):
        raise BadDetails(f"“{country}” is not a country code: two capital letters, as in DE.")
    currency = details.get("currency")
    if currency is not None and not re.fullmatch(r"[A-Z]{3}", currency):
        raise BadDetails(f"“{currency}” is not a currency code: three letters, as in EUR.")
    if "time_zone" in details:
        try:
            ZoneInfo(details["time_zone"])
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadDetails(f"“{details['time_zone']}” is not a time zone, as Europe/Berlin is.") from error
