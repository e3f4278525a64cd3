# SPDX-License-Identifier: Apache-2.0
"""`postledger sandbox verify`: the sandbox passes, and what is different is found."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from postledger_sandbox import contract, verify
from postledger_sandbox.main import command
from postledger_sandbox.server import Sandbox


@pytest.fixture(params=["W", "S", "F"])
def dialect(request):
    return request.param


def report(url, **options):
    lines = []
    differences = verify.run(url, "reseller", "Secret-1", show=lines.append, **options)
    return differences, lines


def different(dialect, change, monkeypatch):
    """A sandbox that serves a changed contract, and knows no other."""
    served = change(contract.load(dialect))
    with monkeypatch.context() as patch:
        patch.setattr(contract, "load", lambda *_: served)
        return Sandbox(dialect=dialect, delay_s=0)


def test_the_sandbox_agrees_with_itself(sandbox):
    sandbox.control.estate(users=2, organizations=1, mailboxes=2)
    differences, lines = report(sandbox.url)
    assert (differences, [line for line in lines if line.startswith("differs")]) == (0, [])
    assert any("a login nobody has at esUsers" in line for line in lines)
    assert "agrees   a page of one user has one row more than asked for" in lines
    assert "agrees   the answer of esExchangeServer.GetAccountsPaged" in lines
    calls = {call["operation"] for call in sandbox.control.calls()}
    assert {"GetUsersPaged", "UserExists", "GetHostingPlans", "GetOrganization"} < calls
    assert [name for name in calls if name and not name.startswith(("Get", "UserExists"))] == []


@pytest.mark.parametrize("release", contract.RELEASES)
def test_a_release_of_the_old_generation_is_recognised(release):
    with Sandbox(dialect="W", release=release) as sandbox:
        differences, lines = report(sandbox.url)
    assert (differences, lines[0].partition(" (")[0]) == (0, f"This is WebsitePanel {release}")


def test_the_later_services_under_the_old_name_are_recognised(monkeypatch):
    old_name = contract.NAMESPACES["W"]
    with different("S", lambda known: contract.moved(known, old_name), monkeypatch) as sandbox:
        differences, lines = report(sandbox.url)
    assert differences == 0
    assert lines[0].startswith("This is WebsitePanel 2.x")


def with_package_members(known, members):
    changed = replace(known.types["PackageInfo"], members=members)
    return replace(known, types={**known.types, "PackageInfo": changed})


def test_a_member_more_at_the_end_is_worth_a_note(dialect, monkeypatch):
    def change(known):
        return with_package_members(known, (*known.types["PackageInfo"].members, ("zone", "int")))

    with different(dialect, change, monkeypatch) as sandbox:
        differences, lines = report(sandbox.url)
    assert differences == 0
    notes = [line for line in lines if line.startswith("note") and "zone" in line]
    assert any("the answer of esPackages.GetMyPackages: PackageInfo has zone, at its end" in n for n in notes)


def test_members_that_are_missing_or_in_the_middle_differ(monkeypatch):
    def change(known):
        first, _, *others = known.types["PackageInfo"].members
        return with_package_members(known, (first, ("Surprise", "int"), *others))

    with different("S", change, monkeypatch) as sandbox:
        _, lines = report(sandbox.url)
    assert (
        "differs  the answer of esPackages.GetMyPackages: PackageInfo.UserId is missing;"
        " PackageInfo has Surprise, in the middle"
    ) in lines
    assert any(line.startswith("differs  type PackageInfo: missing UserId:int; added Surp") for line in lines)


def test_names_of_an_enum_and_actions_are_compared(monkeypatch):
    def change(known):
        statuses = replace(known.enums["UserStatus"], numbers={"Active": 1, "Gone": 2})
        types = {**known.enums["MobileDeviceStatus"].numbers, "Lost": 3}
        devices = replace(known.enums["MobileDeviceStatus"], numbers=types)
        enums = {**known.enums, "UserStatus": statuses, "MobileDeviceStatus": devices}
        comments = replace(known.services["esComments"], namespace="urn:other")
        services = {**known.services, "esComments": comments}
        return replace(known, enums=enums, services=services)

    with different("W", change, monkeypatch) as sandbox:
        _, lines = report(sandbox.url)
    assert "differs  enum UserStatus: missing Suspended, Cancelled, Pending" in lines
    assert "note     enum MobileDeviceStatus has more names: Lost" in lines
    assert "differs  the action of esComments.AddComment: urn:other/AddComment" in lines
    assert "differs  the namespace of esComments.AddComment: urn:other" in lines


@pytest.mark.parametrize("kind", ["html", "redirect", "malformed", "cut_body", "fault_before"])
def test_an_answer_out_of_place_is_a_finding_and_the_rest_is_still_looked_at(sandbox, kind):
    sandbox.control.inject(kind, "GetMyPackages")
    differences, lines = report(sandbox.url)
    assert differences > 0
    assert "agrees   the answer of esPackages.GetMyPackages" in lines


def test_writing_makes_and_removes_one_user(sandbox):
    before = len(sandbox.control.rows("users"))
    differences, lines = report(sandbox.url, writes=True)
    assert differences == 0
    assert any("he is gone" in line for line in lines)
    assert len(sandbox.control.rows("users")) == before


def test_open_organizations_are_pointed_out():
    with Sandbox(dialect="W", anonymous_organizations=True) as sandbox:
        _, lines = report(sandbox.url)
    assert any("answers without credentials" in line for line in lines)


def test_another_shape_is_found(sandbox, monkeypatch):
    described = sandbox.world.contract
    service = described.services["esUsers"]
    changed = dict(service.operations)
    operation = changed["UserExists"]
    changed["UserExists"] = type(operation)("UserExists", (("userName", "string"),), "int")
    monkeypatch.setitem(described.services, "esUsers", type(service)("esUsers", service.namespace, changed))
    differences, lines = report(sandbox.url)
    assert differences == 2
    assert any("UserExists takes username:string, expected userName:string" in line for line in lines)


def test_wrong_credentials_are_said_and_end_the_matter(sandbox):
    lines = []
    assert verify.run(sandbox.url, "reseller", "Wrong-1", show=lines.append) > 0
    assert any(line.startswith("differs  our credentials at esUsers") for line in lines)
    assert "nothing behind them was looked at" in lines[-2]
    assert {call["operation"] for call in sandbox.control.calls()} <= {"UserExists", "GetOrganization", ""}


def test_no_server_is_said_in_a_sentence(sandbox):
    with pytest.raises(verify.Unreachable, match="404"):
        verify.run(f"{sandbox.url}/elsewhere", "reseller", "Secret-1")
    with pytest.raises(verify.Unreachable, match="is no address"):
        verify.run("wsp.example:9002", "reseller", "Secret-1")
    outcome = CliRunner().invoke(
        command, ["verify", "http://127.0.0.1:9", "--username", "x", "--password", "y"]
    )
    assert outcome.exit_code == 1
    assert "Error: http://127.0.0.1:9" in outcome.output


def test_the_command_ends_well_when_all_agrees(sandbox):
    arguments = ["verify", sandbox.url, "--username", "reseller", "--password", "Secret-1"]
    outcome = CliRunner().invoke(command, arguments)
    assert outcome.exit_code == 0, outcome.output
    assert "0 differ" in outcome.output
