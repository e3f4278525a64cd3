"""How a request that was not carried out is answered: a status, a stable reason, and a message fit to show.

401  no valid token                     404  there is no such thing for this viewer
403  his own, but not his to change     409  understood, but not possible as things stand
422  something in the request is wrong  429  too many requests of this token in a minute
502, 503  the platform did not do it
"""

import logging
from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from postledger.accounts.queries import NotAllowed, NotVisible
from postledger.api import rate
from postledger.catalog.queries import NoSuchPlan
from postledger.connectors.contract import PermanentFailure, TemporaryFailure
from postledger.core.errors import NeedsOperator, Refusal

log = logging.getLogger(__name__)

# Reasons that say that what was asked for is wrong by itself; any other refusal is about how things stand (409).
WRONG_BY_ITSELF = frozenset(
    {
        "bad_amount",
        "bad_details",
        "bad_payment",
        "bad_quantity",
        "bad_terms",
        "idempotency_key",
        "idempotency_key_used",
        "identity_mismatch",
        "invalid_address",
        "invalid_domain",
        "invalid_organization_code",
        "invalid_record",
        "invalid_resource",
        "invalid_settings",
        "invalid_username",
        "max",
        "negative_credit",
        "no_reason",
        "not_confirmed",
        "not_offered",
        "unknown_connector",
        "wrong_currency",
        "wrong_domain",
    }
)


def register(api: NinjaAPI) -> None:
    """Answer every refusal and failure of the house in one form."""

    def answer(request: HttpRequest, status: int, reason: str, message: str, **more: Any) -> HttpResponse:
        return api.create_response(request, {"reason": reason, "message": message, **more}, status=status)

    @api.exception_handler(Refusal)
    def refused(request: HttpRequest, error: Refusal) -> HttpResponse:
        response = api.create_response(request, _words(error), status=status_of(error))
        return _with_wait(response, error)

    @api.exception_handler(AuthenticationError)
    def unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        response = answer(
            request,
            401,
            "unauthorized",
            "Send a valid token: Authorization: Bearer <token>.",
        )
        response["WWW-Authenticate"] = "Bearer"
        return response

    @api.exception_handler(ValidationError)
    def malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
        return answer(
            request,
            422,
            "invalid_request",
            "Something in the request is missing or has the wrong form. See fields.",
            fields=list(fields(error.errors)),
        )

    @api.exception_handler(HttpError)
    def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
        return answer(request, error.status_code, "unreadable", error.message)

    @api.exception_handler(Http404)
    def nowhere(request: HttpRequest, error: Http404) -> HttpResponse:
        return answer(request, 404, "not_found", "There is nothing at this address.")

    @api.exception_handler(TemporaryFailure)
    def later(request: HttpRequest, error: TemporaryFailure) -> HttpResponse:
        response = answer(request, 503, error.reason, error.message)
        response["Retry-After"] = str(error.retry_after_s)
        return response

    @api.exception_handler(PermanentFailure)
    def failed(request: HttpRequest, error: PermanentFailure) -> HttpResponse:
        return answer(request, 502, error.reason, error.message)

    @api.exception_handler(NeedsOperator)
    def stopped(request: HttpRequest, error: NeedsOperator) -> HttpResponse:
        return answer(request, 409, error.reason, error.message)

    @api.exception_handler(Exception)
    def bug(request: HttpRequest, error: Exception) -> HttpResponse:
        log.error("%s %s", request.method, request.path, exc_info=error)
        return answer(
            request, 500, "internal", "This should not have happened; it was logged. Tell the operator."
        )


def plain(error: Refusal) -> HttpResponse:
    """The answer to a refusal that happened before its route was reached."""
    return _with_wait(JsonResponse(_words(error), status=status_of(error)), error)


def status_of(error: Refusal) -> int:
    """The HTTP status of a refusal."""
    if isinstance(error, NotVisible | NoSuchPlan):
        return 404
    if isinstance(error, NotAllowed):
        return 403
    if isinstance(error, rate.TooManyRequests):
        return 429
    return 422 if error.reason in WRONG_BY_ITSELF else 409


def _with_wait(response: HttpResponse, error: Refusal) -> HttpResponse:
    if isinstance(error, rate.TooManyRequests):
        response["Retry-After"] = str(error.retry_after_s)
    return response


def _words(error: Refusal) -> dict[str, str]:
    """Reason and message. What is not his to see is answered word for word like what does not exist."""
    if status_of(error) == 404:
        return {"reason": "not_found", "message": "There is no such thing here, or it is not yours to see."}
    return {"reason": error.reason, "message": error.message}


def fields(errors: Iterable[dict[str, Any]]) -> Iterable[dict[str, str]]:
    """Each wrong field with its place in the request and what is wrong; never the value, which may be a secret."""
    for error in errors:
        place = [str(part) for part in error["loc"] if part not in ("body", "query", "path", "payload")]
        yield {"field": ".".join(place), "problem": error["msg"]}
