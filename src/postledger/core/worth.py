"""What units of a charge bring in a month, for comparing; nothing here is ever booked.

Invariant: the prices are those the subscription is billed by, and each sum is rounded once (M1).
"""

from fractions import Fraction

from postledger.core import money
from postledger.core.terms import Charge, Terms

_ZERO = Fraction(0)


def per_month(
    *, terms: Terms, charge: str, months: int, units: Fraction, free: Fraction | None = None
) -> int:
    """What so many units cost a month, in minor units: those above the free ones, at the prices of the billing period.

    Args:
        months: the billing period of the subscription.
        free: units included, those of extra packages among them; the plan's when None.
    """
    found = terms.charges[charge]
    above = max(_ZERO, units - (found.free if free is None else free))
    return money.product(_price(terms, found, months), above, terms.currency)


def fixed_per_month(*, terms: Terms, months: int) -> int:
    """What the activated fixed charges of a plan cost a month, in minor units."""
    return sum(
        per_month(terms=terms, charge=charge.name, months=months, units=Fraction(1))
        for charge in terms.charges.values()
        if charge.measure == "fixed" and charge.activated
    )


def _price(terms: Terms, charge: Charge, months: int) -> Fraction:
    rates = terms.rates(charge.name, months)
    price = (rates.usage if charge.measure == "metered" else rates.recurring) or _ZERO
    return price / months if charge.cadence == "period" else price
