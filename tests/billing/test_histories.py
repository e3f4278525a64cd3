"""Random histories: whatever happens, the books add up, nothing is billed twice, and what was shown is booked (M11, C4)."""

from decimal import Decimal

from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from . import world as worlds
from .world import BUYERS, CENTS, METERS, UNITS

WHO = st.sampled_from(BUYERS)
AMOUNTS = st.integers(1, 5000)
SIGN_UP = {
    "plan": st.integers(0, 1),
    "months": st.sampled_from([1, 1, 3, 12]),
    "units": st.integers(0, 8),
    "off": st.lists(st.sampled_from([5, 12, 40]), max_size=2),
    "is_trial": st.integers(0, 4).map(lambda dice: dice == 4),
}
VALUES = st.one_of(UNITS.map(Decimal), st.integers(0, 3000).map(lambda cents: Decimal(cents) / 100))
CHANGES = st.one_of(
    st.tuples(st.sampled_from(["recurring", "setup", "usage"]), CENTS),
    st.tuples(st.just("free"), st.integers(0, 4)),
    st.tuples(st.just("cadence"), st.sampled_from(["month", "period"])),
)


class History(RuleBasedStateMachine):
    """Anything that can be asked, in any order; after each step everything that must hold is looked at."""

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()

    def teardown(self):
        try:
            connection.check_constraints()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    @initialize(founding=worlds.foundings(), data=st.data())
    def found(self, founding, data):
        self.world = worlds.World(founding)
        for who in BUYERS:
            self.world.do("sign_up", who=who, **{name: data.draw(some) for name, some in SIGN_UP.items()})
            for meter in METERS[: data.draw(st.integers(0, 3))]:
                self.world.do("answer", who=who, meter=meter, value=data.draw(VALUES))

    # --- what may happen

    @rule(who=WHO, **SIGN_UP)
    def sign_up(self, **asked):
        self.world.do("sign_up", **asked)

    @rule(who=WHO, charge=st.sampled_from(["mailbox", "mailbox", "mailbox", *METERS]), units=UNITS)
    def order(self, **asked):
        self.world.do("order", **asked)

    @rule(who=WHO, charge=st.sampled_from(["filter", "mailbox", "account", *METERS]), is_on=st.booleans())
    def switch(self, **asked):
        self.world.do("switch", **asked)

    @rule(who=WHO, step=st.sampled_from(["buy_package", "suspend", "resume", "cancel", "delete_exchange"]))
    def simply(self, who, step):
        self.world.do(step, who=who)

    @rule(who=WHO, step=st.sampled_from(["activate", "convert", "move_to_monthly"]))
    def begin(self, who, step):
        self.world.do(step, who=who)

    @rule(who=WHO, plan=st.integers(0, 1))
    def change_plan(self, **asked):
        self.world.do("change_plan", **asked)

    @rule(who=WHO, months=st.sampled_from([1, 3, 12]))
    def change_period(self, **asked):
        self.world.do("change_period", **asked)

    @rule(who=WHO, days=st.integers(-40, 40))
    def change_start(self, **asked):
        self.world.do("change_start", **asked)

    @rule(who=WHO, meter=st.sampled_from(METERS), value=VALUES)
    def answer(self, **asked):
        self.world.do("answer", **asked)

    @rule(who=WHO, kind=st.sampled_from(worlds.STRANGE))
    def strange(self, **asked):
        self.world.do("strange", **asked)

    @rule()
    def release(self):
        self.world.do("release")

    @rule(is_up=st.booleans())
    def platform(self, **asked):
        self.world.do("platform", **asked)

    @rule(who=WHO, amount=AMOUNTS)
    def pay(self, **asked):
        self.world.do("pay", **asked)

    @rule(who=WHO, amount=st.integers(-9, 900))
    def credit(self, **asked):
        self.world.do("credit", **asked)

    @rule(
        who=WHO,
        amount=st.integers(0, 900),
        every=st.sampled_from(["once", "month", "period"]),
        is_taxed=st.booleans(),
    )
    def debit(self, **asked):
        self.world.do("debit", **asked)

    @rule(who=WHO, is_declining=st.booleans())
    def card(self, **asked):
        self.world.do("card", **asked)

    @rule(
        seller=st.sampled_from(["host", "res"]),
        plan=st.integers(0, 1),
        charge=st.integers(0, 5),
        change=CHANGES,
    )
    def change_terms(self, change, **asked):
        self.world.do("change_terms", word=change[0], value=change[1], **asked)

    @rule(days=st.sampled_from([1, 3, 10, 31]))
    def pass_days(self, days):
        self.world.do("pass_days", days=days)

    @rule(days=st.sampled_from([9, 40, 100]))
    def jobs_stand_still(self, days):
        self.world.do("pass_days", days=days, jobs=False)
        self.world.do("pass_days", days=1)

    @rule(statements=st.lists(st.integers(0, 120), min_size=1, max_size=3))
    def killed(self, statements):
        self.world.do("pass_days", days=1, kills=tuple(statements))

    @invariant()
    def everything_holds(self):
        if hasattr(self, "world"):
            self.world.look()


IS_LONG = settings.get_current_profile_name() == "long"
HUNT = settings(
    max_examples=100_000 if IS_LONG else 6,
    stateful_step_count=30 if IS_LONG else 20,
    derandomize=not IS_LONG,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink] if IS_LONG else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_whatever_happens_the_books_are_right(db):
    run_state_machine_as_test(History, settings=HUNT)


# --- the same history, played otherwise ------------------------------------------------------------------------------


def steps(who, *more):
    """What may happen in the days of a few months."""
    return st.lists(
        st.one_of(
            _step("pass_days", days=st.sampled_from([1, 4, 17])),
            _step("order", who=who, charge=st.just("mailbox"), units=UNITS),
            _step("answer", who=who, meter=st.sampled_from(METERS), value=VALUES),
            _step("switch", who=who, charge=st.sampled_from(["filter", *METERS]), is_on=st.booleans()),
            _step("change_plan", who=who, plan=st.integers(0, 1)),
            _step("change_period", who=who, months=st.sampled_from([1, 3])),
            _step("buy_package", who=who),
            _step("delete_exchange", who=who),
            _step("cancel", who=who),
            _step("debit", who=who, amount=AMOUNTS, every=st.just("month"), is_taxed=st.booleans()),
            *more,
        ),
        min_size=5,
        max_size=12,
    )


def _step(name, **asked):
    return st.tuples(st.just(name), st.fixed_dictionaries(asked))


def play(founding, sign_ups, history, **days):
    """What every buyer was told and billed, with the notices he got; nothing of it stays."""
    with transaction.atomic():
        world = worlds.World(founding)
        for who, asked in sign_ups.items():
            world.do("sign_up", who=who, **asked)
        for name, asked in history:
            world.do(name, **asked, **(days if name == "pass_days" else {}))
        world.do("pass_days", days=1)
        world.look()
        told = {who: worlds.statement(world, who) for who in BUYERS}
        found = list(world.told), told, worlds.notices(world)
        transaction.set_rollback(True)
    return found


SIGN_UPS = st.fixed_dictionaries({who: st.fixed_dictionaries(SIGN_UP) for who in BUYERS})
EACH = settings(HUNT, max_examples=100_000 if IS_LONG else 3)


@EACH
@given(
    worlds.foundings(),
    SIGN_UPS,
    steps(
        WHO,
        _step("platform", is_up=st.booleans()),
        _step("card", who=WHO, is_declining=st.booleans()),
        _step("pay", who=WHO, amount=AMOUNTS),
        _step("suspend", who=WHO),
        _step("resume", who=WHO),
    ),
    st.lists(st.integers(0, 90), min_size=1, max_size=2),
)
def test_processes_that_are_killed_every_day_book_the_same(db, founding, sign_ups, history, kills):
    assert play(founding, sign_ups, history, kills=tuple(kills)) == play(founding, sign_ups, history)


@EACH
@given(worlds.foundings(), SIGN_UPS, steps(st.sampled_from(["ann", "bob"])))
def test_jobs_that_stood_still_for_weeks_book_the_same(db, founding, sign_ups, history):
    """But for what a day's jobs do on that day: cards, debtors, trials that end, corrections of what is paid ahead."""
    plain = {**founding, "cards": (), "dunning": ()}
    for plans in ("plans", "retail"):
        plain[plans] = [
            {
                **terms,
                "charges": [charge for charge in terms["charges"] if charge.get("timing") != "advance"],
            }
            for terms in founding[plans]
        ]
    buying = {who: {**asked, "is_trial": False} for who, asked in sign_ups.items() if who in ("ann", "bob")}
    late = play(plain, buying, history, jobs=False)
    in_time = play(plain, buying, history)
    assert late[0] == in_time[0]
    for who in buying:
        assert _undated(late[1][who]) == _undated(in_time[1][who])


def _undated(rows):
    """The rows without the day they were posted on and the balance beside each."""
    return sorted(str((row[0], *row[2:9], row[10])) for row in rows)
