# SPDX-License-Identifier: Apache-2.0
"""One installation: its rows, its clock, who calls, and how an operation says no."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from postledger_sandbox import contract
from postledger_sandbox.contract import Contract
from postledger_sandbox.state.tables import Row, Store, WrongState

NULL_REFERENCE = "Object reference not set to an instance of an object."


class Fault(Exception):
    """The operation ends in a SOAP fault; the text is the message of the exception."""


class Refused(Exception):
    """The operation answers with a business code instead of doing anything."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def null_reference() -> Fault:
    """What an operation does that expects an object to exist."""
    return Fault(NULL_REFERENCE)


@dataclass
class Clock:
    """The installation's clock: real time, moved by `offset_s` when a trial wants another day."""

    zone: tzinfo
    offset_s: float = 0.0

    def time(self) -> float:
        """Seconds since 1970, with the offset."""
        return time.time() + self.offset_s

    def now(self) -> str:
        """The server's local time as the database keeps it, without zone."""
        return self.stamp(self.time())

    def stamp(self, seconds: float) -> str:
        moment = datetime.fromtimestamp(seconds, self.zone).replace(tzinfo=None)
        text = moment.isoformat(timespec="milliseconds")
        return text.rstrip("0").rstrip(".") if "." in text else text

    def utc(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)


@dataclass(frozen=True)
class Options:
    """How the installation behaves.

    Args:
        dialect: "W", "S" or "F".
        release: of W, one of `contract.RELEASES`; empty is the oldest.
        anonymous_organizations: as the originals do, ask no credentials for the services without a policy.
        delay_s: how long background work (deletion, disk measurement) takes.
        zone: the server's time zone; shows in the dates of DataSets.
        secure_passwords: whether the directory refuses weak mailbox passwords.
    """

    dialect: str = "W"
    release: str = ""
    anonymous_organizations: bool = False
    delay_s: float = 0.3
    zone: str = "America/New_York"
    secure_passwords: bool = False


@dataclass
class World:
    """Everything one sandbox knows. Operations run one at a time, under `lock`."""

    options: Options
    contract: Contract = field(init=False)
    store: Store = field(init=False)
    clock: Clock = field(init=False)
    lock: threading.RLock = field(default_factory=threading.RLock)
    # Things a trial may switch on through the control page.
    stale_statistics: bool = False
    hold_background: bool = False
    last_statistics: dict[tuple[str, int, bool], Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.contract = contract.load(self.options.dialect, self.options.release)
        self.store = Store()
        self.clock = Clock(zone_of(self.options.zone))

    @property
    def is_w(self) -> bool:
        """Whether this is the WebsitePanel generation; SolidCP and FuseCP behave alike."""
        return self.options.dialect == "W"

    def open(self, path: Path) -> bool:
        """Whether the state file held an installation (of this dialect)."""
        found = self.store.open(path)
        fact = self.store.facts.first("Name", "dialect")
        if found and (fact is None or fact["Value"] != self.options.dialect):
            dialect = fact["Value"] if fact else "unknown"
            raise WrongState(f"{path} holds an installation of dialect {dialect}")
        return found


def zone_of(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return UTC


@dataclass(frozen=True)
class Caller:
    """Who calls: a user of the installation, or nobody, which the originals take for a supervisor."""

    user: Row | None

    @property
    def user_id(self) -> int:
        return self.user["UserId"] if self.user else -1

    @property
    def is_administrator(self) -> bool:
        return self.user is None or self.user["RoleId"] == 1


SUPERVISOR = Caller(None)


@dataclass(frozen=True)
class Call:
    """One call of an operation: where, by whom, when."""

    world: World
    caller: Caller
    service: str
    operation: str

    @property
    def store(self) -> Store:
        return self.world.store

    @property
    def now(self) -> str:
        return self.world.clock.now()

    @property
    def is_w(self) -> bool:
        return self.world.is_w


Arguments = dict[str, Any]
