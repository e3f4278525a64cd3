"""A PowerDNS of our own for each test run: the real server, a database in a temporary folder, free ports."""

import contextlib
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from postledger.connectors import contract
from postledger.connectors.powerdns.host import Host
from postledger.connectors.powerdns.settings import Settings

SCHEMA = pathlib.Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
KEY = "a-key-for-tests"


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("pdns_server") or shutil.which("pdns_server", path="/usr/sbin")
    if program is None or not SCHEMA.exists():
        pytest.skip("PowerDNS is not installed: apt-get install pdns-server pdns-backend-sqlite3")
    folder = tmp_path_factory.mktemp("pdns")
    database = folder / "zones.sqlite3"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.executescript(SCHEMA.read_text())
    api, port = _free_port(), _free_port()
    (folder / "pdns.conf").write_text(
        "\n".join(
            (
                "launch=gsqlite3",
                f"gsqlite3-database={database}",
                f"local-port={port}",
                "local-address=127.0.0.1",
                "api=yes",
                f"api-key={KEY}",
                "webserver=yes",
                "webserver-address=127.0.0.1",
                f"webserver-port={api}",
                f"socket-dir={folder}",
                "guardian=no",
                "daemon=no",
            )
        )
    )
    process = subprocess.Popen(
        [program, f"--config-dir={folder}"], stdout=(folder / "log").open("wb"), stderr=subprocess.STDOUT
    )
    url = f"http://127.0.0.1:{api}"
    try:
        _await(url, process, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _await(url: str, process: "subprocess.Popen[bytes]", log: pathlib.Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/api/v1/servers", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"PowerDNS did not start: {log.read_text()[-800:]}")


@pytest.fixture
def audited() -> list[contract.AuditEntry]:
    return []


@pytest.fixture
def host(server_url: str, audited: list[contract.AuditEntry]) -> Iterator[Host]:
    settings = Settings(url=server_url, api_key=contract.Secret(KEY))
    with Host(settings=settings, audit=audited.append) as opened:
        yield opened
