# SPDX-License-Identifier: Apache-2.0
"""Work the installation does after it has answered: deletions, switching accounts off and on, measuring disks.

A piece of work is a row of `tasks` with the moment it is due; it is done by the first call after that moment, and shows in
esTasks until then. Being a row, it survives a restart.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import World

KEPT_COMPLETED = 100
_WORK: dict[str, Callable[..., None]] = {}


def work(function: Callable[..., None]) -> Callable[..., None]:
    """Makes a function `(world, **arguments)` known as background work under its name."""
    _WORK[function.__name__] = function
    return function


def schedule(
    world: World,
    *,
    user_id: int,
    source: str,
    name: str,
    does: str,
    item_id: int = 0,
    item_name: str = "",
    package_id: int = 0,
    **arguments: Any,
) -> Row:
    """A task that will do the work called `does` with the arguments."""
    return world.store.tasks.add(
        {
            "Guid": str(uuid.uuid4()),
            "TaskId": uuid.uuid4().hex,
            "Source": source,
            "TaskName": name,
            "ItemId": item_id,
            "ItemName": item_name,
            "PackageId": package_id,
            "UserId": user_id,
            "EffectiveUserId": user_id,
            "StartDate": world.clock.now(),
            "Completed": False,
            "IndicatorMaximum": 100,
            "Due": world.clock.time() + world.options.delay_s,
            "Does": does,
            "Arguments": arguments,
        }
    )


def run_due(world: World) -> None:
    """Do what is due."""
    now = world.clock.time()
    if not world.hold_background:
        run(world, [task for task in world.store.tasks if not task["Completed"] and task["Due"] <= now])


def run_all(world: World) -> int:
    """Do what is pending, due or not; how many pieces that were."""
    pending = [task for task in world.store.tasks if not task["Completed"]]
    run(world, pending)
    return len(pending)


def run(world: World, tasks: list[Row]) -> None:
    """Do these tasks, and forget the oldest of those that are done."""
    for task in tasks:
        _WORK[task["Does"]](world, **task["Arguments"])
        world.store.tasks.change(
            task, Completed=True, FinishDate=world.clock.now(), IndicatorCurrent=task["IndicatorMaximum"]
        )
    if tasks:
        completed = [row for row in world.store.tasks if row["Completed"]]
        for row in completed[:-KEPT_COMPLETED]:
            world.store.tasks.remove(row)
