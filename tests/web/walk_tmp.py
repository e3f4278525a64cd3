import datetime as dt
import os
from decimal import Decimal
from pathlib import Path

import pytest

from postledger.catalog import operations as catalog_operations
from postledger.subscriptions import queries as subscriptions
from postledger.usage import operations as usage
from postledger.usage.types import NewReading
from postledger.workflows import (
    begin_exchange,
    change_period,
    set_ceiling,
)
from tests.web import live
from tests.web.conftest import NOW, SYSTEM, populate
from tests.web.test_browser import sign_in
from tests.web.test_forms import EVERYTHING, add_platform

OUT = Path("/tmp/walk"); OUT.mkdir(exist_ok=True)

@pytest.fixture
def people(fresh_db, at):
    return populate()

def test_walk(people, at):
    acme = people["acme"]
    add_platform(people)
    change_period.change_period(SYSTEM, buyer_id=acme.id, months=12, now=NOW)
    begin_exchange.begin_exchange(SYSTEM, buyer_id=acme.id, now=NOW)
    held = subscriptions.subscription_of(SYSTEM, acme.id)
    for d in range(20):
        t = NOW + dt.timedelta(days=d)
        usage.record_readings(readings=[NewReading(held.id, "exchange.mailboxes", t, Decimal(3 + d // 4)), NewReading(held.id, "exchange.disk", t, Decimal(3 + d))], now=t, zones={held.id: dt.UTC})
    set_ceiling.set_ceiling(SYSTEM, buyer_id=acme.id, ceiling=60_00)
    at.now = NOW + dt.timedelta(days=20)
    plan = people.plans["alpha"]
    if os.environ.get("EVERYTHING"):
        catalog_operations.change_terms(SYSTEM, plan_id=plan, terms=EVERYTHING, effective_from=NOW.date(), now=NOW)
    only = os.environ.get("ONLY", "")
    a = f"/accounts/{acme.id}"
    SELLER = ["/", "/customers/", "/customers/add/", "/plans/", f"/plans/{plan}/", f"/plans/{plan}/edit/", "/plans/add/", "/connections/", "/connections/add/", "/billing/", "/billing/?preview=1", "/invoices/", "/debtors/", "/margins/", "/selling/", "/you/", "/adoption/", f"{a}/", f"{a}/plan/", f"{a}/plan/start/", f"{a}/plan/monthly/", f"{a}/terms/", f"{a}/payment/", f"{a}/exchange/", f"{a}/history/", f"{a}/users/add/", f"{a}/statement/", f"/accounts/{people['alpha'].id}/", f"/accounts/{people['alpha'].id}/invoices/", "/nowhere/"]
    CUSTOMER = ["/", f"{a}/plan/", f"{a}/plan/quantities/", f"{a}/plan/change/", f"{a}/plan/period/", f"{a}/plan/monthly/", f"{a}/plan/cancel/", f"{a}/exchange/", f"{a}/exchange/add/", f"{a}/invoices/", f"{a}/statement/", f"{a}/history/", "/you/", "/sign-in/2fa/", "/sign-in/2fa/totp/activate/"]
    extra = [p for p in os.environ.get("PAGES", "").split() if p]
    with live.panel() as panel, live.browser() as browser:
        for who, pages in (("alpha", SELLER), ("acme", CUSTOMER), ("host", SELLER[:17])):
            if only and only != who: continue
            page = sign_in(browser, panel, who)
            for width in (1280, 400):
                page.set_viewport_size({"width": width, "height": 900})
                for path in ([p.replace("A!", a) .replace("PLAN!", str(plan)).replace("RES!", str(people["alpha"].id)) for p in extra] or pages):
                    page.goto(panel + path)
                    name = path.strip("/").replace("/", "_").replace("?", "_") or "home"
                    page.screenshot(path=OUT / f"{who}-{width}-{name}.png", full_page=True)
                    if page.evaluate("document.documentElement.scrollWidth") > width:
                        print("WIDE", who, width, path, page.evaluate("document.documentElement.scrollWidth"))
            print(who, page.trouble)
        if os.environ.get("EDITOR"):
            page = sign_in(browser, panel, "alpha")
            page.set_viewport_size({"width": 1280, "height": 900})
            page.goto(f"{panel}/plans/{plan}/edit/")
            page.locator("[name=c0-recurring]").fill("12")
            page.locator("button:has-text('Show what it means')").last.click()
            page.locator("#meaning").wait_for()
            page.locator("#meaning").screenshot(path=OUT / "ed1.png")
            page.locator("#periods").screenshot(path=OUT / "ed2.png")
            page.locator(".charge-box").nth(2).screenshot(path=OUT / "ed3.png")
            page.locator("#packages .charge-box").nth(0).screenshot(path=OUT / "ed4.png")
            page.set_viewport_size({"width": 400, "height": 900})
            page.locator(".charge-box").nth(2).screenshot(path=OUT / "ed5.png")
            page.locator("#meaning").screenshot(path=OUT / "ed6.png")
            page.set_viewport_size({"width": 1280, "height": 900})
            page.goto(f"{panel}{a}/plan/start/")
            page.locator("[name=start]").fill("2027-01-15")
            page.get_by_role("button", name="Show what it costs").click()
            page.screenshot(path=OUT / "start.png", full_page=True)
