"""The guide to the API speaks of routes that there are."""

import re
from pathlib import Path

from tests.api.conftest import routes

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "use-the-api.md"


def test_the_addresses_in_the_guide_exist():
    known = {re.sub(r"\{[^}]+\}", "#", path) for _, path, _ in routes()}
    mentioned = set(re.findall(r"\$API(/[a-z0-9/-]+)", GUIDE.read_text(encoding="utf-8")))
    assert len(mentioned) > 8
    assert {address for address in mentioned if re.sub(r"\d+", "#", address) not in known} == set()


def test_reasons_named_in_the_guide_exist():
    text = GUIDE.read_text(encoding="utf-8")
    for reason in (
        "credit_limit",
        "already_subscribed",
        "name_taken",
        "invalid_request",
        "idempotency_key_used",
    ):
        assert f"`{reason}`" in text or f'"{reason}"' in text
