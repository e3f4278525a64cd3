"""Tax on an invoice: once on the taxed subtotal with the summed rate, then split (M3)."""

import functools
from collections.abc import Sequence
from fractions import Fraction

from postledger.core import money
from postledger.core.facts import Line

Rates = tuple[tuple[str, Fraction], ...]


def line(lines: Sequence[Line], rates: Rates) -> Line | None:
    """The tax line that ends an invoice, with its breakdown per tax, or None where nothing is taxed.

    Odd smallest units of the split go one each to the taxes in the order listed.
    """
    if not summed(rates):
        return None
    subtotal = sum(line.amount for line in lines if line.is_taxed)
    if not subtotal:
        return None
    total = money.round_half_away(subtotal * summed(rates) / 100)
    return Line(
        kind="tax",
        item="tax",
        amount=total,
        is_taxed=False,
        why={
            "rule": "M3",
            "subtotal": subtotal,
            "rates": [(name, str(rate)) for name, rate in rates],
            "breakdown": split(total, rates),
        },
    )


@functools.lru_cache(maxsize=4096)
def summed(rates: Rates) -> Fraction:
    """All taxes together, in per cent."""
    return sum((rate for _, rate in rates), Fraction(0))


def split(total: int, rates: Rates) -> dict[str, int]:
    """The parts of a tax in whole minor units; they add up to `total`."""
    whole = summed(rates)
    if not whole or len(rates) == 1:
        return {name: total if whole else 0 for name, _ in rates}
    parts = {name: int(abs(total) * rate / whole) for name, rate in rates}
    odd = abs(total) - sum(parts.values())
    for name, _ in list(rates)[:odd]:
        parts[name] += 1
    return parts if total >= 0 else {name: -part for name, part in parts.items()}
