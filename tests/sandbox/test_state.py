# SPDX-License-Identifier: Apache-2.0
"""What survives: restarts, kills, and what does not fit."""

import threading

import pytest

from postledger_sandbox.server import Process, Sandbox
from postledger_sandbox.state.tables import WrongState
from tests.sandbox.client import Client
from tests.sandbox.household import Household


def test_everything_survives_a_restart(tmp_path, dialect):
    path = tmp_path / "state"
    with Sandbox(dialect=dialect, state=path, delay_s=0) as sandbox:
        household = Household(sandbox, Client(sandbox.url, dialect))
        _, _, item_id = household.whole()
        household.customer("gone")
        household.client.call("esUsers", "DeleteUser", userId=5)
        household.client.call("esTasks", "GetTasksNumber")
    with Sandbox(dialect=dialect, state=path) as sandbox:
        client = Client(sandbox.url, dialect)
        assert sandbox.control.organization("acme")["Id"] == item_id
        assert len(sandbox.control.organization("acme")["accounts"]) == (1 if dialect == "W" else 2)
        # Ids are not used twice, not even those of what is gone.
        values = {"ownerId": 2, "roleId": 3, "statusId": 1, "username": "next", "password": "x"}
        assert client.call("esUsers", "AddUserLiteral", **values) == 6


def test_background_work_survives_a_restart(tmp_path, dialect):
    path = tmp_path / "state"
    with Sandbox(dialect=dialect, state=path, delay_s=3600) as sandbox:
        client = Client(sandbox.url, dialect)
        user_id, _ = Household(sandbox, client).customer()
        client.call("esUsers", "DeleteUser", userId=user_id)
    with Sandbox(dialect=dialect, state=path) as sandbox:
        assert sandbox.control.user("acme")
        assert sandbox.control.run_background() == 1
        assert sandbox.control.user("acme") is None


def test_a_state_of_another_dialect_is_refused(tmp_path):
    path = tmp_path / "state"
    Sandbox(dialect="W", state=path).stop()
    with pytest.raises(WrongState, match="dialect W"):
        Sandbox(dialect="S", state=path)


def test_what_was_answered_survives_a_kill(tmp_path, dialect):
    path = tmp_path / "state"
    with Process("--dialect", dialect, "--port", "0", "--state", str(path)) as process:
        client = Client(process.url, dialect)
        answered = []

        def work():
            try:
                for number in range(10_000):
                    values = {
                        "ownerId": 2,
                        "roleId": 3,
                        "statusId": 1,
                        "username": f"c{number}",
                        "password": "x",
                    }
                    answered.append(client.call("esUsers", "AddUserLiteral", **values))
            except OSError:
                pass

        thread = threading.Thread(target=work)
        thread.start()
        while len(answered) < 100:
            thread.join(0.01)
        process.kill()
        thread.join(10)
    with Sandbox(dialect=dialect, state=path) as sandbox:
        kept = [user["UserId"] for user in sandbox.control.rows("users") if user["OwnerId"] == 2]
        # At most the one call that was under way is more than was answered.
        assert kept[: len(answered)] == answered
        assert len(kept) - len(answered) in (0, 1)


def test_the_command_prints_its_addresses_and_ends_when_told(tmp_path):
    with Process("--dialect", "S", "--port", "0", "--anonymous-organizations") as process:
        assert process.addresses["username"] == "reseller"
        assert process.control.summary()["dialect"] == "S"
        process.stop()
        assert process.process.returncode == 0


def test_of_two_who_take_a_name_at_once_one_gets_it(tmp_path, dialect):
    with Sandbox(dialect=dialect, state=tmp_path / "state") as sandbox:
        answers = []

        def take():
            client = Client(sandbox.url, dialect)
            values = {"ownerId": 2, "roleId": 3, "statusId": 1, "password": "x"}
            for number in range(25):
                answers.append(client.call("esUsers", "AddUserLiteral", **values, username=f"c{number}"))

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        made = [code for code in answers if code > 0]
        assert (len(answers), len(made), len(set(made))) == (100, 25, 25)
        assert set(answers) - set(made) == {-100}


def test_of_thousands_of_things_done_the_last_hundred_are_remembered():
    with Sandbox(dialect="W", estate=(300, 0, 0), delay_s=0) as sandbox:
        administrator = Client(sandbox.url, "W", "serveradmin")
        administrator.call("esUsers", "ChangeUserStatus", userId=2, status="Suspended")
        assert administrator.call("esUsers", "GetUserById", userId=202)["Status"] == "Suspended"
        tasks = administrator.call("esTasks", "GetUserCompletedTasks", userId=1)
        assert len(tasks) == 100
        assert administrator.call("esTasks", "GetTasksNumber") == 0


def test_an_estate_is_there_in_seconds():
    with Sandbox(dialect="S", estate=(2000, 200, 5000)) as sandbox:
        counts = sandbox.control.summary()["counts"]
        assert (counts["users"], counts["organizations"], counts["accounts"]) == (2003, 200, 5000)
        client = Client(sandbox.url, "S")
        values = {"userId": 2, "filterColumn": "Email", "filterValue": "customer01999@%", "maximumRows": 10}
        (count,), rows = client.call("esUsers", "GetUsersPagedRecursive", **values)
        assert (count["Column1"], rows[0]["Username"]) == ("1", "customer01999")
        found = client.call("esExchangeServer", "GetOrganizationStatisticsByOrganization", itemId=1)
        assert found["CreatedMailboxes"] == 25
