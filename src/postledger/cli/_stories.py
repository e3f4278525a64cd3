"""Scenario files as plain values: YAML 1.2, exact decimals, and the line and column of whatever is wrong."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError

_TOP = {"title", "rules", "accounts", "sellers", "plans", "customers", "timeline", "until", "expect"}
_ACCOUNT = {"kind", "seller", "currency", "time_zone", "payment", "credit_limit", "country"}
_SELLER = {"collection", "taxes", "dunning", "no_charge_notice"}
_CUSTOMER = {"payment", "credit_limit", "tax_exempt", "opening_balance", "promotions"}
_PLAN = {
    *("seller", "periods", "refund_percent", "money_back_days", "trial", "moderated", "grandfathered"),
    *("charges", "packages"),
}
_CHARGE = {
    *("measure", "cadence", "timing", "aggregate", "free", "max", "setup", "recurring", "usage", "step"),
    *("started_unit", "activated", "unit", "commitment", "reserved"),
}
_EVENT = {
    *(
        "on",
        "at",
        "account",
        "subscribe",
        "period",
        "quantities",
        "trial",
        "promotions",
        "activate",
        "convert",
    ),
    *(
        "set",
        "switch_on",
        "switch_off",
        "buy_package",
        "reading",
        "daily",
        "platform",
        "jobs",
        "delete_exchange",
    ),
    *(
        "change_plan",
        "change_period",
        "change_start",
        "move_to_monthly",
        "cancel",
        "suspend",
        "resume",
        "pay",
    ),
    *("method", "card", "credit", "debit", "text", "taxed", "every", "price"),
}


class BadFile(Exception):
    """A scenario file that cannot be read; the message starts with file, line and column."""


class Story:
    """A scenario file: its values, and where in the file each stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._tree = _yaml().load(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise BadFile(f"{path}: there is no such file") from error
        except (UnicodeDecodeError, OSError) as error:
            raise BadFile(f"{path}: the file cannot be read: {error}") from error
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
            raise BadFile(f"{path}:{at}: {error.problem or error.context}") from error
        except ValueError as error:
            raise BadFile(f"{path}: {error}") from error
        self._check()
        self.values: dict[str, Any] = _plain(self._tree)

    def error(self, message: str, where: Sequence[Any] = ()) -> BadFile:
        """A complaint about the place that `where` leads to."""
        line, column = self._position(where)
        return BadFile(f"{self.path}:{line}:{column}: {message}")

    def _position(self, where: Sequence[Any]) -> tuple[int, int]:
        node, found = self._tree, (1, 1)
        for key in where:
            try:
                line, column = node.lc.key(key) if isinstance(node, Mapping) else node.lc.item(key)
                found = (line + 1, column + 1)
                node = node[key]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return found

    def _check(self) -> None:
        tree = self._tree
        if not isinstance(tree, Mapping):
            raise BadFile(f"{self.path}:1:1: a scenario is a mapping with accounts, plans and a timeline")
        self._known((), tree, _TOP)
        for needed in ("accounts", "timeline", "until"):
            if needed not in tree:
                raise self.error(f"`{needed}` is missing")
        for section, known in (
            ("accounts", _ACCOUNT),
            ("sellers", _SELLER),
            ("customers", _CUSTOMER),
            ("plans", _PLAN),
        ):
            for name, given in self._mapping((section,)).items():
                self._known(
                    (section, name), self._mapping((section, name)) if given is not None else {}, known
                )
        for name, plan in self._mapping(("plans",)).items():
            for charge in self._mapping(("plans", name, "charges")) if "charges" in plan else {}:
                place = ("plans", name, "charges", charge)
                given = self._mapping(place)
                self._known(place, given, _CHARGE)
                if "measure" not in given:
                    raise self.error(f"charge {charge} needs a measure: fixed, reserved or metered", place)
        if not isinstance(tree["timeline"], Sequence) or isinstance(tree["timeline"], str):
            raise self.error("the timeline is a list of events", ("timeline",))
        for index, event in enumerate(tree["timeline"]):
            self._check_event(("timeline", index), event)
        if not isinstance(tree["until"], dt.date):
            raise self.error("`until` is a date such as 2025-05-02", ("until",))

    def _check_event(self, place: tuple[Any, ...], event: Any) -> None:
        if not isinstance(event, Mapping):
            raise self.error(
                "an event is a mapping such as {on: 2025-04-01, account: acme, pay: 10.00}", place
            )
        self._known(place, event, _EVENT)
        if "account" not in event:
            raise self.error("an event needs an `account`", place)
        if ("on" in event) == ("at" in event):
            raise self.error("an event has either a day (`on`) or an instant (`at`)", place)
        if "on" in event and (not isinstance(event["on"], dt.date) or isinstance(event["on"], dt.datetime)):
            raise self.error(f"`on` is a date such as 2025-04-01, not {event['on']!r}", (*place, "on"))
        if "at" in event and not isinstance(event["at"], dt.datetime):
            raise self.error(
                f"`at` is an instant such as 2025-04-01T22:30:00Z, not {event['at']!r}", (*place, "at")
            )

    def _mapping(self, place: tuple[Any, ...]) -> Mapping[Any, Any]:
        node = self._tree
        for key in place:
            node = node.get(key, {}) if isinstance(node, Mapping) else {}
        if node is None:
            return {}
        if not isinstance(node, Mapping):
            raise self.error(f"{place[-1]} is a mapping of names, not {_kind(node)}", place)
        return node

    def _known(self, place: tuple[Any, ...], given: Mapping[Any, Any], known: set[str]) -> None:
        for key in given:
            if key not in known:
                raise self.error(
                    f"{key!r} is not known here; known are {', '.join(sorted(known))}", (*place, key)
                )


class _Exact(RoundTripConstructor):
    """Decimals stay the decimals that were typed."""


def _decimal(constructor: Any, node: Any) -> Decimal:
    text = constructor.construct_scalar(node).replace("_", "")
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ConstructorError(problem=f"{text} is not a number", problem_mark=node.start_mark)
    return value


def _date(constructor: Any, node: Any) -> Any:
    try:
        return constructor.construct_yaml_timestamp(node)
    except ValueError as error:
        raise ConstructorError(
            problem=f"{node.value} is no date: {error}", problem_mark=node.start_mark
        ) from error


_Exact.add_constructor("tag:yaml.org,2002:float", _decimal)
_Exact.add_constructor("tag:yaml.org,2002:timestamp", _date)


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.Constructor = _Exact
    yaml.allow_duplicate_keys = False
    return yaml


def _plain(node: Any) -> Any:
    """Plain values, without the reader's own types."""
    if isinstance(node, Mapping):
        return {_plain(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    if isinstance(node, bool) or node is None or isinstance(node, Decimal):
        return node
    if isinstance(node, dt.datetime):
        return dt.datetime(*node.timetuple()[:6], tzinfo=node.tzinfo)
    if isinstance(node, dt.date):
        return node
    if isinstance(node, int):
        return int(node)
    return str(node)


def _kind(node: Any) -> str:
    return "a list" if isinstance(node, Sequence) and not isinstance(node, str) else f"{node!r}"
