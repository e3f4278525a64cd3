"""The jobs. Each takes a batch of what is due in our own tables and may run at any time, anywhere, twice.

Truth is in the tables (`due_at`, `next_close`), so a job that is lost or doubled costs nothing: a timer starts the next
one. `now` can be given to a job that plays a day that is not today.
"""

import datetime as dt
import logging

from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from postledger import clock
from postledger.accounts import queries as accounts
from postledger.connectors import registry
from postledger.provisioning import queries as provisioning
from postledger.resources import exchange
from postledger.workflows import (
    billing_run as billing,
)
from postledger.workflows import (
    collect_usage as collecting,
)
from postledger.workflows import (
    connections_to_read as to_read,
)
from postledger.workflows import (
    daily_jobs as days,
)
from postledger.workflows import (
    deliver_invoices as sending,
)
from postledger.workflows import (
    deliver_mails as delivering,
)
from postledger.workflows import (
    find_drift as drifting,
)
from postledger.workflows import (
    follow_quotas as limiting,
)
from postledger.workflows import (
    follow_subscriptions as following,
)
from postledger.workflows import (
    propose_adoptions as proposing,
)
from postledger.workflows import (
    publish_zones as publishing,
)
from postledger.workflows import (
    reconcile as reconciling,
)
from postledger.workflows import (
    refresh_usage as refreshing,
)
from postledger.workflows import (
    retry_connections as retrying,
)
from postledger.workflows import (
    tell_drift as telling,
)

log = logging.getLogger(__name__)

_BATCH = 20
_JOBS_KEPT_HOURS = 48
_READ_BY = 2  # o'clock
_COLLECTIONS = 5  # at once, then after 4, 16, 64 and 256 minutes


@app.periodic(cron="* * * * * */5", periodic_id="reconcile")
@app.task(name="reconcile", queueing_lock="reconcile", pass_context=False)
def reconcile(timestamp: int | None = None, now: str | None = None) -> dict[str, int]:
    """Works on hosted things that are due, tree by tree, until none is left."""
    at = _instant(now)
    done = reconciling.Round()
    while True:
        batch = reconciling.reconcile(now=at, most=_BATCH)
        done += batch
        if batch.trees < _BATCH:
            return {
                "trees": done.trees,
                "settled": done.settled,
                "later": done.later,
                "stopped": done.stopped,
            }


@app.periodic(cron="* * * * *", periodic_id="retry_connections")
@app.task(name="retry_connections", queueing_lock="retry_connections", lock="retry_connections")
def retry_connections(timestamp: int | None = None, now: str | None = None) -> int:
    """Tries connections again that were out of order."""
    return retrying.retry_connections(now=_instant(now))


@app.periodic(cron="* * * * * */30", periodic_id="follow_subscriptions")
@app.task(name="follow_subscriptions", queueing_lock="follow_subscriptions")
def follow_subscriptions(timestamp: int | None = None, now: str | None = None) -> int:
    """Has what customers hold on platforms follow their subscriptions."""
    return following.follow_subscriptions(now=_instant(now))


@app.periodic(cron="*/5 * * * *", periodic_id="follow_quotas")
@app.task(name="follow_quotas", queueing_lock="follow_quotas")
def follow_quotas(timestamp: int | None = None, now: str | None = None) -> int:
    """Has the ceilings on platforms follow what is sold."""
    return limiting.follow_quotas(now=_instant(now))


@app.periodic(cron="* * * * * */10", periodic_id="publish_zones")
@app.task(name="publish_zones", queueing_lock="publish_zones")
def publish_zones(timestamp: int | None = None, now: str | None = None) -> int:
    """Publishes zones whose records have changed."""
    return publishing.publish_zones(now=_instant(now))


@app.periodic(cron="* * * * * */15", periodic_id="deliver_mails")
@app.task(name="deliver_mails", queueing_lock="deliver_mails")
def deliver_mails(timestamp: int | None = None, now: str | None = None) -> int:
    """Hands waiting mail over to the mail server."""
    return delivering.deliver_mails(now=_instant(now))


@app.periodic(cron="22 * * * *", periodic_id="daily_jobs")
@app.task(name="daily_jobs", queueing_lock="daily_jobs", lock="daily_jobs")
def daily_jobs(timestamp: int | None = None, now: str | None = None) -> None:
    """Closes what is due by each seller's own date, once usage was read: invoices, late usage, trials, debtors.

    The first two hours of a seller's day are for the reading, so that a large platform is read before it is billed.
    """
    at = _instant(now)
    days.daily_jobs(now=at, sellers=_sellers_after(at, hour=_READ_BY) if now is None else None)


@app.task(name="billing_run")
def billing_run(user_id: int, seller_id: int | None, now: str | None = None) -> dict[str, int]:
    """Runs the billing that a user ordered for one seller, or for all he may run it for."""
    sellers = None if seller_id is None else [seller_id]
    done = billing.billing_run(accounts.viewer_of(user_id), now=_instant(now), seller_ids=sellers)
    return {"closes": done.closes, "lines": done.lines, "parked": done.parked}


@app.periodic(cron="* * * * * */20", periodic_id="deliver_invoices")
@app.task(name="deliver_invoices", queueing_lock="deliver_invoices")
def deliver_invoices(timestamp: int | None = None, now: str | None = None) -> int:
    """Puts a mail with each new invoice in the outbox."""
    return sending.deliver_invoices(now=_instant(now))


@app.periodic(cron="47 * * * *", periodic_id="find_drift")
@app.task(name="find_drift", queueing_lock="find_drift")
def find_drift(timestamp: int | None = None, now: str | None = None) -> int:
    """Starts the nightly walk over every platform whose seller's clock shows two."""
    at = _instant(now)
    connections = _where_it_is(at, hour=2) if now is None else _where_it_is(at, hour=None)
    for connection_id in connections:
        find_drift_on.defer(connection_id=connection_id, now=at.isoformat())
    return len(connections)


@app.task(name="find_drift_on", retry=RetryStrategy(max_attempts=3, exponential_wait=10))
def find_drift_on(connection_id: int, now: str) -> int:
    """Walks over one platform, keeps what is otherwise than here, and tells the operators what is new."""
    found = drifting.find_drift(connection_id=connection_id, now=_instant(now))
    telling.tell_drift(connection_id=connection_id, now=_instant(now))
    return len(found)


@app.task(name="propose_adoptions", retry=RetryStrategy(max_attempts=5, exponential_wait=10))
def propose_adoptions(connection_id: int, user_id: int, now: str | None = None) -> int:
    """Goes over one platform for a user who wants to adopt what is there; goes on where an earlier walk ended."""
    viewer = accounts.viewer_of(user_id)
    return proposing.propose_adoptions(viewer, connection_id=connection_id, now=_instant(now)).seen


@app.periodic(cron="37 * * * *", periodic_id="refresh_usage")
@app.task(name="refresh_usage", queueing_lock="refresh_usage")
def refresh_usage(timestamp: int | None = None, now: str | None = None) -> int:
    """Has every platform measure disk space whose seller's day ends within the hour."""
    at = _instant(now)
    connections = _where_it_is(at, hour=23)
    for connection_id in connections:
        refresh_usage_of.defer(connection_id=connection_id, now=at.isoformat())
    return len(connections)


@app.task(name="refresh_usage_of", retry=RetryStrategy(max_attempts=3, exponential_wait=4))
def refresh_usage_of(connection_id: int, now: str) -> int:
    """Has one platform measure disk space."""
    return refreshing.refresh_usage(connection_id=connection_id, now=_instant(now))


@app.periodic(cron="7 * * * *", periodic_id="collect_usage")
@app.task(name="collect_usage", queueing_lock="collect_usage")
def collect_usage(timestamp: int | None = None, now: str | None = None) -> int:
    """Starts the reading of usage on every connection that was not read yet on its seller's day; with `now`, on all."""
    at = _instant(now)
    connections = to_read.connections_to_read(now=at) if now is None else _where_it_is(at, hour=None)
    for connection_id in connections:
        collect_usage_of.defer(connection_id=connection_id, now=at.isoformat())
    return len(connections)


@app.task(name="collect_usage_of", retry=RetryStrategy(max_attempts=6, exponential_wait=4))
def collect_usage_of(
    connection_id: int,
    now: str,
    refresh_wait_s: float | None = None,
    account_ids: list[int] | None = None,
    tries: int = 1,
) -> dict[str, int]:
    """Reads the usage of every account of one connection, or of these; those that could not be read are tried again by
    a job of their own, some minutes later and then some more."""
    done = collecting.collect_usage(
        connection_id=connection_id,
        now=_instant(now),
        refresh_wait_s=refresh_wait_s,
        account_ids=None if account_ids is None else frozenset(account_ids),
    )
    for name, why in done.failed.items():
        log.warning("no reading of %s: %s", name, why)
    if done.later and tries < _COLLECTIONS:
        collect_usage_of.configure(schedule_in={"minutes": 4**tries}).defer(
            connection_id=connection_id, now=now, account_ids=sorted(done.later), tries=tries + 1
        )
    return {"accounts": done.accounts, "readings": done.readings, "failed": len(done.failed)}


def _where_it_is(at: dt.datetime, *, hour: int | None) -> list[int]:
    """Connections that host Exchange whose seller's clock shows this hour; all for None."""
    return [
        connection.id
        for connection in provisioning.enabled_connections()
        if registry.get(connection.connector).kinds & {exchange.ACCOUNT}
        and (hour is None or at.astimezone(accounts.time_zone_of(connection.seller_id)).hour == hour)
    ]


@app.periodic(cron="* * * * *", periodic_id="recover_stalled_jobs")
@app.task(name="recover_stalled_jobs", queueing_lock="recover_stalled_jobs", pass_context=True)
async def recover_stalled_jobs(context: JobContext, timestamp: int | None = None) -> int:
    """Gives jobs of workers that were killed to the living ones."""
    stalled = list(await context.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=30))
    for job in stalled:
        await context.app.job_manager.retry_job(job)
    return len(stalled)


@app.periodic(cron="40 3 * * *", periodic_id="remove_old_jobs")
@app.task(name="remove_finished_jobs", queueing_lock="remove_finished_jobs", pass_context=True)
async def remove_finished_jobs(context: JobContext, timestamp: int | None = None) -> None:
    """Forgets jobs that ended long ago; what they did is in our own tables."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=_JOBS_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


def _sellers_after(at: dt.datetime, *, hour: int) -> list[int]:
    """The sellers whose clock shows this hour or a later one."""
    zones = accounts.time_zones(accounts.seller_ids())
    return [seller_id for seller_id, zone in zones.items() if at.astimezone(zone).hour >= hour]


def _instant(now: str | None) -> dt.datetime:
    return clock.now() if now is None else dt.datetime.fromisoformat(now)
