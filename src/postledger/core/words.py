"""A booked line in words, from what is stored with it: the sum, and why it is as it is."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from postledger.core import money

_RULES = {
    "R2": "Setup: once for each unit above the free ones when it is acquired; never prorated.",
    "R3": "Recurring fee for the billing period, in advance, by the days left.",
    "R4": "Recurring fee for a whole month, in advance, not prorated.",
    "R5": "Usage of the month that closed, in arrears: units above the free ones.",
    "U8": "Commitment: units prepaid for the billing period.",
    "U9": "Usage charged in advance from the reading at the opening, corrected by the day.",
    "F1": "Refund of what was prepaid, by the days left.",
    "F2": "Refund of a month fee, not prorated.",
    "F3": "Money back: the fees of the current period as they were paid.",
    "F8": "Extra package, by the days left of the billing period.",
    "M2": "Promotions together: each computed on the full charge and kept to three decimals.",
    "M3": "Tax, computed once on the taxed subtotal with the summed rate.",
    "M4": "Entered by the seller.",
    "M10": "Wholesale of what a customer ordered, on the customer's dates.",
}


def formula(kind: str, why: Mapping[str, Any], currency: str) -> str:
    """The sum of a line in one line, such as `2.00 × 2 × 15/30`; empty for lines that are no sum."""
    if "subtotal" in why:
        rate = sum((Fraction(rate) for _, rate in why["rates"]), Fraction(0))
        return f"{money.text(int(why['subtotal']), currency)} × {money.decimal_text(rate)} %"
    if "percents" in why:
        off = " − ".join(f"{money.decimal_text(Fraction(percent))} %" for percent in why["percents"])
        return f"{_price(Fraction(why['full']), currency)} − {off}, less the full price"
    if "paid" in why:
        share = "" if why["units"] == why["of"] else f" × {why['units']}/{why['of']}"
        return f"{money.text(int(why['paid']), currency)} paid{share}"
    if "price" not in why:
        return ""
    parts = [_price(Fraction(why["price"]), currency)]
    if Fraction(why["units"]) != 1:
        parts.append(money.decimal_text(Fraction(why["units"]), most=4))
    if "less" in why:
        off = " − ".join(f"{money.decimal_text(Fraction(percent))} %" for percent in why["less"])
        parts = [f"({' × '.join(parts)} − {off})"]
    if "share" in why:
        parts.append(f"{why['share'][0]}/{why['share'][1]}")
    if why.get("percent", "100") != "100":
        parts.append(f"{money.decimal_text(Fraction(why['percent']))} %")
    return " × ".join(parts)


def reasons(kind: str, why: Mapping[str, Any], currency: str, unit: str = "") -> list[str]:
    """Why a line is as it is, a sentence each: the rule, the price, the units, the readings, the share, the rounding."""
    told = []
    rule = why.get("rule")
    if rule in _RULES:
        told.append(f"{_RULES[rule]} (Rule {rule})")
    if "price" in why:
        of = ""
        if kind in ("recurring", "package") and "share" in why and why.get("months"):
            of = f" for the whole period of {why['months']} month{'s' if why['months'] != 1 else ''}"
        from_version = f", from plan version {why['version']}" if "version" in why else ""
        told.append(
            f"Price per unit: {_price(Fraction(why['price']), currency)} {currency}{of}{from_version}."
        )
        told.append(
            f"Units charged: {money.decimal_text(Fraction(why['units']), most=4)}{' ' + unit if unit else ''}."
        )
    if "free" in why:
        told.append(
            f"Units not charged (free, reserved or committed): {money.decimal_text(Fraction(why['free']))}."
        )
    for taken_at, value, source in why.get("readings", ()):
        told.append(
            f"Reading: {money.decimal_text(Fraction(value))} at {taken_at}{' from ' + source if source else ''}."
        )
    if "late" in why:
        told.append(f"There was no reading when the month closed; billed from the {why['late']}.")
    if "share" in why:
        told.append(f"Share of the period: {why['share'][0]} of {why['share'][1]} days.")
    if why.get("percent", "100") != "100":
        told.append(f"Refunded at {why['percent']} %.")
    if "subtotal" in why:
        told.append(f"Taxed subtotal: {money.text(int(why['subtotal']), currency)} {currency}.")
        told.extend(
            f"{name} {money.decimal_text(Fraction(rate))} %: "
            f"{money.text(int(why['breakdown'][name]), currency)} {currency}."
            for name, rate in why["rates"]
        )
    sum_of = formula(kind, why, currency)
    if sum_of:
        told.append(
            f"{sum_of}, multiplied out exactly and rounded once to the smallest unit, halves away from zero."
        )
    return told


def _price(value: Fraction, currency: str) -> str:
    return money.decimal_text(value, least=money.exponent(currency), most=6)
