"""Report what is otherwise on a platform than here or on the last invoices, and what it is worth."""

import dataclasses
import json

import click

from postledger import clock
from postledger.accounts.types import Viewer
from postledger.connectors import contract, registry
from postledger.core import money
from postledger.core.errors import NeedsOperator
from postledger.provisioning import differences, queries
from postledger.provisioning.types import ConnectionView, DifferenceView
from postledger.resources import exchange
from postledger.workflows import find_drift

_SHOWN = (
    "code",
    "name",
    "meter",
    "words",
    "there",
    "here",
    "billed",
    "worth",
    "currency",
    "action",
    "account_id",
)


@click.command()
@click.option(
    "--connection", "connection_id", type=int, help="Only this connection; else all that host Exchange."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, amounts as decimal texts.")
@click.option("--last", is_flag=True, help="What the last walk found, without a new one.")
def command(connection_id: int | None, as_json: bool, last: bool) -> None:
    """Walk over the platforms now and list every difference with its value a month, the dearest first.

    Nothing is changed, there or here. What somebody ignores in the panel is left out.
    """
    viewer = Viewer.system()
    chosen = [
        held
        for held in queries.enabled_connections()
        if exchange.ACCOUNT in registry.get(held.connector).kinds
        and (connection_id is None or held.id == connection_id)
    ]
    if connection_id is not None and not chosen:
        queries.connection(viewer, connection_id)
        raise NeedsOperator(
            f"Connection {connection_id} is switched off or hosts no Exchange.", reason="not_usable"
        )
    told = []
    for held in chosen:
        if not last:
            _walk(held, is_quiet=as_json)
        told.append((held, differences.differences_of(viewer, held.id)))
    if as_json:
        click.echo(
            json.dumps(
                [
                    {
                        "connection": held.id,
                        "name": held.name,
                        "differences": [_plain(line) for line in lines],
                        "worth": _sums(lines),
                    }
                    for held, lines in told
                ],
                indent=2,
            )
        )
        return
    for held, lines in told:
        _print(held, lines)


def _walk(held: ConnectionView, *, is_quiet: bool) -> None:
    try:
        if is_quiet:
            find_drift.find_drift(connection_id=held.id, now=clock.now())
            return
        with click.progressbar(length=100, label=f"Walking over {held.name}") as bar:
            find_drift.find_drift(
                connection_id=held.id,
                now=clock.now(),
                tell=lambda seen, total: bar.update(100 * seen // max(1, total) - bar.pos),
            )
    except contract.Failure as error:
        raise NeedsOperator(str(error), reason=error.reason) from error


def _print(held: ConnectionView, lines: tuple[DifferenceView, ...]) -> None:
    if not lines:
        click.echo(f"{held.name}: everything is as it is kept here.")
        return
    sums = ", ".join(f"{currency} {worth}" for currency, worth in _sums(lines).items())
    count = "1 difference" if len(lines) == 1 else f"{len(lines)} differences"
    click.echo(f"{held.name}: {count}" + (f", worth {sums} a month." if sums else "."))
    for code, of_code in _by_code(lines):
        worth = ", ".join(f"{currency} {amount}" for currency, amount in _sums(of_code).items())
        click.echo(f"  {len(of_code):6} {code}" + (f", worth {worth}" if worth else ""))
    for line in lines:
        amount = f"{line.currency} {money.text(line.worth, line.currency)}" if line.worth is not None else "–"
        columns = f"there {line.there or '–'} | here {line.here or '–'} | billed {line.billed or '–'}"
        click.echo(f"  {amount:>12}  {line.code} {line.name}: {columns}")
        click.echo(f"  {'':12}  {line.words}" + (f" Proposed: {line.action}." if line.action else ""))


def _by_code(lines: tuple[DifferenceView, ...]) -> list[tuple[str, tuple[DifferenceView, ...]]]:
    """The differences of each code, in the order in which the codes come first."""
    found: dict[str, list[DifferenceView]] = {}
    for line in lines:
        found.setdefault(line.code, []).append(line)
    return [(code, tuple(of_code)) for code, of_code in found.items()]


def _plain(line: DifferenceView) -> dict[str, object]:
    everything = dataclasses.asdict(line)
    if line.worth is not None:
        everything["worth"] = money.text(line.worth, line.currency)
    return {name: everything[name] for name in _SHOWN}


def _sums(lines: tuple[DifferenceView, ...]) -> dict[str, str]:
    """What all of it is worth a month: currency → decimal text."""
    sums: dict[str, int] = {}
    for line in lines:
        if line.worth:
            sums[line.currency] = sums.get(line.currency, 0) + line.worth
    return {currency: money.text(worth, currency) for currency, worth in sorted(sums.items())}
