"""Play scenario files: try a price list, and see the statements that come out."""

import datetime as dt
import json
import sys
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click
from django.core.management import call_command
from django.db import connection
from rich import box
from rich.console import Console
from rich.table import Table

from postledger.cli import _stories
from postledger.core.errors import Refusal
from postledger.workflows import simulate

SCHEMA = "postledger_simulation"
_APPS = (
    "events",
    "accounts",
    "catalog",
    "ledger",
    "subscriptions",
    "usage",
    "provisioning",
    "billing",
    "payments",
)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document, or a list of them for several files."
)
def command(files: tuple[Path, ...], as_json: bool) -> None:
    """Play scenario FILES through the real operations, billing run and ledger, and print the statements.

    A directory stands for the *.yaml files in it, and - for standard input. Each is played for itself, on its own clock, and leaves nothing behind. Where a file says what it expects, the
    result is compared, what differs is told, and the exit status is 1.
    """
    _use_own_schema()
    told, has_failed = [], False
    paths = [path for given in files for path in _files(given)]
    for path in paths:
        try:
            story = _stories.Story(path)
            result = _play(story)
        except _stories.BadFile as error:
            has_failed = True
            click.echo(str(error), err=True)
            told.append({"file": str(path), "error": str(error)})
            continue
        differences = compare(story.values.get("expect") or {}, result["accounts"])
        has_failed = has_failed or bool(differences)
        if "expect" in story.values:
            result["differences"] = differences
        told.append({"file": str(path), **result} if len(paths) > 1 else result)
        if not as_json:
            _print(story, result, differences)
    if as_json:
        click.echo(json.dumps(told if len(paths) > 1 else told[0], indent=2, ensure_ascii=False))
    sys.exit(1 if has_failed else 0)


def _files(given: Path) -> list[Path]:
    found = sorted(given.glob("*.yaml")) if given.is_dir() else [given]
    if not found:
        raise click.ClickException(f"{given}: there is no *.yaml file in this directory")
    return found


def _play(story: _stories.Story) -> dict[str, Any]:
    try:
        return simulate.simulate(story.values)
    except simulate.StoryError as error:
        raise story.error(str(error), error.path) from error
    except Refusal as refusal:
        raise story.error(f"this story cannot be played: {refusal}") from refusal
    except Exception as error:  # the other files are still to be played
        words = f"a fault of Postledger, not of the story: {type(error).__name__}: {error}"
        raise story.error(words) from error


def _use_own_schema() -> None:
    """Play in a schema of our own, so that no real account is ever in reach of a story."""
    connection.close()
    options = connection.settings_dict.setdefault("OPTIONS", {})
    options["options"] = f"-c search_path={SCHEMA}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7002)")
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        for app in _APPS:
            call_command("migrate", app, verbosity=0, interactive=False)
        cursor.execute("SELECT pg_advisory_unlock(7002)")


def compare(expect: Mapping[str, Any], accounts: Mapping[str, Any]) -> list[str]:
    """What differs from what was expected, a sentence each; keys that are not named are ignored."""
    differences: list[str] = []
    for name, wanted in expect.items():
        if name not in accounts:
            differences.append(f"{name}: there is no such account")
            continue
        for key, value in wanted.items():
            _compare(f"{name}.{key}", value, accounts[name].get(key), differences)
    return differences


def _compare(path: str, wanted: Any, got: Any, differences: list[str]) -> None:
    if isinstance(wanted, list):
        if not isinstance(got, list) or len(wanted) != len(got):
            differences.append(f"{path}: expected {len(wanted)} entries, got {len(got or [])}")
        for index in range(max(len(wanted), len(got or []))):
            if index >= len(wanted):
                differences.append(f"{path}[{index}]: not expected: {_short(got[index])}")
            elif index >= len(got or []):
                differences.append(f"{path}[{index}]: missing: {_short(wanted[index])}")
            else:
                _compare(f"{path}[{index}]", wanted[index], got[index], differences)
    elif isinstance(wanted, Mapping):
        if not isinstance(got, Mapping):
            differences.append(f"{path}: expected {_short(wanted)}, got {got!r}")
            return
        for key, value in wanted.items():
            _compare(f"{path}.{key}", value, got.get(key), differences)
    elif not _is_equal(wanted, got):
        differences.append(f"{path}: expected {_short(wanted)}, got {_short(got)}")


def _is_equal(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, bool) or wanted is None:
        return wanted == got
    if isinstance(wanted, dt.date):
        return got == wanted.isoformat()
    try:  # numbers, quoted or not
        return wanted == got or Decimal(str(wanted)) == Decimal(str(got))
    except InvalidOperation:
        return False


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{key}: {_short(part)}" for key, part in value.items() if part is not None) + "}"
        )
    return str(value)


def _print(story: _stories.Story, result: Mapping[str, Any], differences: list[str]) -> None:
    console = Console(soft_wrap=False)
    console.rule(f"[bold]{story.values.get('title', story.path.name)}")
    for name, account in result["accounts"].items():
        table = Table(
            title=f"{name}: {account['state'] or 'no subscription'}, balance {account['balance']}",
            title_justify="left",
            box=box.SIMPLE_HEAD,
        )
        for column, justify in (
            ("Date", "left"),
            ("What", "left"),
            ("For", "left"),
            ("Sum", "left"),
            ("Amount", "right"),
            ("Balance", "right"),
        ):
            table.add_column(column, justify=justify)  # type: ignore[arg-type]
        for line in account["lines"]:
            days = f"{line['from']} – {line['to']}" if line["from"] else ""
            table.add_row(
                line["on"],
                f"{line['kind']} {line['item']}",
                days,
                line["explanation"],
                line["amount"],
                line["balance"],
            )
        console.print(table)
        for refused in account["refused"]:
            console.print(f"  {refused['on']}: {refused['event']} was refused: {refused['message']}")
        for notice in account["notices"]:
            console.print(f"  {notice['on']}: notice {notice['kind']}")
        for waiting in account["pending"]:
            console.print(f"  usage of {waiting['item']} since {waiting['from']} waits for a reading")
        if account["parked"]:
            console.print(f"  parked, not billed: {account['parked']}", style="red")
        if account["next_close"]:
            console.print(f"  next close: {account['next_close']}")
    for difference in differences:
        console.print(f"[red]differs[/red] {difference}")
    if "expect" in story.values and not differences:
        console.print("[green]as expected[/green]")
