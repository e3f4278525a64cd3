"""The forms that several areas share: texts, numbers, money, pages.

Invariant: a number that is money or a quantity is a decimal text, never a JSON number with a point.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, Generic, TypeVar

from ninja import Schema
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    model_validator,
)

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import as_json
from postledger.billing.types import LineView, ProposalView
from postledger.core import money
from postledger.core.errors import Refusal

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Text = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Password = Annotated[str, StringConstraints(min_length=8, max_length=128)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
DecimalText = Annotated[
    str,
    StringConstraints(pattern=r"^-?[0-9]{1,12}(\.[0-9]{1,10})?$"),
    Field(description='a decimal number as text: "10.00"'),
]
UnitsText = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$")]
Count = Annotated[StrictInt, Field(ge=-(10**9), le=10**9)]
Units = Annotated[UnitsText | Count, Field(description='a whole number, or a decimal number as text: "2.5"')]
Day = Annotated[dt.date, Field(ge=dt.date(1970, 1, 1), le=dt.date(2199, 12, 31))]
Instant = Annotated[
    AwareDatetime, Field(ge=dt.datetime(1970, 1, 1, tzinfo=dt.UTC), lt=dt.datetime(2200, 1, 1, tzinfo=dt.UTC))
]
Months = Annotated[int, Field(ge=1, le=120)]


class WrongCurrency(Refusal):
    """The amount is in another currency than the buyer is billed in."""

    reason = "wrong_currency"


class BadNumber(Refusal):
    """The number has more decimals than it can have."""

    reason = "bad_amount"


class Body(BaseModel):
    """What a request carries: fields that are not known are refused, and texts the database cannot hold."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, data: Any) -> Any:
        for text in _texts(data):
            if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
                raise ValueError("a text holds a character that cannot be stored")
        return data


class Amount(Body):
    """A sum of money; the currency says that both sides mean the same one."""

    amount: DecimalText
    currency: Currency


def currency_of(viewer: Viewer, buyer_id: int) -> str:
    """The currency a buyer is billed in: his seller's, and the provider's own, to whom nobody sells."""
    found = accounts.account(viewer, buyer_id)
    return found.currency if found.seller_id is None else accounts.seller_of(viewer, buyer_id).currency


def own_currency_of(viewer: Viewer, seller_id: int) -> str:
    """The currency a seller sells in."""
    return accounts.account(viewer, seller_id).currency


def minor(viewer: Viewer, buyer_id: int, given: Amount) -> int:
    """The amount in minor units of the currency the buyer is billed in.

    Raises:
        NotVisible: no such buyer for this viewer. WrongCurrency, BadNumber: the message says what.
    """
    currency = accounts.seller_of(viewer, buyer_id).currency
    if given.currency != currency:
        raise WrongCurrency(
            f"This account is billed in {currency}, not in {given.currency}. Nothing was booked."
        )
    try:
        return money.parse(given.amount, currency)
    except ValueError as error:
        raise BadNumber(f"{error}. Nothing was booked.") from error


def units(given: Mapping[str, str | int]) -> dict[str, Fraction]:
    """Quantities by charge, exact."""
    return {charge: money.exact(value) for charge, value in given.items()}


Row = TypeVar("Row")


class Page(Schema, Generic[Row]):
    """A part of a list; `next_offset` is where the next part begins, null at the end."""

    items: list[Row]
    next_offset: int | None


Limit = Annotated[int, Field(ge=1, le=500, description="how many at most")]
Offset = Annotated[int, Field(ge=0, le=1_000_000, description="how many to leave out")]


def page(rows: Sequence[Any], *, limit: int, offset: int) -> dict[str, Any]:
    """One page of rows that are all at hand, or at least one more than the page ends with."""
    end = offset + limit
    return {"items": rows[offset:end], "next_offset": end if len(rows) > end else None}


class Line(Schema):
    """A line, booked or proposed. `to` is exclusive; `explanation` is the sum in one line; tax has its `breakdown`.

    A booked line has an `id`, by which its full explanation is asked for. `why` holds the exact numbers it was made from.
    """

    id: int | None
    kind: str
    item: str
    from_: dt.date | None = Field(alias="from")
    to: dt.date | None
    quantity: str | None
    unit_price: str | None
    amount: str
    explanation: str
    breakdown: dict[str, str] | None = None
    why: dict[str, Any] = Field(default={})


class Proposal(Schema):
    """What a change books for the buyer, or would book: the preview is made by the same code as the act."""

    on: dt.date
    currency: str
    total: str
    lines: list[Line]
    invoice_ids: list[int]


def line(view: LineView) -> dict[str, Any]:
    """A line with its number and the exact numbers behind it."""
    return {"id": view.id, **as_json.line(view), "why": view.why}


def proposal(view: ProposalView) -> dict[str, Any]:
    """A proposal as JSON; a preview has no invoices."""
    return {
        "on": view.on,
        "currency": view.currency,
        "total": view.total_text,
        "lines": [line(row) for row in view.lines],
        "invoice_ids": list(view.invoice_ids),
    }


class Done(Schema):
    """It is done, and there is nothing to tell."""

    done: bool = True


def _texts(data: Any):
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _texts(value)
