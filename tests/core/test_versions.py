"""What a new version of a plan changes, and from when."""

import pytest

from postledger.core import terms, versions

BASE = {"name": "fee", "measure": "fixed", "recurring": "10"}
BOX = {"name": "exchange.mailboxes", "measure": "metered", "usage": "8", "free": "2"}
DISK = {"name": "disk", "measure": "reserved", "cadence": "month", "recurring": "1"}


def told(change, *, periods=None, **more):
    """What changes from the three charges above to them with one changed, and the plan's own properties."""
    before = {"charges": [BASE, BOX, DISK], "periods": {"1": {}}}
    charges = [{**charge, **change.get(charge["name"], {})} for charge in before["charges"]]
    after = {"charges": charges, "periods": periods or before["periods"], **more}
    made = [terms.from_json(found, id=0, plan="Office", currency="USD") for found in (before, after)]
    found = versions.differences(*made)
    assert all(one.item in change or not one.item for one in found)
    return [(one.what, one.before, one.after, one.when) for one in found]


def test_a_version_without_changes_changes_nothing():
    assert told({}) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"fee": {"recurring": {"1": "12", "12": "99"}}}, ("Fee", "10", "12, 99 for 12 months", versions.OPENING)),
        ({"fee": {"setup": "5"}}, ("Setup", "–", "5", versions.ORDERS)),
        ({"disk": {"recurring": "2"}}, ("Fee", "1", "2", versions.MONTH)),
        ({"disk": {"free": "3"}}, ("Included units", "0", "3", versions.MONTH)),
        ({"exchange.mailboxes": {"usage": "9"}}, ("Usage", "8", "9", versions.CLOSE)),
        ({"exchange.mailboxes": {"free": "1"}}, ("Included units", "2", "1", versions.CLOSE)),
        ({"exchange.mailboxes": {"activated": False}}, ("On from signup", "yes", "no", versions.SIGNUPS)),
        ({"exchange.mailboxes": {"max": "5"}}, ("At most", "–", "5", versions.ORDERS)),
    ],
)  # fmt: skip
def test_each_change_tells_from_when_it_counts(change, found):
    assert told(change) == [found]


def test_the_plans_own_properties_are_told():
    found = told(
        {"Five": {}},
        periods={"1": {}, "12": {"recurring": "10"}},
        refund_percent="50",
        trial={"days": 14, "credit_limit": "20"},
        packages=[{"name": "Five", "recurring": "30", "adds": {"disk": "5"}}],
    )
    assert found == [
        ("Period of 12 months", "–", "10 % off fees", versions.SIGNUPS),
        ("Refund", "100 %", "50 %", versions.REFUNDS),
        ("Trial", "–", "14 days, up to 20", versions.SIGNUPS),
        ("Extra package", "–", "5 × disk; setup –; fee 30", versions.OPENING),
    ]


def test_charges_that_come_and_go_are_told():
    old = terms.from_json({"charges": [BASE], "periods": {"1": {}}}, id=0, plan="Office", currency="USD")
    new = terms.from_json({"charges": [BOX], "periods": {"1": {}}}, id=0, plan="Office", currency="USD")
    assert [(one.item, one.before, one.after, one.when) for one in versions.differences(old, new)] == [
        ("fee", "charged", "–", versions.OPENING),
        ("exchange.mailboxes", "–", "charged", versions.CLOSE),
    ]
