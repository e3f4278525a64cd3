# SPDX-License-Identifier: Apache-2.0
"""esPackages: hosting plans, add-ons, packages ("spaces"), quotas and their use."""

from postledger_sandbox.services.packages import (
    addons,
    changing,
    items,
    plans,
    reading,
    searching,
    settings,
    usage,
)
from postledger_sandbox.services.packages.shared import SYSTEM, operations

__all__ = [
    "SYSTEM",
    "addons",
    "changing",
    "items",
    "operations",
    "plans",
    "reading",
    "searching",
    "settings",
    "usage",
]
