"""`postledger serve` answers over HTTP with the headers a browser needs, and ends when told."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response


@pytest.fixture
def port(fresh_db, tmp_path):
    port = free_port()
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "postledger.cli.main", "serve", f"--bind=127.0.0.1:{port}"],
            env={**os.environ, "POSTLEDGER_HOME": str(tmp_path / "home")},
            stdout=log,
            stderr=log,
        )
    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline, (tmp_path / "log").read_text()
        try:
            get(port, "/")
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    yield port
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0


def test_it_answers_with_a_strict_content_security_policy(port):
    response = get(port, "/")
    assert response.status < 500
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_static_files_are_kept_by_browsers_because_their_names_change(port, tmp_path):
    manifest = json.loads((tmp_path / "home" / "static" / "staticfiles.json").read_text())
    name = next(name for name in manifest["paths"].values() if name.endswith(".js"))
    response = get(port, f"/static/{name}")
    assert response.status == 200
    assert "immutable" in response.headers["Cache-Control"]
