# SPDX-License-Identifier: Apache-2.0
"""Checks how an Enterprise Server compares with what the sandbox takes for granted.

It reads only, unless told to write. Each check yields findings: what agrees, what differs, what is worth knowing. A check
that cannot be made is a finding too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from postledger_sandbox.verify import answers, behaviour, documents, writing
from postledger_sandbox.verify.findings import AGREES, DIFFERS, NOTE, Finding
from postledger_sandbox.verify.server import NotAsked, Server, Unreachable, Web, recognise

Check = Callable[[Server], Iterator[Finding]]

IN_DOCUMENTS: tuple[Check, ...] = (
    documents.services,
    documents.operations,
    documents.actions,
    documents.classes,
    documents.enums,
)
AT_THE_DOOR: tuple[Check, ...] = (behaviour.credentials, behaviour.organizations)
READING: tuple[Check, ...] = (
    behaviour.nulls,
    behaviour.headers,
    behaviour.faults,
    behaviour.rights,
    answers.tables,
    answers.pages,
    answers.objects,
    answers.organizations,
)
WRITING: tuple[Check, ...] = (writing.life_of_a_user,)


def run(
    url: str,
    username: str,
    password: str,
    *,
    writes: bool = False,
    checks_tls: bool = True,
    show: Callable[[str], None] = print,
) -> int:
    """How many findings differ; every finding is shown as it comes.

    Raises:
        Unreachable: there is no Enterprise Server at the address.
    """
    name, server = recognise(url, username, password, Web(checks_tls=checks_tls))
    show(f"This is {name} ({server.contract.services['esUsers'].namespace})")
    counts = dict.fromkeys((AGREES, DIFFERS, NOTE), 0)

    def make(checks: tuple[Check, ...]) -> None:
        for check in checks:
            for finding in _findings(check, server):
                counts[finding.verdict] += 1
                show(str(finding))

    make((*IN_DOCUMENTS, *AT_THE_DOOR))
    if behaviour.is_let_in(server):
        make((*READING, *(WRITING if writes else ())))
    else:
        show("These credentials are not accepted, so nothing behind them was looked at.")
    show(f"{counts[AGREES]} agree, {counts[DIFFERS]} differ, {counts[NOTE]} notes")
    return counts[DIFFERS]


def _findings(check: Check, server: Server) -> Iterator[Finding]:
    try:
        yield from check(server)
    except (NotAsked, Unreachable) as error:
        yield Finding(DIFFERS, (check.__doc__ or "").splitlines()[0].rstrip("."), str(error))


__all__ = ["Unreachable", "run"]
