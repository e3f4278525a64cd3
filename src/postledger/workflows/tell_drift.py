"""Tell a seller's operators what is new about his platform, once a night at most."""

import datetime as dt

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core import money
from postledger.events import operations as events
from postledger.provisioning import differences, queries
from postledger.provisioning.types import DifferenceView

_SHOWN = 40


def tell_drift(*, connection_id: int, now: dt.datetime) -> int:
    """How many mails were put in the outbox; none when nothing is new, or when the operators were told today already."""
    viewer = Viewer.system()
    held = queries.connection(viewer, connection_id)
    zone = accounts.time_zone_of(held.seller_id)
    today = now.astimezone(zone).date()
    last = differences.last_told_at(connection_id=connection_id)
    fresh = differences.untold(connection_id=connection_id)
    if not fresh or (last is not None and last.astimezone(zone).date() >= today):
        return 0
    operators = [
        user
        for user in accounts.users_of(viewer, held.seller_id)
        if user.is_active and user.role in ("owner", "staff")
    ]
    with transaction.atomic():
        for user in operators:
            events.enqueue_mail(
                seller_id=held.seller_id,
                account_id=held.seller_id,
                key=f"drift-{connection_id}-{today}-{user.id}",
                to=user.email,
                subject=f"{held.name}: {len(fresh)} new difference{'s' if len(fresh) != 1 else ''} on the platform",
                body=_body(held.name, fresh),
                now=now,
            )
        differences.told(difference_ids=[line.id for line in fresh], now=now)
    return len(operators)


def _body(name: str, fresh: tuple[DifferenceView, ...]) -> str:
    sums: dict[str, int] = {}
    for line in fresh:
        if line.worth:
            sums[line.currency] = sums.get(line.currency, 0) + line.worth
    parts = [
        f"The nightly walk over {name} found what is otherwise there than here or on the last invoice.",
        "",
    ]
    if sums:
        told = ", ".join(
            f"{currency} {money.text(amount, currency)}" for currency, amount in sorted(sums.items())
        )
        parts += [f"Together it is worth {told} a month.", ""]
    for line in fresh[:_SHOWN]:
        amount = f" ({line.currency} {money.text(line.worth, line.currency)} a month)" if line.worth else ""
        parts.append(f"- {line.name}{amount}: {line.words}")
    if len(fresh) > _SHOWN:
        parts.append(f"- and {len(fresh) - _SHOWN} more")
    parts += ["", "Open Drift in the panel to act on each, or to say why it is right."]
    return "\n".join(parts)
