"""Every page opens for those it is for."""

import pytest
from django.test import Client
from django.urls import reverse

BUYER_PAGES = (
    "account account-history exchange exchange-add plan plan-quantities plan-change plan-period plan-cancel "
    "invoice-list statement"
).split()
SELLER_PAGES = "home customers customers-add plans plans-add connections connections-choose billing invoices debtors margins selling settings".split()
FOR_SELLER = "account-edit people people-add account-suspend account-resume money-payment money-credit money-debit money-terms".split()


def answers(client, names, **arguments):
    return {name: client.get(reverse(name, kwargs=arguments or None)).status_code for name in names}


def test_a_customer_opens_his_pages(people):
    found = answers(people.client("acme"), BUYER_PAGES, account_id=people["acme"].id)
    assert found == dict.fromkeys(BUYER_PAGES, 200)


def test_a_reseller_opens_the_pages_of_his_customer(people):
    names = [*BUYER_PAGES, *FOR_SELLER]
    assert answers(people.client("alpha"), names, account_id=people["acme"].id) == dict.fromkeys(names, 200)


@pytest.mark.parametrize("code", ["host", "alpha"])
def test_a_seller_opens_his_pages(people, code):
    assert answers(people.client(code), SELLER_PAGES) == dict.fromkeys(SELLER_PAGES, 200)


def test_a_customer_has_no_seller_pages(people):
    names = sorted(set(SELLER_PAGES) - {"home", "settings"})
    assert answers(people.client("acme"), names) == dict.fromkeys(names, 404)


@pytest.mark.parametrize("name", ["account_login", "account_reset_password"])
def test_strangers_see_the_entrance(db, name):
    response = Client().get(reverse(name))
    assert response.status_code == 200
    assert b"Postledger" in response.content


def test_strangers_cannot_sign_up(db):
    response = Client().get(reverse("account_signup"))
    assert b"password" not in response.content.lower() or b"closed" in response.content.lower()


@pytest.mark.parametrize(
    "name", ["account_change_password", "mfa_index", "mfa_view_recovery_codes", "account_logout"]
)
def test_people_look_after_their_sign_in(people, name):
    response = people.client("acme").get(reverse(name), follow=True)
    assert response.status_code in (200, 404)


def test_who_is_not_signed_in_is_asked_to(db):
    response = Client().get("/customers/")
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))
