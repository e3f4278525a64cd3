"""Why an invoice line is as it is."""

import click

from postledger.accounts.types import Viewer
from postledger.billing import queries as billing


@click.command()
@click.argument("line", type=int)
def command(line: int) -> None:
    """Tell why invoice LINE is as it is: rule, price version, units, readings, share of the period, rounding.

    LINE is the number shown beside the line on the invoice page and in the API.
    """
    told = billing.explain(Viewer.system(), line)
    found, invoice = told.line, told.invoice
    days = f", {found.start} to {found.end} (the last day not included)" if found.start else ""
    click.echo(f"Invoice {invoice.number} of {invoice.on}: {found.kind} {found.item}{days}")
    click.echo(f"{found.amount_text} {found.currency}")
    for sentence in told.sentences:
        click.echo(f"  {sentence}")
