"""Whole minor units of a currency. Invariant: an amount is rounded once, by name, when a line is made."""

from decimal import Decimal
from fractions import Fraction

# ISO 4217 currencies whose smallest unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}


def exponent(currency: str) -> int:
    """The number of decimals of a currency: JPY 0, USD 2, KWD 3."""
    return _EXPONENTS.get(currency, 2)


def round_half_away(value: Fraction) -> int:
    """The nearest whole number; a half goes away from zero (M1: the absolute value is rounded, then signed)."""
    return _divide(value.numerator, value.denominator)


def to_minor(value: Fraction, currency: str) -> int:
    """An exact amount in major units, rounded once to the currency's smallest unit (M1)."""
    return _divide(value.numerator * 10 ** exponent(currency), value.denominator)


def product(price: Fraction, units: Fraction, currency: str) -> int:
    """Price × units in major units, rounded once to the currency's smallest unit; no fraction is built (M1)."""
    return _divide(
        price.numerator * units.numerator * 10 ** exponent(currency), price.denominator * units.denominator
    )


def _divide(numerator: int, denominator: int) -> int:
    """numerator ÷ denominator (above 0) to the nearest whole number, a half away from zero; no fraction is built."""
    quotient, remainder = divmod(abs(numerator), denominator)
    if 2 * remainder >= denominator:
        quotient += 1
    return quotient if numerator >= 0 else -quotient


def text(minor: int, currency: str) -> str:
    """An amount as a plain decimal, with all the currency's decimals: 1133 USD is `11.33`."""
    places = exponent(currency)
    if not places:
        return str(minor)
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 10**places)
    return f"{sign}{whole}.{part:0{places}d}"


def parse(amount: Decimal | str | int, currency: str) -> int:
    """Whole minor units of a typed amount.

    Raises:
        ValueError: more decimals than the currency has, or not a number.
    """
    minor: Fraction = exact(amount) * int(10 ** exponent(currency))
    if minor.denominator != 1:
        raise ValueError(f"{amount} has more decimals than {currency} has")
    return minor.numerator


def exact(value: Decimal | str | int | Fraction) -> Fraction:
    """A typed number as an exact fraction. Floats and texts that are not numbers are refused."""
    if isinstance(value, float):
        raise TypeError("a float is not an exact number")
    if isinstance(value, Decimal) and (not value.is_finite() or abs(value.adjusted()) > 30):
        raise ValueError(f"{value} is not a number")
    if isinstance(value, str) and ("e" in value.lower() or len(value) > 60):
        raise ValueError(
            f"{value[:60]!r} is not a plain decimal number"
        )  # 1e99999999 would keep us busy for hours
    return Fraction(value)


def decimal_text(value: Fraction, *, least: int = 0, most: int = 6) -> str:
    """A number for people: as many decimals as it needs between `least` and `most`, rounded half away."""
    scaled = round_half_away(value * 10**most)
    sign = "-" if scaled < 0 else ""
    whole, part = divmod(abs(scaled), 10**most)
    digits = f"{part:0{most}d}".rstrip("0").ljust(least, "0") if most else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
