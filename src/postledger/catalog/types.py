"""Plans as other floors see them."""

import datetime as dt
from dataclasses import dataclass

from postledger.core.terms import Terms


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan and the terms in force on the day asked for."""

    id: int
    seller_id: int
    code: str
    name: str
    currency: str
    is_offered: bool
    version: int
    effective_from: dt.date
    terms: Terms


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of a plan; `document` is its stored form."""

    id: int
    number: int
    effective_from: dt.date
    created_at: dt.datetime
    document: dict
    terms: Terms
