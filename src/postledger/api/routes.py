"""How routes are made. `books` adds the idempotency key to those that book or create.

Invariant: under one key a user gets one answer. Where the work needs no network, the key, the work and the answer are one
transaction: either all three are there or none.
"""

import functools
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.decorators import decorate_view

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.accounts.types import Answer, Viewer
from postledger.api import access, refusals
from postledger.core.errors import Refusal

HEADER = "Idempotency-Key"
_LONGEST_KEY = 200
_DESCRIBED = {
    "parameters": [
        {
            "in": "header",
            "name": HEADER,
            "required": False,
            "schema": {"type": "string", "maxLength": _LONGEST_KEY},
            "description": "chosen by you for this one request; asking again with it gives the first answer, for 48 hours",
        }
    ]
}


PDF = {
    "responses": {
        200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}},
    }
}


class BadKey(Refusal):
    """The idempotency key cannot be one."""

    reason = "idempotency_key"


class Area(Router):
    """A router whose views may return tuples: ninja would take one of two rows for a status and a body."""

    def add_api_operation(self, path: str, methods: list[str], view_func: Callable, **options: Any) -> None:
        @functools.wraps(view_func)
        def listed(*values: Any, **named: Any) -> Any:
            result = view_func(*values, **named)
            return list(result) if isinstance(result, tuple) else result

        super().add_api_operation(path, methods, listed, **options)


def area(tag: str) -> Router:
    """A router for the routes of one area."""
    return Area(tags=[tag], by_alias=True)


def books(
    router: Router, path: str, *, response: Any, is_whole: bool = True
) -> Callable[[Callable], Callable]:
    """A POST that books or creates something and is answered once per idempotency key.

    Args:
        is_whole: key, work and answer are one transaction; False for work that asks the network or commits in batches.
    """

    def register(view: Callable) -> Callable:
        keyed = decorate_view(_whole if is_whole else _in_steps)(view)
        return router.post(path, response=response, openapi_extra=_DESCRIBED)(keyed)

    return register


def pdf(content: bytes, *, name: str) -> HttpResponse:
    """The answer that carries a PDF to be kept under this name."""
    kept = "".join(letter for letter in name if letter.isalnum() or letter in "-_.")
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{kept}.pdf"'},
    )


def _whole(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def answered(request: HttpRequest, **values: Any) -> HttpResponse:
        with transaction.atomic():
            response = _once(run, request, values, is_whole=True)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response

    return answered


def _in_steps(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def answered(request: HttpRequest, **values: Any) -> HttpResponse:
        return _once(run, request, values, is_whole=False)

    return answered


def _once(
    run: Callable[..., HttpResponse], request: HttpRequest, values: dict[str, Any], *, is_whole: bool
) -> HttpResponse:
    key = request.headers.get(HEADER)
    try:
        viewer = access.viewer_of(request)
    except Refusal as error:
        return refusals.plain(error)
    if key is None or viewer is None:
        return run(request, **values)
    asked = b"\n".join([request.method.encode(), request.get_full_path().encode(), request.body])
    try:
        known = _begin(viewer, key, asked)
    except Refusal as error:
        return refusals.plain(error)
    if known is not None:
        return HttpResponse(known.body, status=known.status, content_type="application/json; charset=utf-8")
    response = run(request, **values)
    if response.status_code < 300:
        accounts.keep_answer(viewer, key=key, answer=Answer(response.status_code, response.content.decode()))
    elif response.status_code < 500 or not is_whole:  # a whole that broke is rolled back with its key
        accounts.forget_request(viewer, key=key)
    return response


def _begin(viewer: Viewer, key: str, asked: bytes) -> Answer | None:
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise BadKey(f"An {HEADER} has one to {_LONGEST_KEY} printable characters.")
    return accounts.begin_request(viewer, key=key, asked=asked, now=clock.now())
