# SPDX-License-Identifier: Apache-2.0
"""`postledger sandbox verify`: the sandbox passes, and what is different is found."""

import pytest
from click.testing import CliRunner

from postledger_sandbox import verify
from postledger_sandbox.main import command
from postledger_sandbox.server import Sandbox


@pytest.fixture(params=["W", "S", "F"])
def dialect(request):
    return request.param


def report(url, **options):
    lines = []
    differences = verify.run(url, "reseller", "Secret-1", show=lines.append, **options)
    return differences, lines


def test_the_sandbox_agrees_with_itself(sandbox):
    differences, lines = report(sandbox.url)
    assert (differences, [line for line in lines if line.startswith("differs")]) == (0, [])
    assert any("a wrong password at esUsers" in line for line in lines)
    calls = {call["operation"] for call in sandbox.control.calls()}
    assert {"GetUsersPaged", "UserExists", "GetHostingPlans"} < calls
    assert [name for name in calls if name and not name.startswith(("Get", "UserExists"))] == []


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


def test_wrong_credentials_show(sandbox):
    lines = []
    assert verify.run(sandbox.url, "reseller2", "Secret-1", show=lines.append) == 0


def test_no_server_is_said_in_a_sentence(sandbox):
    with pytest.raises(verify.Unreachable, match="404"):
        verify.run(f"{sandbox.url}/elsewhere", "reseller", "Secret-1")
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
