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
