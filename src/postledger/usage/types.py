"""Readings as other floors see them."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class NewReading:
    """What a platform answered: MB are turned into GB when it is recorded (U6).

    `unit` is empty for counts, else MB or GB.
    """

    subscription_id: int
    meter: str
    taken_at: dt.datetime
    value: Decimal
    unit: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class ReadingView:
    """A stored reading."""

    meter: str
    day: dt.date
    taken_at: dt.datetime
    value: Decimal
    source: str
