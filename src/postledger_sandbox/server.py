# SPDX-License-Identifier: Apache-2.0
"""The sandbox as a thing to start and stop: in a thread of this process, or in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from postledger_sandbox.application import Application
from postledger_sandbox.control.control import Control
from postledger_sandbox.state import seeds
from postledger_sandbox.state.world import Options, World
from postledger_sandbox.wire.http import REQUEST_LIMIT, Server


class Sandbox:
    """An Enterprise Server with its portal, in a thread of this process.

    Args:
        dialect: "W" (WebsitePanel), "S" (SolidCP) or "F" (FuseCP).
        port: 0 picks a free one.
        state: a file to keep the state in; without it everything is forgotten at the end.
        estate: how many users, organizations and mailboxes to make below the first reseller.
        options: more of `state.world.Options`, such as `delay_s` or `anonymous_organizations`.
    """

    def __init__(
        self,
        *,
        dialect: str = "W",
        port: int = 0,
        state: Path | str | None = None,
        estate: tuple[int, int, int] = (0, 0, 0),
        **options: Any,
    ) -> None:
        self.world = World(Options(dialect=dialect, **options))
        if state is None or not self.world.open(Path(state)):
            seeds.plant(self.world)
            users, organizations, mailboxes = estate
            if any(estate):
                seeds.grow(self.world, users=users, organizations=organizations, mailboxes=mailboxes)
            self.world.store.commit()
        self.application = Application(self.world)
        self.server = Server(self.application, port=port)
        self.server.request_limit = REQUEST_LIMIT[dialect]
        self.application.control.on_refuse(self.server.refuse)

    @property
    def control(self) -> Control:
        return self.application.control

    @property
    def url(self) -> str:
        """The base address of the services: `{url}/esUsers.asmx`."""
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def portal_url(self) -> str:
        return f"{self.url}/portal"

    @property
    def control_url(self) -> str:
        return f"{self.url}/_control"

    @property
    def addresses(self) -> dict[str, str]:
        return {
            "url": self.url,
            "portal_url": self.portal_url,
            "control_url": self.control_url,
            "dialect": self.world.options.dialect,
            "username": seeds.RESELLER,
            "password": seeds.PASSWORD,
        }

    def start(self) -> Self:
        self.server.start()
        return self

    def stop(self) -> None:
        self.application.faults.clear()
        self.server.stop()
        with self.world.lock:
            self.world.store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class RemoteControl:
    """The control of a sandbox in another process: the same commands, over its JSON API."""

    def __init__(self, control_url: str) -> None:
        self.control_url = control_url

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def command(**arguments: Any) -> Any:
            request = urllib.request.Request(
                f"{self.control_url}/{name}", json.dumps(arguments).encode(), method="POST"
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                raise RuntimeError(f"{name}: {error.read().decode()}") from error

        return command


class Process:
    """The sandbox in a process of its own, to be killed when a test wants that.

    Args:
        arguments: as for the command line, such as `"--dialect", "S", "--state", path`.
    """

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments
        self.process: subprocess.Popen[str] | None = None
        self.addresses: dict[str, str] = {}

    def start(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "postledger_sandbox", "--json", *self.arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the sandbox did not start")
        self.addresses = json.loads(line)
        return self

    @property
    def url(self) -> str:
        return self.addresses["url"]

    @property
    def portal_url(self) -> str:
        return self.addresses["portal_url"]

    @property
    def control(self) -> RemoteControl:
        return RemoteControl(self.addresses["control_url"])

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
