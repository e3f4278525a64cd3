"""Run the background jobs. Start as many workers as you like, on as many machines."""

import asyncio
import logging

import click
from django.db import connections
from procrastinate.contrib.django import app

_POLL_S = 1.0


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


async def _work(worker, concurrency: int, until_idle: bool) -> None:
    async with worker.open_async():
        await worker.run_worker_async(
            concurrency=concurrency,
            wait=not until_idle,
            fetch_job_polling_interval=_POLL_S,
            shutdown_graceful_timeout=30,
        )
