"""What can be measured of a hosted Exchange account, and in which unit.

Invariant: a meter's code and unit never change their meaning; charges and readings refer to them for years.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

How = Literal["measured", "allocated", "counted"]
"""`measured`: bytes really there. `allocated`: what was granted, used or not. `counted`: things."""

COUNT = "count"
MIB = "MiB"


@dataclass(frozen=True, kw_only=True)
class Meter:
    """One thing a platform can tell about an account.

    Args:
        code: what charges and readings refer to.
        unit: `count` or `MiB` (1024 × 1024 bytes).
        title: words for a price list.
    """

    code: str
    unit: str
    title: str


_ALL = (
    Meter(code="exchange.organizations", unit=COUNT, title="Exchange organizations"),
    Meter(code="exchange.users", unit=COUNT, title="Users"),
    Meter(code="exchange.mailboxes", unit=COUNT, title="Mailboxes of users"),
    Meter(code="exchange.shared_mailboxes", unit=COUNT, title="Shared mailboxes"),
    Meter(code="exchange.resource_mailboxes", unit=COUNT, title="Room and equipment mailboxes"),
    Meter(code="exchange.contacts", unit=COUNT, title="Contacts"),
    Meter(code="exchange.lists", unit=COUNT, title="Distribution lists"),
    Meter(code="exchange.folders", unit=COUNT, title="Public folders"),
    Meter(code="exchange.domains", unit=COUNT, title="Mail domains"),
    Meter(code="exchange.disk", unit=MIB, title="Mailbox storage, measured"),
    Meter(code="exchange.disk_allocated", unit=MIB, title="Mailbox storage, granted by mailbox plans"),
    Meter(code="exchange.archive", unit=MIB, title="Archive storage, granted"),
    Meter(code="exchange.recoverable", unit=MIB, title="Recoverable items storage, granted"),
    Meter(code="exchange.activesync", unit=COUNT, title="Mailboxes with ActiveSync"),
    Meter(code="exchange.blackberry", unit=COUNT, title="BlackBerry users"),
    Meter(code="exchange.ocs", unit=COUNT, title="Office Communications users"),
    Meter(code="exchange.lync", unit=COUNT, title="Lync users"),
    Meter(code="exchange.sfb", unit=COUNT, title="Skype for Business users"),
    Meter(code="space.disk", unit=MIB, title="Storage of the whole account, measured"),
    Meter(code="space.traffic", unit=MIB, title="Traffic of the whole account"),
)

METERS: Mapping[str, Meter] = {meter.code: meter for meter in _ALL}
"""Every meter by its code."""
