"""Releases of WebsitePanel: what one has more or less than another makes no difference, and nothing of it is lost."""

from collections.abc import Iterator
from typing import Any

import pytest

from postledger.resources import exchange
from postledger_sandbox import contract as interface
from postledger_sandbox.server import Sandbox
from tests.connectors.wsp import test_usage


@pytest.fixture(params=[*interface.RELEASES, "2.x"])
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sandbox(release: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    if release == "2.x":
        later = interface.moved(interface.load("S"), interface.NAMESPACES["W"])
        with monkeypatch.context() as patch:
            patch.setattr(interface, "load", lambda *_: later)
            running = Sandbox(dialect="S", delay_s=0.05)
    else:
        running = Sandbox(dialect="W", release=release, delay_s=0.05)
    with running:
        yield running


def test_a_customers_life_is_the_same_in_every_release(desk: Any, release: str) -> None:
    report = desk.session.check()
    assert report.product.startswith(
        "WebsitePanel with mailbox plans" if release == "2.x" else "WebsitePanel"
    )
    assert [line.text for line in report.lines if line.state == "failed"] == []
    account = desk.account(last_name="Søn")
    parent = desk.organization(account=account)
    desk.mailbox("ann@acme.example", parent=parent)
    desk.control.grow_disk(email="ann@acme.example", to_mb=30)
    outcome = test_usage._read(desk, account, wait_s=10)
    values = {reading.meter: int(reading.value) for reading in outcome.readings}
    assert (values["exchange.mailboxes"], values["exchange.disk"]) == (1, 30)
    assert desk.remove(exchange.ACCOUNT, "acme", ref=account).exists is False


@pytest.mark.parametrize("release", ["1.2", "2.x"])
def test_members_we_do_not_know_go_back_as_they_came(desk: Any, release: str) -> None:
    account = desk.account(last_name="Before")
    desk.control.change("users", account["user"], AdditionalParams="a & b", Vlans=[{"VLanID": 5}])
    wish = exchange.Account(
        username="acme", plan=desk.plan("Exchange Large"), status="active", last_name="After"
    )
    desk.make(exchange.ACCOUNT, wish, ref=account)
    user = desk.control.user("acme")
    assert (user["LastName"], user["AdditionalParams"]) == ("After", "a & b")
    (call,) = [c for c in desk.control.calls(operation="UpdateUser") if c["arguments"]["user"]["Vlans"]]
    assert call["arguments"]["user"]["Vlans"][0]["VLanID"] == 5
