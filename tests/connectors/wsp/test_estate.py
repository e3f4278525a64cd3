"""The estate of a reseller account from lists, and that a walk over it can be taken up again."""

import pytest

from postledger.connectors import registry
from postledger.connectors.wsp import estate
from postledger_sandbox.server import Sandbox


@pytest.fixture(params=["W", "S", "F"])
def sandbox(request):
    with Sandbox(dialect=request.param, delay_s=0, estate=(12, 4, 8)) as running:
        yield running


def _open(sandbox):
    settings = registry.settings(
        code="wsp", values={"url": sandbox.url, "username": "reseller", "password": "Secret-1"}
    )
    return registry.get("wsp").open(settings=settings)


def _walk(session, cursor=None):
    found = []
    while True:
        page = session.estate(cursor=cursor)
        found += page.holdings
        cursor = page.cursor
        if cursor is None:
            return found, page


def test_every_account_is_told_with_what_it_holds(sandbox):
    sandbox.control.add_user(username="bare", email="bare@else.example")
    with _open(sandbox) as session:
        found, page = _walk(session)
    by_name = {holding.account.name: holding for holding in found}
    assert len(found) == len(by_name) and page.seen == page.total
    first = by_name["customer00001"]
    assert [organization.name for organization in first.organizations] == ["org00001"]
    assert "org00001.example" in first.domains
    assert first.mailboxes == ("user1@org00001.example", "user2@org00001.example")
    assert first.account.ref["space"] and first.account.spec.plan and first.account.spec.status == "active"
    bare = by_name["bare"]
    assert bare.account.ref["space"] == 0 and bare.account.spec.email == "bare@else.example"
    assert bare.organizations == () and bare.mailboxes == ()


def test_nothing_of_another_reseller_is_told(sandbox):
    sandbox.control.add_user(username="foreign", owner="reseller2")
    with _open(sandbox) as session:
        found, _ = _walk(session)
    assert "foreign" not in {holding.account.name for holding in found}


def test_a_walk_goes_on_in_another_session(sandbox, monkeypatch):
    monkeypatch.setattr(estate, "USERS_PER_PAGE", 3)
    with _open(sandbox) as session:
        everything = [holding.account.name for holding in _walk(session)[0]]
        page = session.estate()
    sandbox.control.delete_user(username="customer00001")
    with _open(sandbox) as session:
        rest, _ = _walk(session, page.cursor)
    names = [holding.account.name for holding in (*page.holdings, *rest)]
    assert sorted(names) == sorted(everything)


def test_a_suspended_account_is_told_as_such(sandbox):
    sandbox.control.set_status(username="customer00002", status_id=2)
    with _open(sandbox) as session:
        found, _ = _walk(session)
    assert {h.account.name: h.account.spec.status for h in found}["customer00002"] == "suspended"
