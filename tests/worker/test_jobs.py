"""Jobs run in a real worker process; a job left by a killed worker is taken up again."""

import subprocess
import sys

from procrastinate.contrib.django import app

from postledger.worker import tasks


def _work(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "postledger.cli.main", "worker", "--until-idle", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_worker_does_what_is_waiting_and_ends(fresh_db):
    job = tasks.reconcile.defer(now="2027-01-01T00:00:00+00:00")
    done = _work()
    assert done.returncode == 0, done.stderr
    assert app.job_manager.get_job_status(job).value == "succeeded"
