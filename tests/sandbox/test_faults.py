# SPDX-License-Identifier: Apache-2.0
"""Faults on demand: for each kind what the client sees, and whether the work was done."""

import http.client
import socket
import threading
import time
import urllib.error

import pytest
from lxml import etree

from tests.sandbox.client import Fault


def exists(client):
    return client.call("esUsers", "UserExists", username="new")


def add(client):
    values = {"ownerId": 2, "roleId": 3, "statusId": 1, "username": "new", "password": "Secret-9"}
    return client.call("esUsers", "AddUserLiteral", **values)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fault_before_or_after_the_work(client, sandbox, when):
    sandbox.control.inject(f"fault_{when}", "AddUserLiteral", text="Exchange is tired")
    with pytest.raises(Fault, match="Exchange is tired"):
        add(client)
    assert exists(client) is (when == "after")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_cut_before_or_after_the_work(client, sandbox, when):
    sandbox.control.inject(f"cut_{when}", "esUsers.AddUserLiteral")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, urllib.error.URLError)):
        add(client)
    assert exists(client) is (when == "after")


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_answer_before_or_after_the_work(client, sandbox, when):
    sandbox.control.inject(f"timeout_{when}", "AddUserLiteral")
    outcome = []

    def call():
        try:
            add(client)
        except (OSError, http.client.HTTPException) as error:
            outcome.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    (held,) = sandbox.control.wait_held()
    assert held["operation"] == "AddUserLiteral"
    assert exists(client) is (when == "after")
    sandbox.control.release()
    thread.join(10)
    assert outcome
    assert exists(client) is (when == "after")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_gate_holds_a_call_until_it_is_opened(client, sandbox, when):
    sandbox.control.inject(f"gate_{when}", "AddUserLiteral")
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(add(client)))
    thread.start()
    sandbox.control.wait_held()
    assert exists(client) is (when == "after")
    assert outcome == []
    assert sandbox.control.release() == 1
    thread.join(10)
    assert outcome[0] > 0
    assert exists(client) is True


def test_a_client_that_dies_at_a_gate_leaves_nothing_behind(client, sandbox):
    sandbox.control.inject("gate_before", "AddUserLiteral")
    body = client.body(
        "esUsers", "AddUserLiteral", ownerId=2, roleId=3, statusId=1, username="new", password="x"
    )
    envelope = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'
    from_client = socket.create_connection(("127.0.0.1", sandbox.server.port))
    head = (
        "POST /esUsers.asmx HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nAuthorization: Basic cmVzZWxsZXI6U2VjcmV0LTE=\r\n"
        f"SOAPAction: {client.action('esUsers', 'AddUserLiteral')}\r\nContent-Length: {len(envelope)}\r\n\r\n"
    )
    from_client.sendall((head + envelope).encode())
    sandbox.control.wait_held()
    from_client.close()
    until = time.monotonic() + 10
    while sandbox.control.wait_held(0, 0) and time.monotonic() < until:
        time.sleep(0.02)
    assert exists(client) is False


def test_denied_down_and_redirected(client, sandbox):
    sandbox.control.inject("401", "UserExists")
    with pytest.raises(PermissionError):
        exists(client)
    for kind, status in (("down", 503), ("redirect", 302)):
        sandbox.control.inject(kind, "UserExists")
        reply = client.post(
            "esUsers", client.action("esUsers", "UserExists"), client.body("esUsers", "UserExists")
        )
        assert reply.status == status
    assert exists(client) is False


def test_a_lie_answers_zero_and_does_nothing(client, sandbox, household):
    user_id, package_id = household.customer()
    sandbox.control.inject("lie", "ChangeUserStatus")
    assert client.call("esUsers", "ChangeUserStatus", userId=user_id, status="Suspended") == 0
    assert client.call("esUsers", "GetUserById", userId=user_id)["Status"] == "Active"
    sandbox.control.inject("lie", "UpdatePackageLiteral")
    assert client.call("esPackages", "UpdatePackageLiteral", packageId=package_id) == {"Result": 0}
    assert client.call("esPackages", "GetPackage", packageId=package_id)["PackageName"] == "Exchange Small"


def test_another_answer_than_the_true_one(client, sandbox, household):
    _, _, item_id = household.whole()
    sandbox.control.inject("answer", "DeleteOrganization", value=-2706)
    assert client.call("esOrganizations", "DeleteOrganization", itemId=item_id) == -2706
    assert client.call("esOrganizations", "GetOrganization", itemId=item_id) is None


def test_a_row_too_many(client, sandbox, household):
    household.customer()
    sandbox.control.inject("row_too_many", "*", count=2)
    assert len(client.call("esUsers", "GetUsers", ownerId=2)) == 2
    (rows,) = client.call("esPackages", "GetHostingPlans", userId=2)
    assert len(rows) == 3


def test_a_rule_concerns_chosen_calls_only(client, sandbox):
    sandbox.control.inject("fault_before", "UserExists", match={"username": "b"}, skip=1, count=2)

    def ask(name):
        try:
            return client.call("esUsers", "UserExists", username=name)
        except Fault:
            return "fault"

    assert [ask(name) for name in "abbabb"] == [False, False, "fault", False, "fault", False]
    assert sandbox.control.faults()[0]["hits"] == 2
    sandbox.control.clear_faults()
    assert sandbox.control.faults() == []
    assert [call["injected"] for call in sandbox.control.calls()].count("fault_before") == 2


def raw(client):
    return client.post(
        "esUsers", client.action("esUsers", "UserExists"), client.body("esUsers", "UserExists")
    )


def test_hostile_answers(client, sandbox):
    sandbox.control.inject("entity_expansion", "UserExists")
    assert b"<!ENTITY a9" in raw(client).body
    sandbox.control.inject("huge", "UserExists", bytes=3_000_000)
    assert len(raw(client).body) == 3_000_000
    sandbox.control.inject("malformed", "UserExists")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(raw(client).body)
    sandbox.control.inject("wrong_charset", "UserExists")
    with pytest.raises(UnicodeDecodeError):
        raw(client).body.decode()
    sandbox.control.inject("html", "UserExists")
    assert raw(client).headers["Content-Type"].startswith("text/html")
    sandbox.control.inject("cut_body", "UserExists")
    with pytest.raises(http.client.IncompleteRead):
        raw(client)
    sandbox.control.inject("slow_body", "UserExists", seconds=0.001)
    assert raw(client).status == 200


def test_a_slow_answer(client, sandbox):
    sandbox.control.inject("slow", "UserExists", seconds=0.2)
    started = time.monotonic()
    assert exists(client) is False
    assert time.monotonic() - started > 0.19


def test_connections_are_refused_for_a_while(client, sandbox):
    sandbox.control.refuse_connections(0.5)
    with pytest.raises(urllib.error.URLError, match="refused"):
        exists(client)
    until = time.monotonic() + 10
    while True:
        try:
            assert exists(client) is False
            break
        except urllib.error.URLError:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_an_unknown_kind_is_refused_with_the_list(sandbox):
    with pytest.raises(ValueError, match="timeout_after"):
        sandbox.control.inject("nonsense")
