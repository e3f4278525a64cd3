"""Routes of connections to platforms and the plans found there."""

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from postledger import clock
from postledger.api import forms, routes
from postledger.connectors import contract, registry
from postledger.provisioning import operations, queries
from postledger.workflows import check_connection, refresh_platform_plans

router = routes.area("Connections")
Values = dict[forms.Code, bool | int | forms.Text]


class Setting(Schema):
    """A setting that a connection of this kind takes. Secrets are written and never read."""

    name: str
    label: str
    help: str
    type: str
    is_secret: bool
    is_required: bool


class Connector(Schema):
    """A kind of platform, and what a connection to one has to be told."""

    code: str
    settings: list[Setting]


class Connection(Schema):
    """A seller's access to a platform, without its secrets. After `failures` calls in a row without an answer it is left
    alone until `retry_at`, and then tried again by itself."""

    id: int
    seller_id: int
    connector: str
    name: str
    settings: dict[str, Any]
    mail: dict[str, Any]
    is_enabled: bool
    condition: str
    words: str
    failures: int
    retry_at: dt.datetime | None
    checked_at: dt.datetime | None
    report: dict[str, Any]
    created_at: dt.datetime


class Mail(forms.Body):
    """The records that mail domains on the platform need."""

    mx: list[tuple[int, forms.Name]] = Field(default=[])
    autodiscover: forms.Text | None = None
    spf: list[forms.Name] = Field(default=[])


class NewConnection(forms.Body):
    """`seller_id` is your own account when left out; `values` are the connector's settings, secrets among them."""

    seller_id: forms.Id | None = None
    connector: forms.Code
    name: forms.Code
    values: Values
    mail: Mail | None = None


class ConnectionChange(forms.Body):
    """What is left out stays; so does a secret that is left out of `values`."""

    name: forms.Code | None = None
    values: Values | None = None
    mail: Mail | None = None
    is_enabled: bool | None = None


class PlatformPlan(Schema):
    """A plan seen on a platform, with the numbers of your plans it is switched on for. A limit of -1 is none."""

    id: int
    connection_id: int
    reference: str
    name: str
    scope: str
    limits: dict[str, int]
    is_available: bool
    seen_at: dt.datetime
    gone_at: dt.datetime | None
    offered_with: list[int]


class Offer(Schema):
    """A platform plan that buyers of a plan can choose."""

    id: int
    plan_id: int
    platform_plan_id: int
    connection_id: int
    name: str
    limits: dict[str, int]
    is_default: bool


class Switch(forms.Body):
    """A platform plan of one of the seller's connections. `seller_id` is your own account when left out."""

    platform_plan_id: forms.Id
    seller_id: forms.Id | None = None


class Call(Schema):
    """One changing call to a platform, with secrets masked."""

    id: int
    resource_id: int | None
    actor: str
    purpose: str
    operation: str
    request: str
    answer: str
    outcome: str
    at: dt.datetime
    duration_ms: int


@router.get("/connectors", response=list[Connector])
def connectors(request: HttpRequest):
    """The kinds of platforms that can be connected, with the settings each takes."""
    return [
        {
            "code": code,
            "settings": [
                {
                    "name": field.name,
                    "label": field.label,
                    "help": field.help,
                    "type": field.type.__name__.lower(),
                    "is_secret": field.is_secret,
                    "is_required": field.is_required,
                }
                for field in contract.setting_fields(settings_class=registry.get(code).settings_class)
            ],
        }
        for code in registry.codes()
    ]


@router.get("/sellers/{seller_id}/connections", response=list[Connection])
def connections(request: HttpRequest, seller_id: forms.Id):
    """The connections of a seller."""
    return queries.connections_of(request.auth, seller_id)


@routes.books(router, "/connections", response={201: Connection})
def create_connection(request: HttpRequest, payload: NewConnection):
    """Make a connection. It is untested until it is checked."""
    return operations.create_connection(
        request.auth,
        seller_id=payload.seller_id or request.auth.account_id,
        connector=payload.connector,
        name=payload.name,
        values=payload.values,
        mail=_mail(payload.mail),
        now=clock.now(),
    )


@router.get("/connections/{connection_id}", response=Connection)
def connection(request: HttpRequest, connection_id: forms.Id):
    """One connection."""
    return queries.connection(request.auth, connection_id)


@router.patch("/connections/{connection_id}", response=Connection)
def change_connection(request: HttpRequest, connection_id: forms.Id, payload: ConnectionChange):
    """Change a connection. New settings make it untested."""
    return operations.change_connection(
        request.auth,
        connection_id=connection_id,
        values=payload.values,
        mail=_mail(payload.mail),
        name=payload.name,
        is_enabled=payload.is_enabled,
        now=clock.now(),
    )


@router.post("/connections/{connection_id}/check", response=Connection)
def check(request: HttpRequest, connection_id: forms.Id):
    """Ask the platform now whether the connection can be used; the report says in words what is wrong."""
    return check_connection.check_connection(request.auth, connection_id=connection_id, now=clock.now())


@router.get("/connections/{connection_id}/plans", response=list[PlatformPlan])
def platform_plans(request: HttpRequest, connection_id: forms.Id):
    """The plans seen on a platform, gone ones last."""
    return queries.platform_plans(request.auth, connection_id)


@router.post("/connections/{connection_id}/plans/refresh", response=list[PlatformPlan])
def refresh(request: HttpRequest, connection_id: forms.Id):
    """Read the plans of a platform now."""
    return refresh_platform_plans.refresh_platform_plans(
        request.auth, connection_id=connection_id, now=clock.now()
    )


@routes.books(router, "/plans/{plan_id}/platform-plans", response=Offer)
def switch_on(request: HttpRequest, plan_id: forms.Id, payload: Switch):
    """Switch a platform plan on for one of your plans; the first one becomes its default."""
    return operations.switch_on_platform_plan(
        request.auth,
        seller_id=payload.seller_id or request.auth.account_id,
        plan_id=plan_id,
        platform_plan_id=payload.platform_plan_id,
        now=clock.now(),
    )


@router.delete("/plans/{plan_id}/platform-plans/{platform_plan_id}", response=forms.Done)
def switch_off(
    request: HttpRequest, plan_id: forms.Id, platform_plan_id: forms.Id, seller_id: forms.Id | None = None
):
    """Switch a platform plan off for a plan; accounts that have it keep it."""
    operations.switch_off_platform_plan(
        request.auth,
        seller_id=seller_id or request.auth.account_id,
        plan_id=plan_id,
        platform_plan_id=platform_plan_id,
        now=clock.now(),
    )
    return forms.Done()


@router.get("/connections/{connection_id}/calls", response=list[Call])
def calls(request: HttpRequest, connection_id: forms.Id, limit: forms.Limit = 100):
    """The latest changing calls made on a connection, newest first."""
    return queries.calls_of(request.auth, connection_id, most=limit)


def _mail(given: Mail | None) -> dict[str, Any] | None:
    if given is None:
        return None
    return given.model_dump(mode="json", exclude_none=True)
