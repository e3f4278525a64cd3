# SPDX-License-Identifier: Apache-2.0
"""The portal's log-in page, as a browser and a self-posting form meet it."""

from urllib.parse import urlencode

import pytest

from tests.sandbox.client import fetch

COOKIE = {"W": ".WEBSITEPANELPORTALAUTHASPX", "S": ".SolidCPPORTALAUTHASPX"}


def post(sandbox, page="Default.aspx?pid=Login", **form):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return fetch(f"{sandbox.portal_url}/{page}", urlencode(form).encode(), headers)


def follow(sandbox, reply):
    """The page a browser shows after a redirect, ticket in hand."""
    ticket = reply.headers["Set-Cookie"].partition(";")[0]
    return fetch(sandbox.url + reply.headers["Location"], headers={"Cookie": ticket})


@pytest.fixture
def customer(sandbox, household):
    return household.whole()


def test_a_posted_name_and_password_lead_home_with_a_ticket(sandbox, customer):
    reply = post(sandbox, user="acme", password="Secret-2")
    assert (reply.status, reply.headers["Location"]) == (302, "/portal/Default.aspx?pid=Home")
    assert reply.headers["Set-Cookie"].startswith(COOKIE[sandbox.world.options.dialect] + "=")
    home = follow(sandbox, reply)
    assert home.status == 200
    assert "Signed in as <b>acme</b>" in home.text
    assert "acme Inc." in home.text


def test_the_page_itself_is_a_form(sandbox):
    reply = fetch(f"{sandbox.portal_url}/default.aspx?pid=login")
    assert reply.status == 200
    assert '<form method="post"' in reply.text
    assert 'name="password"' in reply.text


@pytest.mark.parametrize("names", [("u", "p"), ("user", "pwd")])
def test_the_short_names_of_the_fields_work_too(sandbox, customer, names):
    assert post(sandbox, **dict(zip(names, ("acme", "Secret-2"), strict=True))).status == 302


def test_a_link_with_the_password_works_and_shows_in_the_log_as_a_get(sandbox, customer):
    query = urlencode({"pid": "Login", "user": "acme", "password": "Secret-2"})
    assert fetch(f"{sandbox.portal_url}/Default.aspx?{query}").status == 302
    (call,) = sandbox.control.calls(operation="Login")
    assert call["arguments"] == {"user": "acme", "password": "***", "method": "GET"}


@pytest.mark.parametrize("form", [{"user": "acme", "password": "nope"}, {"user": "nobody", "password": "x"}])
def test_a_wrong_password_gets_no_ticket(sandbox, customer, form):
    reply = post(sandbox, **form)
    assert reply.status == 200
    assert 'role="alert"' in reply.text
    assert "Set-Cookie" not in reply.headers


def test_a_suspended_customer_gets_in_and_a_cancelled_one_not(sandbox, customer):
    sandbox.control.set_status("acme", 2)
    assert post(sandbox, user="acme", password="Secret-2").status == 302
    sandbox.control.set_status("acme", 3)
    assert "cancelled" in post(sandbox, user="acme", password="Secret-2").text


def test_without_a_ticket_home_leads_to_the_log_in_page(sandbox):
    reply = fetch(f"{sandbox.portal_url}/Default.aspx?pid=Home")
    assert (reply.status, reply.headers["Location"]) == (302, "/portal/Default.aspx?pid=Login")


def test_a_return_address_elsewhere_is_followed_by_the_old_generation_only(sandbox, customer):
    reply = post(sandbox, user="acme", password="Secret-2", returnurl="https://elsewhere.example/")
    is_old = sandbox.world.options.dialect == "W"
    assert (reply.headers["Location"] == "https://elsewhere.example/") is is_old


def test_a_reseller_sees_his_customer_and_a_neighbour_does_not(sandbox, customer):
    user_id = customer[0]

    def page(username):
        ticket = post(sandbox, user=username, password="Secret-1").headers["Set-Cookie"].partition(";")[0]
        return fetch(
            f"{sandbox.portal_url}/Default.aspx?pid=Home&UserID={user_id}", headers={"Cookie": ticket}
        ).text

    assert "acme Inc." in page("reseller")
    assert "not allowed" in page("reseller2")


def test_a_second_factor_stops_at_a_page_that_asks_for_it(sandbox, customer):
    sandbox.control.change("users", customer[0], MfaMode=1)
    reply = post(sandbox, user="acme", password="Secret-2")
    if sandbox.world.options.dialect == "W":
        assert reply.status == 302
        return
    assert "Set-Cookie" not in reply.headers
    assert "second factor" in reply.text
    token = reply.text.partition('name="token" value="')[2].partition('"')[0]
    assert "Set-Cookie" not in post(sandbox, "Default.aspx?pid=Pin", token=token, pin="000000").headers


def test_a_ticket_ends_after_half_an_hour(sandbox, customer):
    reply = post(sandbox, user="acme", password="Secret-2")
    assert follow(sandbox, reply).status == 200
    sandbox.control.move_clock(31 * 60)
    assert follow(sandbox, reply).status == 302
