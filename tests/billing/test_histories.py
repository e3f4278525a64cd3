"""Random histories: whatever happens, the books add up, nothing is billed twice, and every line can be figured again."""

import datetime as dt
import itertools
from decimal import Decimal
from fractions import Fraction

from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from postledger.billing import operations as billing
from postledger.billing import queries as billing_queries
from postledger.core import rating
from postledger.ledger import queries as ledger
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import billing_run, buy_package, cancel, change_period, change_quantities, simulate

from .conftest import SYSTEM, at

FIRST = dt.date(2025, 1, 29)
PLANS = {
    "office": {
        "seller": "provider",
        "periods": {1: {}, 3: {"discount": {"recurring": Decimal("7.5")}}},
        "refund_percent": 90,
        "money_back_days": 20,
        "charges": {
            "account": {
                "measure": "fixed",
                "cadence": "period",
                "setup": Decimal(5),
                "recurring": Decimal("9.99"),
            },
            "mailbox": {
                "measure": "reserved",
                "setup": Decimal("0.33"),
                "recurring": Decimal("1.37"),
                "free": 2,
                "max": 12,
            },
            "database": {"measure": "reserved", "cadence": "month", "recurring": Decimal("0.55")},
            "filter": {"measure": "fixed", "recurring": Decimal("2.01"), "activated": False},
            "exchange.mailboxes": {"measure": "metered", "usage": Decimal("7.77"), "free": 1},
            "exchange.disk": {
                "measure": "metered",
                "aggregate": "average",
                "usage": Decimal("1.5"),
                "step": Decimal("0.01"),
            },
        },
        "packages": {"mail-5": {"setup": 1, "recurring": Decimal("4.10"), "adds": {"mailbox": 5}}},
    },
    "large": {
        "seller": "provider",
        "periods": {1: {}, 3: {}},
        "charges": {
            "account": {"measure": "fixed", "recurring": Decimal("19.95")},
            "mailbox": {"measure": "reserved", "recurring": Decimal("1.11")},
            "exchange.mailboxes": {"measure": "metered", "aggregate": "peak", "usage": Decimal("6.66")},
        },
        "packages": {"mail-5": {"setup": 1, "recurring": Decimal("3.05"), "adds": {"mailbox": 5}}},
    },
}
UNITS = st.integers(0, 14)
ANY_TIME = [
    st.builds(lambda cents: {"pay": Decimal(cents) / 100, "method": "check"}, st.integers(1, 9000)),
    st.builds(lambda cents: {"credit": Decimal(cents) / 100, "text": "credit"}, st.integers(-50, 2000)),
]
WHILE_ACTIVE = [
    st.builds(lambda units: {"set": {"mailbox": units}}, UNITS),
    st.builds(lambda units: {"set": {"mailbox": units}}, UNITS),
    st.builds(
        lambda units, gigabytes: {
            "reading": {"exchange.mailboxes": units, "exchange.disk": Decimal(gigabytes) / 100}
        },
        UNITS,
        st.integers(0, 3000),
    ),
    st.builds(
        lambda cents, taxed, every: {
            "debit": Decimal(cents) / 100,
            "taxed": taxed,
            "every": every,
            "text": "debit",
        },
        st.integers(1, 900),
        st.booleans(),
        st.sampled_from(["once", "month", "period"]),
    ),
    st.sampled_from(
        [
            {"buy_package": "mail-5"},
            {"change_plan": "large"},
            {"change_plan": "office"},
            {"change_period": 1},
            {"change_period": 3},
            {"delete_exchange": True},
            {"suspend": "admin"},
            {"cancel": True},
        ]
    ),
]


@st.composite
def histories(draw):
    """A story of some ten weeks in which only what can be asked is asked."""
    day, state, timeline = FIRST, "active", []
    timeline.append(
        {
            "on": day,
            "account": "acme",
            "subscribe": "office",
            "period": draw(st.sampled_from([1, 3])),
            "quantities": {"mailbox": draw(st.integers(0, 12))},
            "promotions": [
                {"percent": percent} for percent in draw(st.lists(st.integers(1, 40), max_size=2))
            ],
        }
    )
    for _ in range(draw(st.integers(1, 9))):
        day += dt.timedelta(days=draw(st.integers(0, 14)))
        choices = list(ANY_TIME)
        if state == "active":
            choices += WHILE_ACTIVE
        elif state == "suspended":
            choices.append(st.just({"resume": True}))
        choices.append(st.sampled_from([{"platform": "down"}, {"platform": "up"}]))
        event = dict(draw(st.one_of(choices)))
        state = {"suspend": "suspended", "resume": "active", "cancel": "closed"}.get(next(iter(event)), state)
        account = "provider" if "platform" in event else "acme"
        timeline.append({"on": day, "account": account, **event})
    return {
        "accounts": {"provider": {"kind": "provider"}, "acme": {"kind": "customer", "seller": "provider"}},
        "sellers": {"provider": {"taxes": [{"name": "A", "rate": Decimal("7.7")}, {"name": "B", "rate": 3}]}},
        "customers": {"acme": {"opening_balance": Decimal(draw(st.integers(-5000, 5000))) / 100}},
        "plans": PLANS,
        "timeline": timeline,
        "until": day + dt.timedelta(days=draw(st.integers(0, 40))),
    }


def play(story, look=None):
    return simulate.simulate(story, look=look)


fuzz = settings(  # a story that fails is short enough: shrinking it takes minutes
    phases=[Phase.explicit, Phase.generate],
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@fuzz
@given(histories())
def test_books_add_up_and_nothing_is_billed_twice(db, story):
    def look(accounts):
        """In the books themselves."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM (SELECT 1 FROM ledger_posting GROUP BY entry_id HAVING sum(amount) <> 0) x"
            )
            assert cursor.fetchone() == (0,)
        for invoice in billing_queries.invoices(SYSTEM, buyer_id=accounts["acme"].id):
            whole = billing_queries.invoice(SYSTEM, invoice.id)
            assert sum(line.amount for line in whole.lines) == whole.total
            for line in whole.lines:
                assert rating.rerate(line.kind, dict(line.why), line.currency) == line.amount

    told = play(story, look)["accounts"]["acme"]
    opening = story["customers"]["acme"]["opening_balance"]
    owed = sum(Decimal(line["amount"]) for line in told["lines"])
    assert Decimal(told["balance"]) == opening - owed
    billed: dict[str, list[tuple[str, str]]] = {}
    for line in told["lines"]:
        if line["kind"] == "usage":
            billed.setdefault(line["item"], []).append((line["from"], line["to"]))
    for spans in billed.values():
        spans.sort()
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


@fuzz
@given(
    st.lists(st.tuples(st.integers(0, 25), UNITS), max_size=3), st.sampled_from([1, 3]), st.integers(31, 130)
)
def test_jobs_that_run_late_post_what_they_would_have_posted_in_time(db, changes, months, length):
    day, timeline = FIRST, [{"on": FIRST, "account": "acme", "subscribe": "large", "period": months}]
    for wait, units in changes:
        day += dt.timedelta(days=wait)
        timeline.append({"on": day, "account": "acme", "set": {"mailbox": units}})
    until = day + dt.timedelta(days=length)
    story = {
        "accounts": {"provider": {"kind": "provider"}, "acme": {"kind": "customer", "seller": "provider"}},
        "plans": PLANS,
        "timeline": timeline,
        "until": until,
    }
    stopped = {"on": FIRST, "account": "provider", "jobs": "stopped"}
    running = {"on": until, "account": "provider", "jobs": "running"}
    late = {**story, "timeline": [stopped, *timeline, running]}

    def lines(told):
        return [{**line, "posted_on": None, "invoice": None} for line in told["accounts"]["acme"]["lines"]]

    assert lines(play(late)) == lines(play(story))


@fuzz
@given(histories(), UNITS, st.sampled_from([1, 3]))
def test_a_preview_is_what_is_then_booked_and_books_nothing(db, story, units, months):
    def look(accounts):
        buyer_id = accounts["acme"].id
        id = subscriptions.latest_id(buyer_id)
        if subscriptions.subscription(SYSTEM, id).status != "active":
            return
        now = at(story["until"] + dt.timedelta(days=1))
        billing_run.billing_run(SYSTEM, now=now)
        if subscriptions.subscription(SYSTEM, id).status != "active":
            return
        for act, request in (
            (change_quantities.change_quantities, {"quantities": {"mailbox": Fraction(min(units, 12))}}),
            (buy_package.buy_package, {"package": "mail-5"}),
            (change_period.change_period, {"months": months}),
            (cancel.cancel, {}),
        ):
            balance = ledger.balance(SYSTEM, buyer_id)
            shown = act(SYSTEM, buyer_id=buyer_id, now=now, preview=True, **request)
            assert ledger.balance(SYSTEM, buyer_id) == balance
            booked = act(SYSTEM, buyer_id=buyer_id, now=now, **request)
            assert plain(booked) == plain(shown)
            assert ledger.balance(SYSTEM, buyer_id) == balance - shown.total

    play(story, look)


@fuzz
@given(histories())
def test_an_estimate_is_what_the_close_then_books(db, story):
    def look(accounts):
        id = subscriptions.latest_id(accounts["acme"].id)
        view = subscriptions.subscription(SYSTEM, id)
        if view.next_close is None:
            return
        shown = billing.estimate(id)
        dry = billing_run.billing_run(SYSTEM, now=at(view.next_close), dry_run=True)
        billing_run.billing_run(SYSTEM, now=at(view.next_close))
        booked = billing_queries.booked_between(id, first=view.next_close, last=view.next_close)
        closing = [line for line in booked if line.id is not None][-len(shown.lines) :] if shown.lines else []
        assert [(line.kind, line.item, line.amount) for line in closing] == [
            (line.kind, line.item, line.amount) for line in shown.lines
        ]
        assert dry.closes == 1
        assert sum((dry.totals or {}).values()) == shown.total

    play(story, look)


def plain(view):
    return [(line.kind, line.item, line.start, line.end, line.amount) for line in view.lines]
