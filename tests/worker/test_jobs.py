"""Jobs run in real worker processes; what a killed worker leaves behind is taken up by the living."""

import datetime as dt
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

from django.db import connection
from procrastinate.contrib.django import app

from postledger.accounts import operations as accounts
from postledger.events import operations as events
from postledger.provisioning import queries
from postledger.worker import tasks
from postledger_sandbox.server import Process
from tests.workflows import story

WORKER = [sys.executable, "-m", "postledger.cli.main", "worker", "--no-timers"]


def _work_until_idle() -> None:
    done = subprocess.run([*WORKER, "--until-idle"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def _worker():
    running = subprocess.Popen(WORKER, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def _status(job: int) -> str:
    return app.job_manager.get_job_status(job).value


def _wait_for(job: int, status: str) -> None:
    deadline = time.monotonic() + 20
    while _status(job) != status:
        assert time.monotonic() < deadline, f"the job is still {_status(job)}"
        time.sleep(0.02)


def test_a_worker_does_what_is_waiting_and_ends(fresh_db):
    job = tasks.reconcile.defer(now="2027-01-01T00:00:00+00:00")
    _work_until_idle()
    assert _status(job) == "succeeded"


def test_a_worker_told_to_stop_ends_in_order(fresh_db):
    with _worker() as running:
        _wait_for(tasks.reconcile.defer(now="2027-01-01T00:00:00+00:00"), "succeeded")
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0


def test_the_job_of_a_killed_worker_is_given_to_another(fresh_db):
    with Process("--dialect", "W", "--port", "0", "--delay", "0") as sandbox:
        house = story.build(sandbox)
        acme = house.customer("acme")
        house.order(acme, boxes=1)
        sandbox.control.inject(kind="gate_after", operation="CreateOrganization")
        job = tasks.reconcile.defer(now=house.now.isoformat())
        with _worker() as killed:
            assert sandbox.control.wait_held(count=1, timeout_s=20)
            killed.kill()
            killed.wait()
        sandbox.control.clear_faults()
        assert _status(job) == "doing"
        with (
            connection.cursor() as cursor
        ):  # half a minute passes without a sign of life, and a minute for the lease
            cursor.execute("update procrastinate_workers set last_heartbeat = now() - interval '1 minute'")
            cursor.execute(
                "update provisioning_resource set leased_until = now() where leased_until is not null"
            )
        tasks.recover_stalled_jobs.defer()
        _work_until_idle()
        assert _status(job) == "succeeded"
        assert house.settle(acme).is_settled
        assert len(sandbox.control.calls(operation="CreateOrganization")) == 1


def test_waiting_mail_is_handed_over_once(fresh_db, tmp_path, monkeypatch):
    monkeypatch.setenv("POSTLEDGER_HOME", str(tmp_path))
    now = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    events.enqueue_mail(
        seller_id=1, account_id=2, key="k", to="ann@acme.example", subject="Hello", body="Text", now=now
    )
    for _ in range(2):
        tasks.deliver_mails.defer(now=now.isoformat())
        _work_until_idle()
    mails = list((tmp_path / "mail").iterdir())
    assert len(mails) == 1
    assert "To: ann@acme.example" in mails[0].read_text()


def test_every_connection_is_read_by_a_job_of_its_own(fresh_db):
    with Process("--dialect", "S", "--port", "0", "--delay", "0") as sandbox:
        house = story.build(sandbox)
        acme = house.customer("acme")
        house.order(acme, boxes=1)
        tasks.reconcile.defer(now=house.now.isoformat())
        tasks.collect_usage.defer(now=house.now.isoformat())
        _work_until_idle()
        assert queries.progress(story.SYSTEM, acme.id).is_settled
        jobs = {found.task_name for found in app.job_manager.list_jobs(status="succeeded")}
        assert {"reconcile", "collect_usage", "collect_usage_of"} <= jobs


def test_a_day_is_billed_when_there_was_time_to_read_it(db):
    at = dt.datetime(2027, 1, 31, 18, 22, tzinfo=dt.UTC)  # 00:07 in Kathmandu, where it is 1 February
    provider = accounts.create_provider(code="host", name="Host", currency="USD", time_zone="UTC", now=at)
    reseller = accounts.create_reseller(
        story.SYSTEM,
        seller_id=provider.id,
        code="north",
        name="North",
        currency="USD",
        time_zone="Asia/Kathmandu",
        now=at,
    )
    assert tasks._sellers_after(at, hour=2) == [provider.id]
    assert tasks._sellers_after(at + dt.timedelta(hours=2), hour=2) == [provider.id, reseller.id]
