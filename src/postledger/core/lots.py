"""Prepaid units and their way back: refunds are figured from what was prepaid, whatever it costs now (F1, F2)."""

import datetime as dt
from fractions import Fraction

from postledger.core import rating
from postledger.core.facts import Line, Lot
from postledger.core.period import Period


def refunds(
    held: list[Lot], units: Fraction | None, *, day: dt.date, percent: Fraction, currency: str
) -> list[Line]:
    """Refund lines for up to `units` (None: all), taken off the lots from the latest back; equal prices are one line."""
    taken: list[tuple[Lot, Fraction]] = []
    for lot in reversed(held):
        part = lot.units if units is None else min(lot.units, units)
        if part <= 0 or lot.full.end <= day:
            continue
        lot.units -= part
        if units is not None:
            units -= part
        if taken and _is_alike(taken[-1][0], lot):
            taken[-1] = (lot, taken[-1][1] + part)
        else:
            taken.append((lot, part))
    held[:] = [lot for lot in held if lot.units > 0]
    return [
        rating.refund(
            item=lot.item,
            price=lot.price,
            promotions=lot.promotions,
            units=part,
            full=lot.full,
            day=day,
            is_whole=lot.is_whole,
            percent=percent,
            currency=currency,
            is_package=lot.is_package,
        )
        for lot, part in taken
    ]


def lot_of(line: Line, promoted: int) -> Lot:
    """The lot that a booked recurring or package line leaves behind; `promoted` is its promotion line's amount."""
    assert line.full is not None and line.unit_price is not None and line.quantity is not None
    assert line.start is not None and line.end is not None
    return Lot(
        item=line.item,
        is_package=line.kind == "package",
        units=line.quantity,
        bought_units=line.quantity,
        price=line.unit_price,
        promotions=line.promotions,
        full=line.full,
        is_whole="share" not in line.why,
        net_amount=line.amount + promoted,
        bought_in=Period(line.start, line.end),
    )


def _is_alike(one: Lot, other: Lot) -> bool:
    return (one.price, one.promotions, one.full, one.is_whole, one.is_package) == (
        other.price,
        other.promotions,
        other.full,
        other.is_whole,
        other.is_package,
    )
