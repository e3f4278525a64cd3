# SPDX-License-Identifier: Apache-2.0
"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass

AGREES, DIFFERS, NOTE = "agrees", "differs", "note"


@dataclass(frozen=True)
class Finding:
    """One line of the report: "agrees", "differs" or "note", what was looked at, and what was found."""

    verdict: str
    subject: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:8} {self.subject}" + (f": {self.text}" if self.text else "")
