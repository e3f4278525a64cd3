"""Scenario files as plain values: YAML 1.2, exact decimals, and the line and column of whatever is wrong."""

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError

from postledger.cli import _shapes

STDIN = Path("-")


class BadFile(Exception):
    """A scenario file that cannot be read; the message starts with file, line and column."""


class Story:
    """A scenario file: its values, and where in the file each stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._tree = _yaml().load(sys.stdin.read() if path == STDIN else path.read_text(encoding="utf-8"))
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
        self.values: dict[str, Any] = _filled(_plain(self._tree))

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
        complaint = _shapes.file(self._tree)
        if complaint is not None:
            where, words = complaint
            raise self.error(words, where)
        for index, event in enumerate(self._tree["timeline"]):
            place = ("timeline", index)
            if ("on" in event) == ("at" in event):
                raise self.error("an event has either a day (`on`) or an instant (`at`)", place)
            happens = [key for key in event if key in _shapes.HAPPENS]
            if not happens:
                raise self.error(f"nothing happens here; known are {', '.join(_shapes.HAPPENS)}", place)
            if len(happens) > 1 and set(happens) != {"reading", "daily"}:
                raise self.error(f"{' and '.join(happens)} are two events; write each for itself", place)


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    """The values with what was left empty as empty mappings, and days as dates."""
    for section in ("accounts", "sellers", "plans", "customers", "expect"):
        if section in values:
            values[section] = {name: given or {} for name, given in (values[section] or {}).items()}
    for event in values["timeline"]:
        event.update({key: _shapes.as_day(event[key]) for key in ("on", "change_start") if key in event})
    values["until"] = _shapes.as_day(values["until"])
    return values


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
