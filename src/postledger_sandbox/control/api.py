# SPDX-License-Identifier: Apache-2.0
"""The control page and its JSON API."""

from __future__ import annotations

import html
import inspect
import json
from pathlib import Path
from typing import Any

from postledger_sandbox.control.control import Control, Unknown
from postledger_sandbox.wire.http import Request, Response

PAGE = Path(__file__).parent / "page.html"


def answer(control: Control, request: Request) -> Response:
    """GET /_control/ is the page, GET or POST /_control/<command> runs a command and answers its result as JSON."""
    name = request.path.removeprefix("/_control").strip("/")
    if not name:
        return _page(control)
    command = control.commands().get(name)
    if command is None:
        return _json(404, {"error": f"no command {name}", "commands": sorted(control.commands())})
    if not _is_own_page(request):
        return _json(
            403, {"error": "commands are taken from this page and from programs, not from other sites"}
        )
    try:
        arguments = json.loads(request.body or b"{}") if request.method == "POST" else dict(request.query)
        result = command(**arguments)
    except Unknown as error:
        return _json(404, {"error": str(error)})
    except (TypeError, ValueError) as error:
        return _json(400, {"error": str(error)})
    return _json(200, result)


def _is_own_page(request: Request) -> bool:
    """Whether no foreign web page is behind the request, nor a foreign name for this machine."""
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    is_here = host.partition(":")[0] in ("127.0.0.1", "localhost")
    return is_here and (origin is None or origin.partition("//")[2] == host)


def _json(status: int, value: Any) -> Response:
    reason = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}[status]
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Response(status, reason, headers, json.dumps(value).encode())


def _page(control: Control) -> Response:
    rows = []
    for name, command in sorted(control.commands().items()):
        text = (inspect.getdoc(command) or "").partition("\n")[0]
        parameters = ", ".join(str(p) for p in inspect.signature(command).parameters.values())
        rows.append(
            f"<tr><td><code>{html.escape(name)}</code></td><td><code>{html.escape(parameters)}</code></td>"
            f"<td>{html.escape(text)}</td></tr>"
        )
    page = PAGE.read_text(encoding="utf-8").replace("<!-- commands -->", "\n".join(rows))
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")]
    return Response(headers=headers, body=page.encode())
