"""The panel on a port of this machine, with a browser to look at it and jobs that run when the test says so."""

import contextlib
import ctypes.util
import datetime as dt
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
PICTURES = Path(__file__).resolve().parents[2] / "artefacts" / "panel"
needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists() or ctypes.util.find_library("atomic") is None,
    reason="there is no /usr/bin/chromium, or no libatomic for what drives it",
)


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_message(self, *arguments) -> None:
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        finally:
            connections.close_all()


@contextlib.contextmanager
def panel() -> Iterator[str]:
    """The address of a running panel."""
    server = Server(("127.0.0.1", 0), Handler)
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a screen."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright's loop runs in the thread of the test
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        try:
            yield made
        finally:
            made.close()


def picture(page: Page, name: str) -> None:
    """Keeps what the browser shows."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def month_later(at: dt.datetime) -> dt.datetime:
    return at + dt.timedelta(days=31)
