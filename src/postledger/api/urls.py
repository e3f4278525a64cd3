"""The REST API under /api/v1, and its OpenAPI schema.

One module per area. A view reads: parse, one call, answer.
"""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI

from postledger.accounts.queries import NotVisible
from postledger.api import (
    access,
    accounts,
    billing,
    connections,
    dns,
    exchange,
    payments,
    plans,
    platforms,
    refusals,
    subscriptions,
)

api = NinjaAPI(
    title="Postledger",
    version="1",
    urls_namespace="api",
    description=(
        "Billing and provisioning for hosted Exchange. Amounts are decimal texts in the currency beside them, days and "
        "instants are ISO 8601, ends of periods are exclusive. Errors are {reason, message}; reasons are stable."
    ),
    auth=access.token,
    docs_url=None,
    openapi_url="/openapi.json",
)
refusals.register(api)
for area in (accounts, plans, subscriptions, billing, payments, connections, platforms, exchange, dns):
    api.add_router("", area.router)


def nowhere(request: HttpRequest, address: str) -> HttpResponse:
    """The answer at an address where nothing is, in the form of all others."""
    return refusals.plain(NotVisible(f"There is nothing at {address}."))


urlpatterns = [path("v1/", api.urls), path("<path:address>", nowhere)]
