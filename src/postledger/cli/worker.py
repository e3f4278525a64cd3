"""Run the background jobs. Start as many workers as you like, on as many machines."""

import asyncio
import logging
from typing import Any

import click
from django.db import connections
from procrastinate.contrib.django import app

from postledger import clock

_POLL_S = 1.0
_GRACE_S = 30


@click.command()
@click.option("--concurrency", default=4, show_default=True, help="Jobs at the same time.")
@click.option("--until-idle", is_flag=True, help="Do what is waiting and end, instead of waiting for more.")
@click.option("--no-timers", is_flag=True, help="Start nothing by the clock; only do what others ordered.")
def command(concurrency: int, until_idle: bool, no_timers: bool) -> None:
    """Run the background jobs until it is told to stop (Ctrl-C or SIGTERM lets running jobs end)."""
    logging.getLogger(__name__).info("worker starts, %s jobs at the same time", concurrency)
    with app.replace_connector(app.connector.get_worker_connector()) as worker:
        if no_timers:
            worker.periodic_registry.periodic_tasks.clear()
        asyncio.run(_work(worker, concurrency, until_idle))
    connections.close_all()


async def _work(worker: Any, concurrency: int, until_idle: bool) -> None:
    async with worker.open_async():
        while True:
            await worker.run_worker_async(
                concurrency=concurrency,
                wait=not until_idle,
                fetch_job_polling_interval=_POLL_S,
                shutdown_graceful_timeout=_GRACE_S,
            )
            if not until_idle or not await _has_more(worker):
                return


async def _has_more(worker: Any) -> bool:
    """True when jobs wait that others ordered while they ran."""
    waiting = await worker.job_manager.list_jobs_async(status="todo")
    return any(job.scheduled_at is None or job.scheduled_at <= clock.now() for job in waiting)
