"""What may stand where in a scenario file: every key, and what its value may be.

A check takes a value and returns what is wrong with it, as the path to the wrong part and words about it, or None.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from postledger.core import money, terms

Complaint = tuple[tuple[Any, ...], str]
Check = Callable[[Any], Complaint | None]

_EARLIEST, _LATEST = 1900, 2199  # a year beyond these is a slip of the finger
_TOO_MUCH = 10**12  # so is such a number, and no book holds its products


def _number(least: int | None = None, most: int | None = None) -> Check:
    """An exact number, typed with or without quotes."""
    what = "a number such as 10.00"
    if least is not None:
        what = f"a number from {least} to {most}" if most is not None else f"a number of at least {least}"

    def check(value: Any) -> Complaint | None:
        number = _exact(value)
        if number is None or (least is not None and number < least) or (most is not None and number > most):
            return _not(value, what)
        return None

    return check


def _exact(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        number = money.exact(value)
    except (ValueError, ZeroDivisionError):
        return None
    return number if abs(number) < _TOO_MUCH else None


def _whole(least: int, most: int = 100_000) -> Check:
    def check(value: Any) -> Complaint | None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            return _not(value, f"a whole number of at least {least}" if least else "a whole number")
        return None

    return check


def _word(*allowed: str) -> Check:
    return lambda value: None if value in allowed else _not(value, " or ".join(allowed))


def _text(value: Any) -> Complaint | None:
    return None if isinstance(value, str) and value else _not(value, "a name")


def _label(value: Any) -> Complaint | None:
    return None if isinstance(value, str | int | Decimal) else _not(value, "a text")


def _flag(value: Any) -> Complaint | None:
    return None if isinstance(value, bool) else _not(value, "true or false")


def _yes(value: Any) -> Complaint | None:
    return None if value is True else _not(value, "true; what does not happen is left out")


def as_day(value: Any) -> Any:
    """The date that was typed, with or without quotes; anything else as it is."""
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return value
    return value


def day(value: Any) -> Complaint | None:
    found = as_day(value)
    if isinstance(found, dt.datetime) or not isinstance(found, dt.date):
        return _not(value, "a date such as 2025-04-01")
    return None if _EARLIEST <= found.year <= _LATEST else _not(value, "a date of our times")


def _instant(value: Any) -> Complaint | None:
    if isinstance(value, dt.datetime) and _EARLIEST <= value.year <= _LATEST:
        return None
    return _not(value, "an instant such as 2025-04-01T22:30:00Z")


def _maybe(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _names(check: Check) -> Check:
    """A mapping whose keys are names of the writer's own."""

    def checked(value: Any) -> Complaint | None:
        if not isinstance(value, Mapping):
            return _not(value, "a mapping of names")
        for key, part in value.items():
            if not isinstance(key, str):
                return (key,), f"{_shown(key)} is no name; put it in quotes"
            found = check(part)
            if found is not None:
                return (key, *found[0]), found[1]
        return None

    return checked


def _months(check: Check) -> Check:
    """A mapping by length of period in months."""

    def checked(value: Any) -> Complaint | None:
        if not isinstance(value, Mapping):
            return _not(value, "a mapping by length in months such as {1: …, 12: …}")
        for key, part in value.items():
            if isinstance(key, bool) or not isinstance(key, int) or not 1 <= key <= 120:
                return (key,), f"a period has 1 to 120 months, not {_shown(key)}"
            found = check(part)
            if found is not None:
                return (key, *found[0]), found[1]
        return None

    return checked


def _list(check: Check) -> Check:
    def checked(value: Any) -> Complaint | None:
        if not isinstance(value, Sequence) or isinstance(value, str):
            return _not(value, "a list")
        for index, part in enumerate(value):
            found = check(part)
            if found is not None:
                return (index, *found[0]), found[1]
        return None

    return checked


def _keys(known: Mapping[str, Check], *needed: str) -> Check:
    """A mapping of known keys, each with its own check."""

    def checked(value: Any) -> Complaint | None:
        if not isinstance(value, Mapping):
            return _not(value, f"a mapping such as {{{', '.join(f'{key}: …' for key in list(known)[:2])}}}")
        for key, part in value.items():
            if key not in known:
                return (key,), f"{_shown(key)} is not known here; known are {', '.join(sorted(known))}"
            found = known[key](part)
            if found is not None:
                return (key, *found[0]), f"`{key}`: {found[1]}" if not found[0] else found[1]
        for key in needed:
            if key not in value:
                return (), f"`{key}` is missing"
        return None

    return checked


def _price(value: Any) -> Complaint | None:
    """A price for one month, or prices by period."""
    return (_months(_number(0)) if isinstance(value, Mapping) else _number(0))(value)


def value_and_unit(value: Any) -> tuple[Decimal, str] | None:
    """What a meter shows, and the unit typed with it: `9.00`, `12595 MB`; None where it is neither."""
    words = str(value).split()
    if isinstance(value, bool) or len(words) not in (1, 2):
        return None
    number, unit = _exact(words[0]), words[1] if len(words) == 2 else ""
    if number is None or number < 0 or unit not in ("", "MB", "GB"):
        return None
    return Decimal(words[0]), unit


def _shown_by_meter(value: Any) -> Complaint | None:
    if isinstance(value, int | Decimal | str) and value_and_unit(value) is not None:
        return None
    return _not(value, "what a meter shows, such as 9.00 or 12595 MB")


def _history(value: Any) -> Complaint | None:
    def checked(entry: Any) -> Complaint | None:
        if not isinstance(entry, Sequence) or isinstance(entry, str) or len(entry) != 2:
            return _not(entry, "a day and what the meter showed, such as [2025-04-01, 3]")
        found = day(entry[0])
        if found is not None:
            return (0,), found[1]
        found = _shown_by_meter(entry[1])
        return None if found is None else ((1,), found[1])

    return _list(checked)(value)


def _reading(value: Any) -> Complaint | None:
    if not isinstance(value, Mapping):
        return _not(value, "what meters show, such as {exchange.mailboxes: 6}")
    for key, part in value.items():
        found = (_names(_history) if key == "daily" else _shown_by_meter)(part)
        if found is not None:
            return (key, *found[0]), found[1]
    return _names(lambda part: None)(value)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, str):
        return f"'{value}'"
    return "a list" if isinstance(value, Sequence) else str(value)


def _not(value: Any, what: str) -> Complaint:
    return (), f"{_shown(value)} is not {what}"


_PROMOTIONS = _list(_keys({"percent": _number(), "name": _label}, "percent"))
_PAYMENT = _word("check", "card")
_LIMIT = _maybe(_number(0))
_STEP = _maybe(lambda value: None if value == "off" or value is False else _whole(0)(value))

ACCOUNT: dict[str, Check] = {
    "kind": _word("provider", "reseller", "customer"),
    "seller": _text,
    "currency": _text,
    "time_zone": _text,
    "payment": _PAYMENT,
    "credit_limit": _LIMIT,
    "country": _text,
}
SELLER: dict[str, Check] = {
    "collection": _word("anniversary", "credit_limit"),
    "taxes": _list(_keys({"name": _label, "rate": _number(0, 100)}, "name", "rate")),
    "dunning": lambda value: (
        None
        if value in (None, "off")
        else _keys(dict.fromkeys(("notice", "pre_suspension", "suspension", "deletion"), _STEP))(value)
    ),
    "no_charge_notice": _flag,
}
CUSTOMER: dict[str, Check] = {
    "payment": _PAYMENT,
    "credit_limit": _LIMIT,
    "tax_exempt": _flag,
    "opening_balance": _number(),
    "promotions": _PROMOTIONS,
}
_PERCENT = _number(0, 100)
_UNITS = _number(0)
CHARGE: dict[str, Check] = {
    "measure": _word(*terms.MEASURES),
    "cadence": _word(*terms.CADENCES),
    "timing": _word(*terms.TIMINGS),
    "aggregate": _word(*terms.AGGREGATES),
    "free": _UNITS,
    "max": _maybe(_UNITS),
    "setup": _maybe(_price),
    "recurring": _maybe(_price),
    "usage": _maybe(_price),
    "step": _number(0),
    "started_unit": _flag,
    "activated": _flag,
    "unit": _label,
    "commitment": _keys({"units": _UNITS, "recurring": _price}, "units"),
    "reserved": _keys({"recurring": _price}),
}
_PERIOD = _maybe(_keys({"discount": _maybe(_keys(dict.fromkeys(("setup", "recurring", "usage"), _PERCENT)))}))
PLAN: dict[str, Check] = {
    "seller": _text,
    "periods": _months(_PERIOD),
    "refund_percent": _PERCENT,
    "money_back_days": _whole(0),
    "trial": _maybe(_keys({"days": _whole(1), "credit_limit": _LIMIT}, "days")),
    "moderated": _flag,
    "grandfathered": _flag,
    "charges": _names(_keys(CHARGE, "measure")),
    "packages": _maybe(
        _names(_keys({"setup": _maybe(_price), "recurring": _maybe(_price), "adds": _names(_UNITS)}))
    ),
}
HAPPENS: dict[str, Check] = {
    "subscribe": _text,
    "activate": _yes,
    "convert": _yes,
    "set": _names(_number()),
    "switch_on": _text,
    "switch_off": _text,
    "buy_package": _text,
    "reading": _reading,
    "daily": _names(_history),
    "platform": _word("down", "up"),
    "jobs": _word("stopped", "running"),
    "delete_exchange": _yes,
    "change_plan": _text,
    "change_period": _whole(1),
    "change_start": day,
    "move_to_monthly": _yes,
    "cancel": _yes,
    "suspend": _text,
    "resume": _yes,
    "pay": _number(),
    "card": _word("declines", "valid"),
    "credit": _number(),
    "debit": _number(),
    "price": _keys(
        {
            "plan": _text,
            "charge": _text,
            **{key: CHARGE[key] for key in ("setup", "recurring", "usage", "free", "max", "cadence")},
        },
        "plan",
        "charge",
    ),
}
EVENT: dict[str, Check] = {
    "on": day,
    "at": _instant,
    "account": _text,
    **HAPPENS,
    "period": _whole(1),
    "quantities": _names(_number()),
    "trial": _flag,
    "promotions": _PROMOTIONS,
    "method": _PAYMENT,
    "text": _label,
    "taxed": _flag,
    "every": _word("once", "month", "period"),
}
FILE: dict[str, Check] = {
    "title": _label,
    "rules": _list(_label),
    "accounts": _names(_maybe(_keys(ACCOUNT))),
    "sellers": _maybe(_names(_maybe(_keys(SELLER)))),
    "plans": _maybe(_names(_maybe(_keys(PLAN)))),
    "customers": _maybe(_names(_maybe(_keys(CUSTOMER)))),
    "timeline": _list(_keys(EVENT, "account")),
    "until": day,
    "expect": _maybe(_names(_maybe(_names(lambda value: None)))),
}
file = _keys(FILE, "accounts", "timeline", "until")
