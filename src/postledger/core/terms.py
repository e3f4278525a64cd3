"""The frozen terms of a plan version: what is charged, by which measure, at which prices.

Prices are exact, in major units, net of tax. A price map holds the base price for one month under 1 and explicit
prices for longer billing periods under their length in months (R6).
"""

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from postledger.core import money

Prices = Mapping[int, Fraction]

MEASURES = ("fixed", "reserved", "metered")
CADENCES = ("period", "month")
TIMINGS = ("advance", "arrears")
AGGREGATES = ("last", "average", "peak", "sum")
_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Charge:
    """One priced component of a plan version (billing rules, "A charge")."""

    name: str
    measure: str  # fixed: always 1; reserved: ordered in the panel; metered: read from the platform
    cadence: str  # how often its recurring or usage fee is due
    timing: str = "advance"
    aggregate: str = "last"  # metered only (U2)
    free: Fraction = _ZERO  # units included in the price
    max: Fraction | None = None  # units that may never be exceeded (R9)
    setup: Prices = field(default_factory=dict)
    recurring: Prices = field(default_factory=dict)  # metered: the price of a reserved limit
    usage: Prices = field(default_factory=dict)
    unit: str = ""
    step: Fraction = Fraction(1)  # what readings are kept to
    started_unit: bool = False  # a started unit counts whole (U6)
    activated: bool = True  # on from signup (R8)
    commitment_units: Fraction = _ZERO  # prepaid for the period (U8)
    commitment: Prices = field(default_factory=dict)

    @property
    def is_exchange(self) -> bool:
        return self.name.startswith("exchange.")


@dataclass(frozen=True, slots=True)
class Package:
    """An extra package: more free units for a setup and a recurring price of its own (F8)."""

    name: str
    setup: Prices
    recurring: Prices
    adds: Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Discounts:
    """Percentages off the base prices for one length of period (R6)."""

    setup: Fraction = _ZERO
    recurring: Fraction = _ZERO
    usage: Fraction = _ZERO


@dataclass(frozen=True, slots=True)
class Trial:
    days: int
    credit_limit: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """The prices of one charge for one length of period (R6), exact; None where there is no such fee.

    `recurring` and `commitment` are for one whole period, or one month where the cadence is month; `usage` likewise. A
    fee that a discount brings down to 0 is still a fee, and makes a line (R10).
    """

    setup: Fraction | None
    recurring: Fraction | None
    usage: Fraction | None
    commitment: Fraction | None


@dataclass(frozen=True)
class Terms:
    """A plan version. `id` is its row in the catalog and `number` its place among the plan's versions: both are kept on
    every line it prices."""

    id: int
    plan: str
    currency: str
    charges: Mapping[str, Charge]  # in the plan's order
    periods: Mapping[int, Discounts]
    packages: Mapping[str, Package] = field(default_factory=dict)
    refund_percent: Fraction = Fraction(100)
    money_back_days: int = 0
    trial: Trial | None = None
    is_moderated: bool = False
    is_grandfathered: bool = False
    effective_from: dt.date = dt.date.min
    number: int = 1
    _rates: dict[tuple[str, int], Rates] = field(default_factory=dict, compare=False, repr=False)

    def rates(self, charge: str, months: int) -> Rates:
        """The prices of a charge for billing periods of `months`; computed once (R6)."""
        found = self._rates.get((charge, months))
        if found is None:
            found = self._rates[charge, months] = _rates(self, self.charges[charge], months)
        return found

    def package_rates(self, name: str, months: int) -> Rates:
        """The prices of an extra package for billing periods of `months` (F8, R6)."""
        package, off = self.packages[name], self.periods.get(months, Discounts())
        return Rates(
            setup=_setup(package.setup, months, off),
            recurring=_per_period(package.recurring, months, off.recurring),
            usage=None,
            commitment=None,
        )

    @functools.cached_property
    def label(self) -> str:
        """The version as people know it: `Office 2`."""
        return f"{self.plan} {self.number}"

    @property
    def sells_exchange(self) -> bool:
        return any(charge.is_exchange for charge in self.charges.values())


def _rates(terms: Terms, charge: Charge, months: int) -> Rates:
    off = terms.periods.get(months, Discounts())
    per = _per_period if charge.cadence == "period" else _per_month
    return Rates(
        setup=_setup(charge.setup, months, off),
        recurring=per(charge.recurring, months, off.recurring),
        usage=per(charge.usage, months, off.usage),
        commitment=_per_period(charge.commitment, months, off.recurring),
    )


def _setup(prices: Prices, months: int, off: Discounts) -> Fraction | None:
    """Setup is never multiplied by months (R6)."""
    if months != 1 and months in prices:
        return prices[months] or None
    base = prices.get(1)
    return base * (100 - off.setup) / 100 if base else None


def _per_period(prices: Prices, months: int, percent: Fraction) -> Fraction | None:
    """An explicit price wins and takes no discount; otherwise base × months, discounted (R6)."""
    if months != 1 and months in prices:
        return prices[months] or None
    base = prices.get(1)
    return base * months * (100 - percent) / 100 if base else None


def _per_month(prices: Prices, months: int, percent: Fraction) -> Fraction | None:
    """For cadence month an explicit n-month price is divided by n; a base price is not (R6)."""
    if months != 1 and months in prices:
        return prices[months] / months or None
    base = prices.get(1)
    return base * (100 - percent) / 100 if base else None


# --- stored form ------------------------------------------------------------------------------------------------------


def to_json(terms: Terms) -> dict[str, Any]:
    """The stored form of a plan version: plain JSON, numbers as texts, the same words as the plan editor and scenarios."""
    return {
        "periods": {str(months): _discounts_json(off) for months, off in terms.periods.items()},
        "refund_percent": _text(terms.refund_percent),
        "money_back_days": terms.money_back_days,
        "trial": terms.trial
        and {
            "days": terms.trial.days,
            "credit_limit": None if terms.trial.credit_limit is None else _text(terms.trial.credit_limit),
        },
        "moderated": terms.is_moderated,
        "grandfathered": terms.is_grandfathered,
        # a list: JSON objects stored in the database do not keep their order, and the plan's order is the invoice's
        "charges": [_charge_json(charge) for charge in terms.charges.values()],
        "packages": [
            {
                "name": package.name,
                "setup": _prices_json(package.setup),
                "recurring": _prices_json(package.recurring),
                "adds": {name: _text(units) for name, units in package.adds.items()},
            }
            for package in terms.packages.values()
        ],
    }


def from_json(
    document: Mapping[str, Any],
    *,
    id: int,
    plan: str,
    currency: str,
    effective_from: dt.date = dt.date.min,
    number: int = 1,
) -> Terms:
    """The value of a stored plan version.

    Raises:
        ValueError: a word or number that the terms of a plan cannot have; the message names it.
    """
    trial = document.get("trial")
    made = Terms(
        id=id,
        plan=plan,
        currency=currency,
        effective_from=effective_from,
        number=number,
        charges={item["name"]: _charge(item) for item in document["charges"]},
        periods={
            int(months): Discounts(**{name: money.exact(value) for name, value in (off or {}).items()})
            for months, off in sorted(document["periods"].items(), key=lambda pair: int(pair[0]))
        },
        packages={
            item["name"]: Package(
                item["name"],
                _prices(item.get("setup")),
                _prices(item.get("recurring")),
                {name: money.exact(units) for name, units in item.get("adds", {}).items()},
            )
            for item in document.get("packages", [])
        },
        refund_percent=money.exact(document.get("refund_percent", 100)),
        money_back_days=int(document.get("money_back_days", 0)),
        trial=Trial(
            int(trial["days"]),
            None if trial.get("credit_limit") is None else money.exact(trial["credit_limit"]),
        )
        if trial
        else None,
        is_moderated=bool(document.get("moderated", False)),
        is_grandfathered=bool(document.get("grandfathered", False)),
    )
    if len(made.charges) < len(document["charges"]):
        raise ValueError("two charges have the same name")
    for months, off in made.periods.items():
        if not 1 <= months <= 120:
            raise ValueError(f"a billing period has 1 to 120 months, not {months}")
        if not all(0 <= percent <= 100 for percent in (off.setup, off.recurring, off.usage)):
            raise ValueError(f"a discount for {months} months is not a percentage between 0 and 100")
    if not 0 <= made.refund_percent <= 100:
        raise ValueError("the refund is not a percentage between 0 and 100")
    if not 0 <= made.money_back_days <= 3650:
        raise ValueError(f"money back cannot be promised for {made.money_back_days} days")
    if made.trial is not None and not 1 <= made.trial.days <= 3650:
        raise ValueError(f"a trial cannot last {made.trial.days} days")
    return made


def _charge(item: Mapping[str, Any]) -> Charge:
    name, measure = item["name"], item["measure"]
    cadence = item.get("cadence") or (  # Exchange is billed monthly on annual plans too (U3)
        "month" if measure == "metered" and name.startswith("exchange.") else "period"
    )
    timing = item.get("timing") or ("arrears" if measure == "metered" else "advance")
    aggregate = item.get("aggregate") or "last"
    for value, allowed, word in (
        (measure, MEASURES, "measure"),
        (cadence, CADENCES, "cadence"),
        (timing, TIMINGS, "timing"),
        (aggregate, AGGREGATES, "aggregate"),
    ):
        if value not in allowed:
            raise ValueError(f"charge {name}: {word} must be one of {', '.join(allowed)}, not {value!r}")
    commitment = item.get("commitment") or {}
    charge = Charge(
        name=name,
        measure=measure,
        cadence=cadence,
        timing=timing,
        aggregate=aggregate,
        free=money.exact(item.get("free", 0)),
        max=None if item.get("max") is None else money.exact(item["max"]),
        setup=_prices(item.get("setup")),
        recurring=_prices((item["reserved"] or {}).get("recurring", 0))
        if "reserved" in item
        else _prices(item.get("recurring")),
        usage=_prices(item.get("usage")),
        unit=item.get("unit", ""),
        step=money.exact(item.get("step", 1)),
        started_unit=bool(item.get("started_unit", False)),
        activated=bool(item.get("activated", True)),
        commitment_units=money.exact(commitment.get("units", 0)),
        commitment=_prices(commitment.get("recurring")),
    )
    for word, number in (("free", charge.free), ("max", charge.max or _ZERO), ("step", charge.step)):
        if number < 0:
            raise ValueError(f"charge {name}: {word} must not be negative")
    if charge.step == 0:
        raise ValueError(f"charge {name}: step must be more than 0")
    return charge


def _charge_json(charge: Charge) -> dict[str, Any]:
    item: dict[str, Any] = {
        "name": charge.name,
        "measure": charge.measure,
        "cadence": charge.cadence,
        "timing": charge.timing,
        "aggregate": charge.aggregate,
        "free": _text(charge.free),
        "max": None if charge.max is None else _text(charge.max),
        "setup": _prices_json(charge.setup),
        "recurring": _prices_json(charge.recurring),
        "usage": _prices_json(charge.usage),
        "unit": charge.unit,
        "step": _text(charge.step),
        "started_unit": charge.started_unit,
        "activated": charge.activated,
    }
    if charge.commitment_units:
        item["commitment"] = {
            "units": _text(charge.commitment_units),
            "recurring": _prices_json(charge.commitment),
        }
    return item


def _prices(value: Any) -> dict[int, Fraction]:
    """A price map from a number or a map of numbers; nothing, and prices of 0, make an empty or partial map."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        value = {1: value}
    prices = {int(months): money.exact(price) for months, price in value.items()}
    for price in prices.values():
        if price < 0:
            raise ValueError(f"a price must not be negative: {price}")
    return prices


def _prices_json(prices: Prices) -> dict[str, str]:
    return {str(months): _text(price) for months, price in prices.items()}


def _discounts_json(off: Discounts) -> dict[str, str]:
    return {"setup": _text(off.setup), "recurring": _text(off.recurring), "usage": _text(off.usage)}


def _text(value: Fraction) -> str:
    """A plan's numbers are typed as decimals, so a fraction of them is a finite decimal again."""
    if value.denominator == 1:
        return str(value.numerator)
    return str(Decimal(value.numerator) / Decimal(value.denominator))
