# SPDX-License-Identifier: Apache-2.0
"""The operations, one module per service."""

from postledger_sandbox.services import (
    authentication,
    blackberry,
    exchange,
    housekeeping,
    lync,
    ocs,
    organizations,
    packages,
    portal_settings,
    self_service,
    servers,
    users,
)

ALL = [
    authentication.operations,
    users.operations,
    packages.operations,
    servers.operations,
    organizations.operations,
    exchange.operations,
    blackberry.operations,
    ocs.operations,
    lync.lync,
    lync.sfb,
    housekeeping.tasks,
    housekeeping.scheduler,
    housekeeping.system,
    housekeeping.audit,
    housekeeping.comments,
    housekeeping.trial,
]

# These add to the operations of the modules above.
__all__ = ["ALL", "portal_settings", "self_service"]
