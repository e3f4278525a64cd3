"""A second factor, in a real browser: switched on with an app, asked for at the next sign-in, and got around with a code kept for it."""

import base64
import hashlib
import hmac
import re
import struct
import time

import pytest
from django.core.cache import cache

from tests.web import live
from tests.web.conftest import PASSWORD, People, populate
from tests.web.test_browser import sign_in

pytestmark = live.needs_chromium


@pytest.fixture
def people(fresh_db, at) -> People:
    return populate()


@pytest.fixture(autouse=True)
def _no_attempts_yet():
    cache.clear()
    yield
    cache.clear()


def code(secret: str, *, ahead: int = 0) -> str:
    """What an authenticator app shows (RFC 6238), in this half minute or a later one."""
    counter = struct.pack(">Q", int(time.time()) // 30 + ahead)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def begin(browser, panel):
    """A page of a browser at which the password was given."""
    page = browser.new_context().new_page()
    page.set_default_timeout(10_000)
    page.goto(f"{panel}/sign-in/login/")
    page.get_by_label("Email").fill("acme@people.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/2fa/authenticate/**")
    return page


def test_a_second_factor_is_asked_for_once_it_is_set_up(people):
    with live.panel() as panel, live.browser() as browser:
        page = sign_in(browser, panel, "acme")
        page.goto(f"{panel}/you/")
        page.get_by_role("listitem").filter(has_text="Second factor").get_by_role("link").click()
        page.goto(f"{panel}/sign-in/2fa/totp/activate/")
        page.get_by_label("Password").fill(PASSWORD)  # asked once more before it is changed
        page.get_by_role("button", name="Confirm").click()
        secret = page.locator("#authenticator_secret").input_value()
        page.get_by_label(re.compile("code", re.IGNORECASE)).fill("000000")
        page.get_by_role("button", name="Activate").click()
        page.get_by_text("Incorrect code").wait_for()  # nothing is switched on
        page.get_by_label(re.compile("code", re.IGNORECASE)).fill(code(secret))
        page.get_by_role("button", name="Activate").click()
        page.wait_for_url("**/2fa/recovery-codes/**")
        live.picture(page, "60-recovery-codes")
        kept = page.get_by_label("Unused codes").input_value().split()
        assert len(kept) >= 8

        other = begin(browser, panel)
        live.picture(other, "61-second-factor")
        other.goto(f"{panel}/customers/")
        assert "/sign-in/" in other.url  # the password alone opens nothing
        other = begin(browser, panel)
        other.get_by_label(re.compile("code", re.IGNORECASE)).first.fill("000000")
        other.locator("form button[type=submit]").first.click()
        assert "authenticate" in other.url
        other.get_by_label(re.compile("code", re.IGNORECASE)).first.fill(code(secret, ahead=1))
        other.locator("form button[type=submit]").first.click()
        other.wait_for_url(f"{panel}/")

        third = begin(browser, panel)
        third.get_by_label(re.compile("code", re.IGNORECASE)).first.fill(kept[0])
        third.locator("form button[type=submit]").first.click()
        third.wait_for_url(f"{panel}/")
        fourth = begin(browser, panel)  # a code kept for that day works once
        fourth.get_by_label(re.compile("code", re.IGNORECASE)).first.fill(kept[0])
        fourth.locator("form button[type=submit]").first.click()
        assert "authenticate" in fourth.url
