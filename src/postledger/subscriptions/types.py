"""Subscriptions as other floors see them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """How a subscription stands. `period_*` and `month_*` are half-open; empty while nothing is open."""

    id: int
    seller_id: int
    buyer_id: int
    plan_id: int
    currency: str
    status: str
    months: int
    period_start: dt.date
    period_end: dt.date
    month_start: dt.date
    month_end: dt.date
    next_close: dt.date | None
    activated_on: dt.date | None
    trial_ends_on: dt.date | None
    suspended_on: dt.date | None
    suspended_reason: str
    exchange_since: dt.date | None
    is_parked: bool
    quantities: Mapping[str, Decimal]
    switched: Mapping[str, bool]  # optional charges: on or off
    packages: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A dated change, as it was asked for."""

    on: dt.date
    kind: str
    data: Mapping[str, Any]
    actor: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class SoldView:
    """What a reseller's usage is summed over: whether it has ended, since when it is paid for, since when it has Exchange."""

    is_over: bool
    activated_on: dt.date
    exchange_since: dt.date | None
