"""Those who sign in for an account, and the tokens of one's own programs."""

import re

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from postledger.accounts import operations as accounts
from postledger.accounts import queries
from tests.web.conftest import NOW, PASSWORD, SYSTEM

NEW = "Marble-Kettle-77"


def add(people, code: str, role: str, email: str = "bo@acme.example") -> Client:
    """A browser of another user of an account."""
    accounts.create_user(
        SYSTEM, account_id=people[code].id, email=email, role=role, password=PASSWORD, now=NOW
    )
    browser = Client()
    assert browser.login(email=email, password=PASSWORD)
    return browser


def user(people, code: str, email: str):
    return next(found for found in queries.users_of(SYSTEM, people[code].id) if found.email == email)


@pytest.mark.parametrize("who", ["acme", "alpha", "host"])
def test_an_owner_and_those_above_invite_somebody_who_chooses_his_password(people, who, mailbox):
    acme = people["acme"]
    given = {"email": "bo@acme.example", "name": "Bo", "role": "staff"}
    response = people.client(who).post(f"/accounts/{acme.id}/people/add/", given)
    assert response["Location"] == f"/accounts/{acme.id}/people/"
    (letter,) = mail.outbox
    assert letter.to == ["bo@acme.example"] and letter.subject.endswith("Choose your password")
    path = re.search(r"https?://[^/]+(/\S+)", letter.body)[1]
    theirs = Client()
    there = theirs.get(path, follow=True)
    theirs.post(there.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert Client().login(email="bo@acme.example", password=NEW)
    assert user(people, "acme", "bo@acme.example").role == "staff"


def test_roles_are_changed_and_people_are_switched_off(people):
    acme = people["acme"]
    theirs = add(people, "acme", "staff")
    bo = user(people, "acme", "bo@acme.example")
    owner = people.client("acme")
    url = f"/accounts/{acme.id}/people/{bo.id}/"
    owner.post(url, {"role": "viewer", "is_active": "on"})
    assert user(people, "acme", "bo@acme.example").role == "viewer"
    assert theirs.get("/").status_code == 200
    owner.post(url, {"role": "viewer"})
    assert not user(people, "acme", "bo@acme.example").is_active
    assert theirs.get("/").status_code == 302


def test_the_last_owner_stays(people):
    acme = people["acme"]
    me = user(people, "acme", "acme@people.example")
    owner = people.client("acme")
    for given in ({"role": "staff", "is_active": "on"}, {"role": "owner"}):
        refused = owner.post(f"/accounts/{acme.id}/people/{me.id}/", given)
        assert refused.status_code == 422 and "last owner" in refused.content.decode()
    add(people, "acme", "owner")
    assert (
        owner.post(f"/accounts/{acme.id}/people/{me.id}/", {"role": "staff", "is_active": "on"}).status_code
        == 302
    )


@pytest.mark.parametrize("role", ["staff", "viewer"])
def test_who_is_no_owner_sees_people_and_changes_none(people, role):
    acme = people["acme"]
    theirs = add(people, "acme", role)
    page = theirs.get(f"/accounts/{acme.id}/people/").content.decode()
    assert "acme@people.example" in page and "Add somebody" not in page
    me = user(people, "acme", "acme@people.example")
    theirs.post(f"/accounts/{acme.id}/people/{me.id}/", {"role": "viewer"})
    theirs.post(f"/accounts/{acme.id}/people/add/", {"email": "x@acme.example", "role": "owner"})
    theirs.post(f"/accounts/{acme.id}/people/{me.id}/invite/")
    assert [found.role for found in queries.users_of(SYSTEM, acme.id)] == ["owner", role]
    assert mail.outbox == []


def test_an_address_that_is_taken_is_refused_beside_its_field(people):
    acme = people["acme"]
    given = {"email": "nord@people.example", "role": "owner"}
    response = people.client("acme").post(f"/accounts/{acme.id}/people/add/", given)
    assert response.status_code == 422 and response.context["form"].errors["email"]


def test_a_token_is_shown_once_used_and_revoked(people, at):
    browser = people.client("acme")
    made = browser.post("/you/tokens/", {"name": "shop"})
    assert made["Cache-Control"] == "no-store"
    secret = made.context["secret"]
    assert secret in made.content.decode()
    assert secret not in browser.get("/you/tokens/").content.decode()
    asked = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    assert Client(**asked).get("/api/v1/me").json()["account"]["id"] == people["acme"].id
    (token,) = queries.tokens_of(queries.viewer_of(user(people, "acme", "acme@people.example").id))
    assert token.last_used_at is not None
    assert "never" not in browser.get("/you/tokens/").content.decode()
    browser.post(f"/you/tokens/{token.id}/revoke/")
    assert Client(**asked).get("/api/v1/me").status_code == 401
    assert people.client("nord").post(f"/you/tokens/{token.id}/revoke/").status_code == 404


@pytest.mark.parametrize(
    "given", [{"name": ""}, {"name": "x", "until": "2027-01-10"}, {"name": "x", "until": "?"}]
)
def test_a_token_that_cannot_be_is_refused(people, given):
    response = people.client("acme").post("/you/tokens/", given)
    assert response.status_code == 422 and not response.context["secret"]


@pytest.fixture(autouse=True)
def mailbox(monkeypatch):
    """Mail is kept in memory."""
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")
    mail.outbox = []
    return mail
