# SPDX-License-Identifier: Apache-2.0
"""The control page and its commands."""

import json

import pytest

from postledger_sandbox.control.control import Unknown
from postledger_sandbox.server import RemoteControl
from tests.sandbox.client import fetch


def test_the_page_lists_the_commands(sandbox):
    reply = fetch(f"{sandbox.control_url}/")
    assert reply.status == 200
    assert "<code>add_mailbox</code>" in reply.text


def test_commands_run_over_http(sandbox):
    remote = RemoteControl(sandbox.control_url)
    assert remote.add_user(username="acme")["Username"] == "acme"
    assert remote.user(username="acme")["packages"] == []
    assert json.loads(fetch(f"{sandbox.control_url}/summary").body)["counts"]["users"] == 4
    with pytest.raises(RuntimeError, match="no user nobody"):
        remote.delete_user(username="nobody")
    with pytest.raises(RuntimeError, match="no command frobnicate"):
        remote.frobnicate()


def test_another_web_page_runs_nothing(sandbox):
    reply = fetch(
        f"{sandbox.control_url}/delete_user", b'{"username": "reseller2"}', {"Origin": "http://evil.example"}
    )
    assert reply.status == 403
    assert sandbox.control.user("reseller2")


def test_things_change_behind_the_clients_back(client, sandbox, household):
    _, package_id, item_id = household.whole()
    domain = household.default_domain(item_id)
    sandbox.control.add_mailbox(item_id, f"bob@{domain}", size_mb=70)
    sandbox.control.delete_mailbox(f"ann@{domain}")
    found = client.call("esExchangeServer", "GetAccounts", itemId=item_id, accountType="Mailbox")
    assert [a["PrimaryEmailAddress"] for a in found] == [f"bob@{domain}"]
    assert sandbox.control.grow_disk(email=f"bob@{domain}", by_mb=30) == 100
    _, other = household.customer("beta")
    sandbox.control.move_organization(item_id, other)
    assert client.call("esOrganizations", "GetOrganizations", packageId=package_id) == []
    assert sandbox.control.organization("acme")["PackageId"] == other
    sandbox.control.delete_organization(item_id)
    assert client.call("esOrganizations", "GetOrganization", itemId=item_id) is None
    with pytest.raises(Unknown):
        sandbox.control.delete_organization(item_id)


def test_records_change_behind_the_clients_back(client, sandbox, household):
    _, _, item_id = household.whole()
    domain = household.default_domain(item_id)
    sandbox.control.add_record(domain, "MX", "", "other.example", 5)
    domain_id = client.call("esOrganizations", "GetOrganizationDomains", itemId=item_id)[0]["DomainId"]

    def mail_servers():
        found = client.call("esServers", "GetDnsZoneRecords", domainId=domain_id)
        return [r["RecordData"] for r in found if r["RecordType"] == "MX"]

    assert mail_servers() == ["other.example"]
    sandbox.control.delete_record(domain, "MX", "", "other.example")
    assert mail_servers() == []


def test_the_clock_moves(client, sandbox):
    before = client.call("esScheduler", "GetSchedulerTime")
    sandbox.control.move_clock(40 * 86400)
    assert client.call("esScheduler", "GetSchedulerTime")[:7] > before[:7]


def test_calls_are_logged_without_passwords(client, sandbox, household):
    household.customer()
    (call,) = sandbox.control.calls(operation="CreateUserWizard")
    assert (call["caller"], call["arguments"]["password"], call["arguments"]["username"]) == (
        "reseller",
        "***",
        "acme",
    )
    assert call["result"] == 4
    user = {"OwnerId": 2, "Username": "new", "RoleId": 3, "Role": "User", "Status": "Active"}
    if client.dialect == "W":
        client.call("esUsers", "AddUser", user={**user, "Password": "Hidden-1"})
    else:
        client.call("esUsers", "AddUser", user=user, password="Hidden-1")
    assert "Hidden-1" not in json.dumps(sandbox.control.calls())
    sandbox.control.clear_calls()
    assert sandbox.control.calls() == []


def test_the_start_page_leads_everywhere(sandbox):
    page = fetch(f"{sandbox.url}/").text
    assert "/_control/" in page
    assert "esUsers.asmx" in page
    assert fetch(f"{sandbox.url}/nothing").status == 404
