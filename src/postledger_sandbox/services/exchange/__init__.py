# SPDX-License-Identifier: Apache-2.0
"""esExchangeServer: mailboxes, contacts, distribution lists, public folders, mailbox plans, devices, statistics."""

from postledger_sandbox.services.exchange import (
    accounts,
    addresses,
    calendars,
    compliance,
    devices,
    mailboxes,
    plans,
    recipients,
    statistics,
)
from postledger_sandbox.services.exchange.shared import operations

__all__ = [
    "accounts",
    "addresses",
    "calendars",
    "compliance",
    "devices",
    "mailboxes",
    "operations",
    "plans",
    "recipients",
    "statistics",
]
