# SPDX-License-Identifier: Apache-2.0
"""Checks how an Enterprise Server compares with what the sandbox takes for granted.

It reads only, unless told to write. Each check yields findings: what agrees, what differs, what is worth knowing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from postledger_sandbox import contract as contracts
from postledger_sandbox.verify import behaviour, documents, writing
from postledger_sandbox.verify.findings import AGREES, DIFFERS, NOTE, Finding
from postledger_sandbox.verify.server import Server, Unreachable, recognise

Check = Callable[[Server], Iterator[Finding]]

READING: tuple[Check, ...] = (
    documents.services,
    documents.operations,
    documents.classes,
    behaviour.credentials,
    behaviour.organizations,
    behaviour.nulls,
    behaviour.headers,
    behaviour.faults,
    behaviour.tables,
    behaviour.rights,
)
WRITING: tuple[Check, ...] = (writing.life_of_a_user,)


def run(
    url: str, username: str, password: str, *, writes: bool = False, show: Callable[[str], None] = print
) -> int:
    """How many findings differ; every finding is shown as it comes.

    Raises:
        Unreachable: there is no Enterprise Server at the address.
    """
    server = recognise(url, username, password)
    dialect = server.contract.dialect
    show(f"This is {contracts.DIALECTS[dialect]} ({contracts.NAMESPACES[dialect]})")
    counts = dict.fromkeys((AGREES, DIFFERS, NOTE), 0)
    for check in (*READING, *(WRITING if writes else ())):
        for finding in check(server):
            counts[finding.verdict] += 1
            show(str(finding))
    show(f"{counts[AGREES]} agree, {counts[DIFFERS]} differ, {counts[NOTE]} notes")
    return counts[DIFFERS]


__all__ = ["Unreachable", "run"]
