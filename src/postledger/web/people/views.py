"""Those who sign in for an account, and the tokens of one's own programs."""

import datetime as dt

from allauth.account.forms import ResetPasswordForm
from django.http import Http404, HttpResponse
from django.urls import reverse

from postledger.accounts import operations, queries
from postledger.accounts.types import AccountView, UserView
from postledger.core.errors import Refusal
from postledger.web.door import Ask, action, page, reading
from postledger.web.people import forms


@reading
def listed(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.account(account_id)
    return ask.page(
        "people/list.html",
        account=account,
        users=queries.users_of(ask.viewer, account_id),
        roles=dict(forms.ROLES),
        may_manage=_may_manage(ask, account),
    )


@page
def add(ask: Ask, account_id: int) -> HttpResponse:
    account = _managed(ask, account_id)
    form = forms.Person(ask.data)
    if ask.is_post and form.is_valid():
        given = {**form.cleaned_data, "password": form.cleaned_data["password"] or None}
        try:
            made = operations.create_user(ask.viewer, account_id=account_id, now=ask.now, **given)
        except Refusal as error:
            form.refuse(error, "email")
        else:
            told = f"{made.email} can sign in."
            if given["password"] is None:
                _send_link(ask, made)
                told = f"{made.email} is sent a link with which to choose a password."
            return ask.done(told, "people", account_id=account_id)
    return _form(ask, account, form, "Add somebody who signs in", "Add")


@page
def one(ask: Ask, account_id: int, user_id: int) -> HttpResponse:
    account, user = _managed(ask, account_id), _user(ask, account_id, user_id)
    form = forms.Role(ask.data, initial={"role": user.role, "is_active": user.is_active})
    if ask.is_post and form.is_valid():
        try:
            operations.change_user(ask.viewer, user_id=user_id, now=ask.now, **form.cleaned_data)
            return ask.done(f"Saved for {user.email}.", "people", account_id=account_id)
        except Refusal as error:
            form.refuse(error)
    return _form(ask, account, form, user.email, "Save")


@action
def invite(ask: Ask, account_id: int, user_id: int) -> HttpResponse:
    """A link with which somebody chooses a password."""
    _managed(ask, account_id)
    user = _user(ask, account_id, user_id)
    if not user.is_active:
        return ask.failed(
            f"{user.email} may not sign in. Switch him on first.", "people", account_id=account_id
        )
    _send_link(ask, user)
    return ask.done(f"{user.email} is sent a link.", "people", account_id=account_id)


@page
def tokens(ask: Ask) -> HttpResponse:
    """One's own tokens; the secret of a new one is on this answer and nowhere else."""
    form, secret = forms.Token(ask.today(), ask.data), ""
    if ask.is_post and form.is_valid():
        until = form.cleaned_data["until"]
        ends = None if until is None else dt.datetime.combine(until, dt.time(), ask.own.zone)
        try:
            secret, _ = operations.create_token(
                ask.viewer, name=form.cleaned_data["name"], expires_at=ends, now=ask.now
            )
            form = forms.Token(ask.today())
        except Refusal as error:
            form.refuse(error, "name")
    response = ask.page(
        "people/tokens.html",
        form=form,
        secret=secret,
        tokens=[(token, _state(token, ask.now)) for token in queries.tokens_of(ask.viewer)],
        status=422 if form.errors else 200,
    )
    response["Cache-Control"] = "no-store"
    return response


@action
def revoke(ask: Ask, token_id: int) -> HttpResponse:
    operations.revoke_token(ask.viewer, token_id=token_id, now=ask.now)
    return ask.done("The token is revoked; it no longer opens anything.", "settings-tokens")


def _state(token, now: dt.datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "ended" if token.expires_at is not None and token.expires_at <= now else "active"


def _may_manage(ask: Ask, account: AccountView) -> bool:
    return ask.viewer.may_write and (ask.own.id != account.id or ask.viewer.role == "owner")


def _managed(ask: Ask, account_id: int) -> AccountView:
    account = ask.account(account_id)
    if not _may_manage(ask, account):
        raise queries.NotAllowed("Only the owner of the account manages who signs in.")
    return account


def _user(ask: Ask, account_id: int, user_id: int) -> UserView:
    found = [user for user in queries.users_of(ask.viewer, account_id) if user.id == user_id]
    if not found:
        raise Http404
    return found[0]


def _send_link(ask: Ask, user: UserView) -> None:
    form = ResetPasswordForm({"email": user.email})
    if form.is_valid():
        form.save(ask.request)


def _form(ask: Ask, account: AccountView, form, title: str, button: str) -> HttpResponse:
    return ask.page(
        "panel/form_page.html",
        base="panel/account.html",
        account=account,
        form=form,
        title=title,
        button=button,
        back=reverse("people", kwargs={"account_id": account.id}),
        back_title="People",
        status=422 if form.errors else 200,
    )
