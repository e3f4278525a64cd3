"""A small world with drawn terms, on a clock of its own, in which anything may be asked for and everything is checked.

A step shows the price before it acts; what is refused must change nothing; what is booked must be what was shown. The
operations are those of the doors.
"""

import contextlib
import datetime as dt
import functools
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from hypothesis import strategies as st

from postledger.accounts import operations as accounts
from postledger.accounts.types import AccountView, Viewer
from postledger.billing import operations as billing
from postledger.billing import queries as billing_queries
from postledger.catalog import operations as catalog
from postledger.catalog import queries as catalog_queries
from postledger.catalog.queries import PlanBook
from postledger.core import fees, rating
from postledger.core.errors import Refusal
from postledger.ledger import queries as ledger
from postledger.payments import operations as payments
from postledger.subscriptions import queries as subscriptions
from postledger.usage import operations as usage
from postledger.usage.types import NewReading
from postledger.workflows import (
    activate,
    begin_exchange,
    billing_run,
    buy_package,
    cancel,
    change_period,
    change_plan,
    change_quantities,
    change_start,
    convert_trial,
    daily_jobs,
    end_exchange,
    enter_credit,
    enter_debit,
    estimate_invoice,
    move_to_monthly,
    receive_payment,
    resume,
    subscribe,
    suspend,
    switch_charge,
)

SYSTEM = Viewer.system()
BUYERS = ("ann", "bob", "res", "cat", "dan")  # cat and dan buy from the reseller
METERS = ("exchange.mailboxes", "exchange.disk", "traffic")
STRANGE = ("negative", "NaN", "twice", "from the future", "beyond all bounds", "no number")

# --- what a world is made of -----------------------------------------------------------------------------------------

CENTS = st.integers(1, 2500).map(lambda cents: str(Decimal(cents) / 100))
UNITS = st.integers(0, 9)


@st.composite
def prices(draw):
    """A base price, now and then with one of its own for the year."""
    base = draw(CENTS)
    return base if draw(st.integers(0, 3)) else {"1": base, "12": str(Decimal(base) * 10)}


def maybe(strategy):
    return st.one_of(st.none(), strategy)


@st.composite
def charges(draw):
    fixed = {
        "name": "account",
        "measure": "fixed",
        "cadence": draw(st.sampled_from(["period", "month"])),
        "setup": draw(maybe(prices())),
        "recurring": draw(maybe(prices())),
    }
    optional = {
        "name": "filter",
        "measure": "fixed",
        "cadence": draw(st.sampled_from(["period", "month"])),
        "recurring": draw(prices()),
        "activated": False,
    }
    mailbox = {
        "name": "mailbox",
        "measure": "reserved",
        "cadence": draw(st.sampled_from(["period", "period", "month"])),
        "setup": draw(maybe(prices())),
        "recurring": draw(maybe(prices())),
        "free": draw(st.integers(0, 3)),
        "max": draw(st.sampled_from([None, 8])),
    }
    return [fixed, optional, mailbox, *(draw(metered(meter)) for meter in METERS if draw(st.integers(0, 3)))]


@st.composite
def metered(draw, name):
    charge = {
        "name": name,
        "measure": "metered",
        "usage": draw(maybe(prices())),
        "free": draw(st.integers(0, 3)),
        "step": draw(st.sampled_from(["1", "0.01"])),
        "started_unit": draw(st.integers(0, 3)) == 0,
        "activated": draw(st.integers(0, 4)) > 0,
    }
    variant = draw(st.sampled_from(["plain", "plain", "period", "advance", "commitment", "limit"]))
    if variant == "advance":
        return {**charge, "timing": "advance", "cadence": draw(st.sampled_from(["month", "period"]))}
    charge["aggregate"] = draw(st.sampled_from(["last", "last", "average", "peak", "sum"]))
    if variant == "period":
        charge["cadence"] = "period"
    elif variant == "commitment":
        charge["commitment"] = {"units": 3, "recurring": draw(prices())}
    elif variant == "limit":
        charge["recurring"] = draw(prices())
    return charge


@st.composite
def terms(draw):
    """The stored form of a plan's terms."""
    return {
        "periods": {"1": {}, "3": {"recurring": "7.5"}, "12": {"recurring": 10, "setup": 50, "usage": 5}},
        "refund_percent": draw(st.sampled_from([100, 100, 90, 0])),
        "money_back_days": draw(st.sampled_from([0, 0, 20])),
        "trial": draw(st.sampled_from([None, {"days": 9}, {"days": 20, "credit_limit": "12.50"}])),
        "moderated": draw(st.integers(0, 5)) == 5,
        "grandfathered": draw(st.integers(0, 4)) == 4,
        "charges": draw(charges()),
        "packages": [
            {
                "name": "mail-5",
                "setup": draw(maybe(CENTS)),
                "recurring": draw(maybe(CENTS)),
                "adds": {"mailbox": 5, "exchange.mailboxes": 1},
            }
        ],
    }


@st.composite
def foundings(draw):
    """Everything that is decided before the first day."""
    zones = st.sampled_from(["UTC", "Pacific/Auckland", "America/New_York"])
    currencies = st.sampled_from(["USD", "USD", "JPY", "KWD"])
    taxes = st.sampled_from([[], [("VAT", "19")], [("A", "7.7"), ("B", "3"), ("C", "0.15")]])
    return {
        "first": draw(
            st.sampled_from(
                [dt.date(2024, 1, 29), dt.date(2024, 2, 29), dt.date(2025, 3, 7), dt.date(2025, 9, 30)]
            )
        ),
        "hour": draw(st.sampled_from([1, 12, 22])),
        "provider": {"zone": draw(zones), "currency": draw(currencies), "taxes": draw(taxes)},
        "reseller": {"zone": draw(zones), "currency": draw(currencies), "taxes": draw(taxes)},
        "mode": draw(st.sampled_from(["anniversary", "credit_limit"])),
        "dunning": draw(
            st.sampled_from(
                [
                    (),
                    (("notice", 3), ("pre_suspension", 0), ("suspension", 20)),
                    (("suspension", 9), ("deletion", 30)),
                ]
            )
        ),
        "exempt": draw(st.sampled_from([(), ("bob",), ("dan",)])),
        "limits": {name: draw(st.sampled_from([None, None, 3000])) for name in BUYERS},
        "cards": draw(st.sampled_from([(), ("ann", "cat"), ("ann",)])),
        "plans": [draw(terms()), draw(terms())],  # the provider's, to customers and the reseller
        "retail": [draw(terms()), draw(terms())],  # the reseller's
    }


# --- the world -------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here; nothing may catch it."""


@dataclass
class World:
    """The accounts by name, the plans of each seller, what the platform would answer, and what time it is."""

    founding: dict[str, Any]
    now: dt.datetime = field(init=False)
    accounts: dict[str, AccountView] = field(default_factory=dict)
    plans: dict[str, list[int]] = field(default_factory=dict)  # by seller
    answers: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    is_up: bool = True
    told: list[str] = field(
        default_factory=list
    )  # what came of each step, the same wherever the history is played
    is_resale_plain: bool = True  # the reseller bought one plan all the time, and nobody was suspended
    lines: "list[Booked]" = field(default_factory=list)
    payments: int = 0

    def __post_init__(self):
        given = self.founding
        self.now = dt.datetime.combine(given["first"], dt.time(given["hour"]), dt.UTC)
        founded = self.now - dt.timedelta(days=2)
        provider = accounts.create_provider(
            code="host",
            name="Host",
            currency=given["provider"]["currency"],
            time_zone=given["provider"]["zone"],
            now=founded,
        )
        reseller = accounts.create_reseller(
            SYSTEM,
            seller_id=provider.id,
            code="res",
            name="res",
            currency=given["reseller"]["currency"],
            time_zone=given["reseller"]["zone"],
            now=founded,
        )
        self.accounts = {"host": provider, "res": reseller}
        for name in BUYERS:
            if name != "res":
                self.accounts[name] = accounts.create_customer(
                    SYSTEM,
                    seller_id=reseller.id if name in ("cat", "dan") else provider.id,
                    code=name,
                    name=name,
                    is_tax_exempt=name in given["exempt"],
                    now=founded,
                )
        for name, seller in (("host", "provider"), ("res", "reseller")):
            billing.set_seller_settings(
                SYSTEM, seller_id=self.accounts[name].id, taxes=given[seller]["taxes"]
            )
            payments.set_policy(
                SYSTEM, seller_id=self.accounts[name].id, mode=given["mode"], dunning=given["dunning"]
            )
            self.plans[name] = [
                catalog.publish_plan(
                    SYSTEM,
                    seller_id=self.accounts[name].id,
                    code=f"{name}-{number}",
                    name=f"{name} {number}",
                    terms=document,
                    effective_from=given["first"] - dt.timedelta(days=9),
                    now=founded,
                )
                for number, document in enumerate(given["plans" if name == "host" else "retail"])
            ]
        self.is_resale_plain = not given["dunning"]
        for name in BUYERS:
            payments.set_terms(
                SYSTEM,
                buyer_id=self.accounts[name].id,
                method="card" if name in given["cards"] else "check",
                credit_limit=given["limits"][name],
            )

    # --- small things

    def buyer(self, name: str) -> int:
        return self.accounts[name].id

    def seller(self, name: str) -> AccountView:
        return self.accounts["res" if name in ("cat", "dan") else "host"]

    def today(self, name: str) -> dt.date:
        return self.now.astimezone(ZoneInfo(self.seller(name).time_zone)).date()

    def held(self, name: str):
        """The newest subscription of a buyer, or None."""
        return self.views().get(name)

    def views(self) -> dict[str, Any]:
        """The newest subscription of each buyer who has one."""
        names = {self.buyer(name): name for name in BUYERS}
        return {names[id]: view for id, view in subscriptions.of_accounts(SYSTEM, names).items()}

    def plan(self, name: str, index: int) -> int:
        return self.plans["res" if name in ("cat", "dan") else "host"][index]

    # --- steps

    def do(self, step: str, **given: Any) -> None:
        """One step of a history; a few minutes pass with it."""
        self.now += dt.timedelta(minutes=7)
        buys = self.held("res")
        if step in ("suspend", "cancel", "change_plan") or (step == "sign_up" and buys is not None):
            resells = (
                given["who"] in ("cat", "dan") and step != "suspend" and buys and buys.status == "active"
            )
            self.is_resale_plain &= bool(resells) or given["who"] in ("ann", "bob")
        getattr(self, step)(**given)

    def act(self, name: str, operation: Callable[..., Any], *, has_preview: bool = True, **given: Any) -> Any:
        """What an operation booked, or None where it was refused, with everything that must hold of either."""
        call = functools.partial(operation, SYSTEM, buyer_id=self.buyer(name), now=self.now, **given)
        before = fingerprint()
        shown = refused = None
        if has_preview:
            try:
                shown = _lines(call(preview=True))
            except Refusal as refusal:
                refused = str(refusal)
            assert fingerprint() == before, "a preview changed something"
        try:
            booked = call()
        except payments.CardDeclined as refusal:  # he is told, and it is remembered
            assert refused is None or refused == str(refusal)
            self.told.append(refusal.reason)
            return None
        except Refusal as refusal:
            assert not has_preview or refused == str(refusal), (refused, str(refusal))
            assert fingerprint() == before, "what was refused changed something"
            self.told.append(refusal.reason)
            return None
        assert refused is None, f"shown as refused: {refused}"
        if has_preview:
            assert _lines(booked) == shown
            self._check_booked(booked)
        self.told.append("done")
        return booked

    def _check_booked(self, booked: Any) -> None:
        view = getattr(booked, "proposal", booked)
        stored = [line for id in view.invoice_ids for line in billing_queries.invoice(SYSTEM, id).lines]
        if stored:
            assert [(line.kind, line.item, line.start, line.end, line.amount) for line in stored] == [
                (line.kind, line.item, line.start, line.end, line.amount) for line in view.lines
            ]

    def sign_up(self, who: str, plan: int, months: int, units: int, off: list[int], is_trial: bool) -> None:
        self.act(
            who,
            subscribe.subscribe,
            plan_id=self.plan(who, plan),
            months=months,
            quantities={"mailbox": Fraction(units)},
            promotions=[Fraction(percent) for percent in off],
            is_trial=is_trial,
        )

    def activate(self, who: str) -> None:
        self.act(who, activate.activate, has_preview=False)

    def convert(self, who: str) -> None:
        self.act(who, convert_trial.convert_trial)

    def order(self, who: str, charge: str, units: int) -> None:
        self.purchase(who, change_quantities.change_quantities, quantities={charge: Fraction(units)})

    def switch(self, who: str, charge: str, is_on: bool) -> None:
        self.purchase(who, switch_charge.switch_charge, charge=charge, is_on=is_on)

    def buy_package(self, who: str) -> None:
        self.purchase(who, buy_package.buy_package, package="mail-5")

    def change_plan(self, who: str, plan: int) -> None:
        self.purchase(who, change_plan.change_plan, plan_id=self.plan(who, plan))

    def change_period(self, who: str, months: int) -> None:
        self.purchase(who, change_period.change_period, months=months)

    def purchase(self, who: str, operation: Callable[..., Any], **given: Any) -> None:
        """What may be refused by the credit limit: the debt is never more than it afterwards, unless a card pays (M5)."""
        view = self.act(who, operation, **given)
        found = row(
            "SELECT method, credit_limit, is_card_declined FROM payments_paymentterms WHERE buyer_id = %s",
            self.buyer(who),
        )
        held = self.held(who)
        if view is None or view.total <= 0 or held is None or held.status == "trial":
            return
        method, limit, _ = found
        if limit is not None and method == "check":
            assert -ledger.balance(SYSTEM, self.buyer(who)) <= limit

    def change_start(self, who: str, days: int) -> None:
        self.act(who, change_start.change_start, start=self.today(who) + dt.timedelta(days=days))

    def move_to_monthly(self, who: str) -> None:
        self.act(who, move_to_monthly.move_to_monthly)

    def suspend(self, who: str) -> None:
        self.act(who, suspend.suspend, has_preview=False, reason="admin")

    def resume(self, who: str) -> None:
        self.act(who, resume.resume, has_preview=False)

    def cancel(self, who: str) -> None:
        self._read(who)
        self.act(who, cancel.cancel)

    def delete_exchange(self, who: str) -> None:
        self._read(who)
        self.act(who, end_exchange.end_exchange)
        for meter in METERS[:2]:
            self.answers.get(who, {}).pop(meter, None)

    def pay(self, who: str, amount: int) -> None:
        self.payments += 1
        self.act(
            who,
            receive_payment.receive_payment,
            has_preview=False,
            amount=amount,
            method="check",
            key=f"payment {self.payments}",
        )

    def credit(self, who: str, amount: int) -> None:
        self.act(who, enter_credit.enter_credit, has_preview=False, amount=amount, reason="ours", text="ours")

    def debit(self, who: str, amount: int, every: str, is_taxed: bool) -> None:
        self.act(who, enter_debit.enter_debit, amount=amount, text="debit", is_taxed=is_taxed, every=every)

    def card(self, who: str, is_declining: bool) -> None:
        payments.set_test_card(
            buyer_id=self.buyer(who), is_declining=is_declining, day=self.today(who), now=self.now
        )

    def limit(self, who: str, amount: int) -> None:
        payments.set_terms(SYSTEM, buyer_id=self.buyer(who), credit_limit=amount)

    def change_terms(self, seller: str, plan: int, charge: int, word: str, value: Any) -> None:
        """A new version of a plan from today on: a price, the free units or the cadence of one charge."""
        plan_id = self.plans[seller][plan]
        today = self.now.astimezone(ZoneInfo(self.accounts[seller].time_zone)).date()
        document = dict(catalog_queries.versions(SYSTEM, plan_id, today=today)[0].document)
        changed = [dict(item) for item in document["charges"]]
        changed[charge % len(changed)][word] = value
        try:
            catalog.change_terms(
                SYSTEM,
                plan_id=plan_id,
                terms={**document, "charges": changed},
                effective_from=today,
                now=self.now,
            )
        except Refusal as refusal:
            self.told.append(refusal.reason)
        self.is_resale_plain = False

    def answer(self, who: str, meter: str, value: Decimal) -> None:
        """From now on the platform shows this; Exchange is made where it was not."""
        held = self.held(who)
        if held is None or held.status in ("closed", "deleted", "waiting"):
            return
        if meter.startswith("exchange.") and held.exchange_since is None:
            begin_exchange.begin_exchange(SYSTEM, buyer_id=self.buyer(who), now=self.now)
        self.answers.setdefault(who, {})[meter] = value
        self._read(who)

    def strange(self, who: str, kind: str) -> None:
        """An answer that cannot be one: the account must wait, and nothing of it may be billed."""
        held = self.held(who)
        if held is None:
            return
        taken = self.now + dt.timedelta(days=9) if kind == "from the future" else self.now
        value = {"negative": "-1", "NaN": "NaN", "beyond all bounds": "1e20", "no number": "many"}.get(
            kind, "4"
        )
        if kind == "twice":
            self._keep(held.id, who, METERS[0], self.now, "3")
            assert self._keep(held.id, who, METERS[0], self.now, "3") == 0
        assert self._keep(held.id, who, METERS[0], taken, value) == 0

    def platform(self, is_up: bool) -> None:
        self.is_up = is_up

    def release(self) -> None:
        """An operator looks at what waits and lets it go on."""
        for row in billing_queries.parked(SYSTEM):
            assert "Look at the platform" in row.reason, row.reason
            billing.release_parked(SYSTEM, subscription_id=row.subscription_id, now=self.now)

    def _read(self, *names: str) -> None:
        """What the platform says now, put on file."""
        if not self.is_up:
            return
        views = subscriptions.of_accounts(SYSTEM, [self.buyer(name) for name in names])
        readings, zones = [], {}
        for name in names:
            held = views.get(self.buyer(name))
            if held is None or held.status in ("closed", "deleted", "waiting"):
                continue
            zones[held.id] = ZoneInfo(self.seller(name).time_zone)
            for meter in METERS:
                if not meter.startswith("exchange.") or held.exchange_since is not None:
                    value = self.answers.get(name, {}).get(meter, Decimal(0))
                    readings.append(NewReading(held.id, meter, self.now, value, source="platform"))
        usage.record_readings(readings=readings, now=self.now, zones=zones)

    def _keep(self, id: int, who: str, meter: str, taken_at: dt.datetime, value: Any) -> int:
        return usage.record_readings(
            readings=[NewReading(id, meter, taken_at, value, source="platform")],
            now=self.now,
            zones={id: ZoneInfo(self.seller(who).time_zone)},
        )

    # --- days

    def pass_days(self, days: int, *, jobs: bool = True, kills: tuple[int, ...] = ()) -> None:
        """Days in which nothing happens but the nightly reading and, unless they stand still, the jobs."""
        for _ in range(days):
            self.now += dt.timedelta(days=1)
            self._read(*BUYERS)
            if jobs:
                self._jobs(kills)
        if jobs:
            before = fingerprint()
            daily_jobs.daily_jobs(now=self.now)
            assert fingerprint() == before, "the jobs done again changed something"

    def _jobs(self, kills: tuple[int, ...]) -> None:
        """The jobs of a day, ended at the given statements and started again; before them the run is shown."""
        for statement in kills:
            with contextlib.suppress(Killed), killed_at(statement):
                daily_jobs.daily_jobs(now=self.now)
            forget()
        self._run_as_shown()
        daily_jobs.daily_jobs(now=self.now)

    def _run_as_shown(self) -> None:
        """The billing run books what its dry run and the estimates told."""
        due = {
            name: view
            for name, view in self.views().items()
            if view.next_close and view.next_close <= self.today(name) and not view.is_parked
        }
        if not due:
            return
        before = fingerprint()
        estimates = {}
        for name, view in due.items():
            with contextlib.suppress(Refusal):
                estimates[name] = (
                    view,
                    estimate_invoice.estimate_invoice(SYSTEM, buyer_id=self.buyer(name), now=self.now),
                )
        dry = billing_run.billing_run(SYSTEM, now=self.now, dry_run=True)
        assert fingerprint() == before, "a dry run changed something"
        real = billing_run.billing_run(SYSTEM, now=self.now)
        assert _sums(dry) == _sums(real)
        now = self.views()
        for name, (view, shown) in estimates.items():
            if now[name].is_parked or shown is None:
                continue
            booked = rows(
                'SELECT l.kind, l.item, l.start, l."end", l.amount FROM billing_invoiceline l '
                "JOIN billing_invoice i ON i.id = l.invoice_id "
                "WHERE i.subscription_id = %s AND i.closes_on = %s AND i.for_subscription_id IS NULL ORDER BY l.id",
                view.id,
                view.next_close,
            )
            assert booked == [
                (line.kind, line.item, line.start, line.end, line.amount) for line in shown.lines
            ]

    # --- what must hold

    def look(self) -> None:
        """Look at everything that must hold whatever has happened."""
        self._lines_explain_themselves()
        self._balances_add_up()
        for name, query in BROKEN.items():
            assert rows(query) == [], name
        self._no_day_is_paid_for_more_units_than_are_held()
        self._what_is_resold_is_bought()

    def _lines_explain_themselves(self) -> None:
        """Each line names its rule, price and readings, and from them comes its amount."""
        new = booked_after(self.lines[-1].id if self.lines else 0)
        self.lines += new
        for line in new:
            assert rating.rerate(line.kind, line.why, line.currency) == line.amount, line
            assert line.why["rule"]
            if line.kind in ("setup", "recurring", "usage", "package"):
                assert line.why["terms"] and line.why["price"]
            if line.kind == "usage":
                assert line.why["readings"], line

    def _balances_add_up(self) -> None:
        """M11: opening + payments + credits + refunds − charges − debits − tax, to the cent, for each account."""
        billed = defaultdict(int)
        for line in self.lines:
            billed[line.buyer_id] += line.amount
        paid = dict(rows("SELECT buyer_id, sum(amount) FROM payments_payment GROUP BY 1"))
        credits = dict(rows("SELECT buyer_id, sum(amount) FROM billing_credit GROUP BY 1"))
        balances = ledger.balances(self.buyer(who) for who in BUYERS)
        for who in BUYERS:
            id = self.buyer(who)
            assert balances.get(id, 0) == paid.get(id, 0) + credits.get(id, 0) - billed[id], who

    def _no_day_is_paid_for_more_units_than_are_held(self) -> None:
        """By the period, and by the month; a month fee that was charged stays where a plan by the period follows (F5)."""
        views = self.views()
        facts = subscriptions.load([view.id for view in views.values()], PlanBook())
        paid = defaultdict(
            list
        )  # (for which subscription, who owes, item, whether by the month) → (start, end, units)
        for line in self.lines:
            if line.kind in ("recurring", "refund") and not line.is_package:
                units = Fraction(line.why["units"]) * (-1 if line.kind == "refund" else 1)
                whole = "share" not in line.why
                paid[line.subscription_id, line.buyer_id, line.item, whole].append(
                    (line.start, line.end, units)
                )
        names = {view.id: name for name, view in views.items() if view.status in ("active", "suspended")}
        for (subscription_id, buyer_id, item, _), spans in paid.items():
            if subscription_id not in names:
                continue
            today, sub = self.today(names[subscription_id]), facts[subscription_id]
            charge, held = sub.terms_at(today).charges.get(item), Fraction(0)
            if charge is not None:
                held = fees.held(sub, charge) + (charge.commitment_units if fees.is_on(sub, charge) else 0)
            for day in {today} | {day for span in spans for day in span[:2] if day > today}:
                units = sum(units for start, end, units in spans if start <= day < end)
                assert 0 <= units <= held, (names[subscription_id], buyer_id, item, day, units, held)

    def _what_is_resold_is_bought(self) -> None:
        """M10: of the units a customer holds, the reseller pays for each today, or it uses one of his free ones."""
        views = self.views()
        buys = views.get("res")
        if not self.is_resale_plain or buys is None or buys.status != "active" or buys.is_parked:
            return
        facts = subscriptions.load([view.id for view in views.values()], PlanBook())
        for name in ("cat", "dan"):
            view, today = views.get(name), self.today(name)
            if view is None or view.status != "active" or view.is_parked or view.period_start > today:
                continue
            sold = facts[buys.id].terms_at(today).charges["mailbox"]
            if not sold.recurring or (view.next_close and view.next_close <= today):
                continue
            paid = sum(
                Fraction(line.why["units"]) * (-1 if line.kind == "refund" else 1)
                for line in self.lines
                if (line.buyer_id, line.subscription_id) == (self.buyer("res"), view.id)
                and (line.item, line.kind in ("recurring", "refund")) == ("mailbox", True)
                and line.start <= today < line.end
            )
            item = facts[view.id].items.get("mailbox")
            held = item.quantity if item and item.is_on else 0
            assert paid + (item.pool_units if item else 0) == held, (name, paid, item)


BROKEN = {
    "an entry does not balance": "SELECT entry_id FROM ledger_posting GROUP BY 1 HAVING sum(amount) <> 0",
    "an invoice is not its lines": (
        "SELECT i.id FROM billing_invoice i LEFT JOIN billing_invoiceline l ON l.invoice_id = i.id GROUP BY i.id "
        "HAVING i.total IS DISTINCT FROM sum(l.amount) OR i.tax <> coalesce(sum(l.amount) FILTER (WHERE l.kind = 'tax'), 0) "
        "OR i.subtotal <> i.total - i.tax"
    ),
    "an invoice is not its entry": (
        "SELECT i.id FROM billing_invoice i JOIN ledger_posting p ON p.entry_id = i.entry_id "
        "JOIN ledger_ledgeraccount a ON a.id = p.ledger_account_id GROUP BY i.id "
        "HAVING i.total <> sum(p.amount) FILTER (WHERE a.kind = 'receivable' AND a.buyer_id = i.buyer_id) "
        "OR i.tax <> coalesce(-sum(p.amount) FILTER (WHERE a.kind = 'tax'), 0)"
    ),
    "numbers have gaps": (
        "SELECT seller_id FROM billing_invoice GROUP BY 1 HAVING max(number) <> count(*) OR min(number) <> 1"
    ),
    "usage is billed twice": (
        "SELECT a.id FROM billing_invoiceline a JOIN billing_invoice x ON x.id = a.invoice_id "
        "JOIN billing_invoiceline b ON b.subscription_id = a.subscription_id AND b.item = a.item AND b.kind = 'usage' "
        'AND a.id < b.id AND a.start < b."end" AND b.start < a."end" '
        "JOIN billing_invoice y ON y.id = b.invoice_id AND y.buyer_id = x.buyer_id WHERE a.kind = 'usage'"
    ),
    "a month fee is charged twice": (
        "SELECT l.subscription_id FROM billing_invoiceline l JOIN billing_invoice i ON i.id = l.invoice_id "
        "WHERE i.closes_on IS NOT NULL AND l.kind IN ('recurring', 'package') "
        'GROUP BY i.buyer_id, l.subscription_id, l.item, l.kind, l.start, i."on", l.why HAVING count(*) > 1'
    ),
    "a close is posted before its day": 'SELECT id FROM billing_invoice WHERE "on" > posted_on',
}


@dataclass(frozen=True, slots=True)
class Booked:
    """A booked line, with what its invoice says of it."""

    id: int
    buyer_id: int
    subscription_id: int
    on: dt.date
    kind: str
    item: str
    start: dt.date | None
    end: dt.date | None
    amount: int
    currency: str
    why: dict[str, Any]
    is_package: bool


def booked_after(id: int) -> list[Booked]:
    """The lines booked after the one of this number."""
    return [
        Booked(*row[:10], json.loads(row[10]), row[4] == "package" or '"package"' in row[10])
        for row in rows(
            'SELECT l.id, i.buyer_id, l.subscription_id, i."on", l.kind, l.item, l.start, l."end", l.amount, i.currency, '
            "l.why::text FROM billing_invoiceline l JOIN billing_invoice i ON i.id = l.invoice_id WHERE l.id > %s ORDER BY l.id",
            id,
        )
    ]


def statement(world: World, name: str) -> list[tuple]:
    """The statement of a buyer, without numbers that depend on where it was played."""
    return [
        (
            line.on,
            line.posted_on,
            line.kind,
            line.item,
            line.start,
            line.end,
            line.quantity,
            line.unit_price,
            line.amount,
            line.balance,
            {key: value for key, value in line.why.items() if key != "terms"},
        )
        for line in billing_queries.statement(SYSTEM, world.buyer(name))
    ]


def notices(world: World) -> dict[str, list[tuple]]:
    """What each buyer was told by mail, however often."""
    return {
        who: rows(
            "SELECT kind, data->>'on' FROM events_event WHERE account_id = %s AND kind LIKE 'notice.%%' ORDER BY id",
            world.buyer(who),
        )
        for who in BUYERS
    }


@contextlib.contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """The process ends at its n-th statement."""
    left = [statement]

    def wrapper(execute, sql, params, many, context):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield


def forget() -> None:
    """What a new process does not know of the one before."""
    from postledger.billing import _facts, _write  # noqa: PLC0415
    from postledger.usage import queries as usage_queries  # noqa: PLC0415

    _facts._known_rates.clear()
    _write._known.clear()
    usage_queries._known.clear()


_WATCHED = (
    "subscriptions_subscription",
    "subscriptions_item",
    "billing_pendingusage",
    "billing_parked",
    "billing_repeatingdebit",
    "billing_sellersettings",
    "payments_paymentterms",
    "payments_debtor",
)
_GROWING = (
    "billing_invoice",
    "billing_invoiceline",
    "billing_credit",
    "ledger_entry",
    "ledger_posting",
    "payments_payment",
    "payments_allocation",
    "subscriptions_change",
    "usage_reading",
)
_FINGERPRINT = "SELECT " + ", ".join(
    [f"(SELECT coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {table} t)" for table in _WATCHED]
    + [f"(SELECT count(*) FROM {table})" for table in _GROWING]
)


def fingerprint() -> tuple:
    """Changes when anything that billing knows changes."""
    return row(_FINGERPRINT)


def _sums(run: Any) -> tuple:
    return run.closes, run.parked, run.lines, run.invoices, run.totals or {}


def _lines(view: Any) -> Any:
    if isinstance(view, move_to_monthly.Move):
        return (_lines(view.proposal), view.balance, view.monthly_cost, view.credit_lasts_until)
    if isinstance(view, change_start.Moved):
        return (_lines(view.proposal), view.paid_twice)
    return [
        (
            line.kind,
            line.item,
            line.start,
            line.end,
            line.quantity,
            line.unit_price,
            line.amount,
            str(line.why),
        )
        for line in view.lines
    ]


def rows(query: str, *values: Any) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def row(query: str, *values: Any) -> tuple:
    return rows(query, *values)[0]
