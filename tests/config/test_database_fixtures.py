"""The fixtures `db` and `fresh_db` keep tests apart."""

import subprocess
import sys

import pytest
from django.db import OperationalError, connection

CREATE = "CREATE TABLE left_behind (id int)"
COUNT = "SELECT count(*) FROM pg_tables WHERE tablename = 'left_behind'"
COUNT_IN_ANOTHER_PROCESS = f"""
import django; django.setup()
from django.db import connection
cursor = connection.cursor()
cursor.execute({COUNT!r})
print(cursor.fetchone()[0])
"""


def tables_left_behind() -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT)
        return cursor.fetchone()[0]


@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_test_writes_is_gone_in_the_next(db, turn):
    assert tables_left_behind() == 0
    with connection.cursor() as cursor:
        cursor.execute(CREATE)
    assert tables_left_behind() == 1


def test_a_fresh_database_is_shared_with_processes_the_test_starts(fresh_db):
    with connection.cursor() as cursor:
        cursor.execute(CREATE)
    seen = subprocess.run(
        [sys.executable, "-c", COUNT_IN_ANOTHER_PROCESS], capture_output=True, text=True, check=True
    )
    assert seen.stdout.strip() == "1"


def test_a_test_that_did_not_ask_has_no_database():
    with pytest.raises(OperationalError, match="ask_for_the_fixture"):
        connection.ensure_connection()
