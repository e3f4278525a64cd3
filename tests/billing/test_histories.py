"""Random histories: whatever happens, the books add up, nothing is billed twice, and what was shown is what is booked."""

from decimal import Decimal

from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
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
    def sign_up(self, **given):
        self.world.do("sign_up", **given)

    @rule(who=WHO, charge=st.sampled_from(["mailbox", "mailbox", "mailbox", *METERS]), units=UNITS)
    def order(self, **given):
        self.world.do("order", **given)

    @rule(who=WHO, charge=st.sampled_from(["filter", "mailbox", "account", *METERS]), is_on=st.booleans())
    def switch(self, **given):
        self.world.do("switch", **given)

    @rule(who=WHO, step=st.sampled_from(["buy_package", "suspend", "resume", "cancel", "delete_exchange"]))
    def simply(self, who, step):
        self.world.do(step, who=who)

    @rule(who=WHO, step=st.sampled_from(["activate", "convert", "move_to_monthly"]))
    def begin(self, who, step):
        self.world.do(step, who=who)

    @rule(who=WHO, plan=st.integers(0, 1))
    def change_plan(self, **given):
        self.world.do("change_plan", **given)

    @rule(who=WHO, months=st.sampled_from([1, 3, 12]))
    def change_period(self, **given):
        self.world.do("change_period", **given)

    @rule(who=WHO, days=st.integers(-40, 40))
    def change_start(self, **given):
        self.world.do("change_start", **given)

    @rule(who=WHO, meter=st.sampled_from(METERS), value=VALUES)
    def answer(self, **given):
        self.world.do("answer", **given)

    @rule(who=WHO, kind=st.sampled_from(worlds.STRANGE))
    def strange(self, **given):
        self.world.do("strange", **given)

    @rule()
    def release(self):
        self.world.do("release")

    @rule(is_up=st.booleans())
    def platform(self, **given):
        self.world.do("platform", **given)

    @rule(who=WHO, amount=AMOUNTS)
    def pay(self, **given):
        self.world.do("pay", **given)

    @rule(who=WHO, amount=st.integers(-9, 900))
    def credit(self, **given):
        self.world.do("credit", **given)

    @rule(
        who=WHO,
        amount=st.integers(0, 900),
        every=st.sampled_from(["once", "month", "period"]),
        is_taxed=st.booleans(),
    )
    def debit(self, **given):
        self.world.do("debit", **given)

    @rule(who=WHO, is_declining=st.booleans())
    def card(self, **given):
        self.world.do("card", **given)

    @rule(
        seller=st.sampled_from(["host", "res"]),
        plan=st.integers(0, 1),
        charge=st.integers(0, 5),
        change=CHANGES,
    )
    def change_terms(self, change, **given):
        self.world.do("change_terms", word=change[0], value=change[1], **given)

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


QUICK = settings(
    max_examples=12,
    stateful_step_count=22,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_whatever_happens_the_books_are_right(db):
    run_state_machine_as_test(History, settings=QUICK)
