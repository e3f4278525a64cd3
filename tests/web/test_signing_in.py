"""Signing in, and what stands in the way of those who guess."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from postledger.accounts import operations as accounts
from postledger.accounts import queries
from tests.web.conftest import NOW, PASSWORD, SYSTEM


@pytest.fixture(autouse=True)
def _no_attempts_yet():
    cache.clear()
    yield
    cache.clear()


def sign_in(browser, code, password=PASSWORD):
    return browser.post(reverse("account_login"), {"login": f"{code}@people.example", "password": password})


def test_the_right_password_opens_the_start_page(people):
    browser = Client()
    assert sign_in(browser, "acme")["Location"] == "/"
    assert b"Acme Ltd" in browser.get("/").content


@pytest.mark.parametrize("code", ["acme", "nobody"])
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(people, code):
    response = sign_in(Client(), code, "wrong")
    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == [
        "The email address and/or password you specified are not correct."
    ]


def test_guessing_is_stopped_even_with_the_right_password_at_last(people):
    browser = Client()
    for _ in range(8):
        sign_in(browser, "acme", "wrong")
    response = sign_in(browser, "acme")
    assert response.status_code in (200, 429)
    assert browser.get("/").status_code == 302


def test_who_was_switched_off_is_out_at_once(people):
    browser = people.client("acme")
    (user,) = queries.users_of(SYSTEM, people["acme"].id)
    accounts.change_user(SYSTEM, user_id=user.id, is_active=False, now=NOW)
    assert browser.get("/").status_code == 302


def test_signing_out_takes_a_click_and_ends_the_session(people):
    browser = people.client("acme")
    browser.get(reverse("account_logout"))
    assert browser.get("/").status_code == 200
    browser.post(reverse("account_logout"))
    assert browser.get("/").status_code == 302


def test_a_password_is_changed_by_who_knows_the_old_one(people):
    browser = people.client("acme")
    url = reverse("account_change_password")
    new = {"password1": "Newer-Otter-43", "password2": "Newer-Otter-43"}
    assert browser.post(url, {"oldpassword": "wrong", **new}).status_code == 200
    assert browser.post(url, {"oldpassword": PASSWORD, **new}).status_code == 302
    assert sign_in(Client(), "acme", "Newer-Otter-43")["Location"] == "/"


def test_pages_of_people_are_kept_by_no_browser(people):
    response = people.client("acme").get("/")
    assert "no-store" in response["Cache-Control"]
    assert "unsafe" not in response["Content-Security-Policy"]
