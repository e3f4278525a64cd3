"""Routes of DNS zones: what they hold, what mail needs in them, and what the live DNS shows."""

import datetime as dt
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from postledger import clock
from postledger.api import forms, routes
from postledger.provisioning import queries, zones
from postledger.workflows import check_dns

router = routes.area("DNS")
Value = Annotated[str, Field(max_length=4096)]


class RecordSet(Schema):
    """All records of one name and type. `is_seen`: whether the live DNS showed them at the last check."""

    id: int
    name: str
    type: str
    ttl: int
    data: list[str]
    owner: str
    is_hidden: bool
    is_seen: bool | None
    seen_authoritative: list[str] | None
    seen_resolver: list[str] | None
    checked_at: dt.datetime | None


class Zone(Schema):
    """A zone with its record sets; hidden ones are built-in ones that mail has replaced."""

    id: int
    account_id: int
    name: str
    hosting: str
    connection_id: int | None
    is_published: bool
    publish_words: str
    checked_at: dt.datetime | None
    check_words: str
    records: list[RecordSet]


class NewZone(forms.Body):
    """`hosting`: here, or elsewhere; elsewhere the records needed are only shown and checked."""

    name: forms.Name
    hosting: Literal["here", "elsewhere"] = "here"


class Records(forms.Body):
    """All records of one name and type; no values removes them."""

    name: forms.Text
    type: forms.Code
    values: list[Value] = Field(max_length=100)
    ttl_s: int = Field(default=3600, ge=30, le=604800)


@router.get("/accounts/{account_id}/zones", response=list[Zone])
def zones_of(request: HttpRequest, account_id: forms.Id):
    """The zones of an account with their records."""
    return queries.zones_of(request.auth, account_id)


@routes.books(router, "/accounts/{account_id}/zones", response={201: Zone})
def create_zone(request: HttpRequest, account_id: forms.Id, payload: NewZone):
    """Make a zone."""
    return zones.create_zone(
        request.auth, account_id=account_id, name=payload.name, hosting=payload.hosting, now=clock.now()
    )


@router.get("/zones/{zone_id}", response=Zone)
def zone(request: HttpRequest, zone_id: forms.Id):
    """One zone."""
    return queries.zone(request.auth, zone_id)


@router.put("/zones/{zone_id}/records", response=Zone)
def set_records(request: HttpRequest, zone_id: forms.Id, payload: Records):
    """Enter the records of one name and type. Records that mail needs are changed with the mail domain only."""
    return zones.set_records(
        request.auth,
        zone_id=zone_id,
        name=payload.name,
        type=payload.type,
        values=payload.values,
        ttl_s=payload.ttl_s,
        now=clock.now(),
    )


@router.post("/zones/{zone_id}/check", response=Zone)
def check(request: HttpRequest, zone_id: forms.Id):
    """Ask the live DNS now what it shows of the zone."""
    return check_dns.check_dns(request.auth, zone_id=zone_id, now=clock.now())
