"""The documentation keeps up with the code: commands, settings, connectors, routes, words, links."""

import difflib
import re
from pathlib import Path

import pytest

from docs import generate

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("changelog.d/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^|\s|`|/)postledger ([a-z][a-z-]*(?: [a-z][a-z-]*)?)")
# Every word of the house, as the glossary has to explain it.
WORDS = [
    "account",
    "seller",
    "buyer",
    "provider",
    "reseller",
    "customer",
    "user",
    "viewer",
    "role",
    "token",
    "ledger_account",
    "ledger_entry",
    "posting",
    "wholesale",
    "margin",
    "product",
    "plan",
    "plan_version",
    "charge",
    "price",
    "price_list",
    "subscription",
    "subscription_item",
    "quantity",
    "dated_change",
    "billing_period",
    "billing_cycle",
    "anchor",
    "in_advance",
    "in_arrears",
    "proration",
    "meter",
    "reading",
    "usage",
    "quota",
    "billing_run",
    "rating",
    "unbilled",
    "invoice",
    "invoice_line",
    "credit_note",
    "refund",
    "payment",
    "allocation",
    "resource",
    "desired",
    "observed",
    "generation",
    "condition",
    "changeset",
    "reconcile",
    "adopt",
    "brake",
    "drift",
    "zone",
    "connection",
    "connector",
    "platform",
    "sandbox",
    "sign-on",
    "operation",
    "query",
    "workflow",
    "door",
    "refusal",
    "event",
    "outbox",
]


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_reference_page_is_what_the_code_says(name):
    written = (generate.REFERENCE / name).read_text(encoding="utf-8").splitlines()
    said = generate.PAGES[name]().splitlines()
    differences = [line for line in difflib.unified_diff(written, said, lineterm="", n=0) if line[:2] != "@@"]
    assert differences[:20] == [], "run script/reference"


def test_every_setting_says_what_it_means():
    short = [setting.name for setting in generate.environment.ALL if len(setting.meaning) < 40]
    assert short == []


def test_every_route_says_what_it_does():
    silent = [
        f"{method} {path}"
        for path, operations in generate.routes().items()
        for method, operation in operations.items()
        if not operation.get("description")
    ]
    assert silent == []


@pytest.mark.parametrize("word", WORDS)
def test_the_glossary_explains(word):
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert f"**{word.replace('_', ' ')}**" in glossary


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    broken = [
        target
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not target.startswith(("http://", "https://", "mailto:", "#"))
        and not (page.parent / target.split("#")[0]).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_mentioned_exist(page):
    known = {
        " ".join(path[:length]) for path, _ in generate.commands(generate.postledger) for length in (1, 2)
    }
    groups = {path[0] for path, _ in generate.commands(generate.postledger) if len(path) > 1}
    blocks = [
        line
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("    ") or "`postledger " in line
    ]
    mentioned = [found for line in blocks for found in COMMAND.findall(line)]
    unknown = [
        words
        for words in mentioned
        if (words if words.split()[0] in groups else words.split()[0]) not in known
    ]
    assert unknown == []


def test_scripts_say_what_they_are_for():
    silent = [
        script.name
        for script in (ROOT / "script").iterdir()
        if not script.read_text().splitlines()[1].startswith("# ")
    ]
    assert silent == []


def test_scripts_that_are_mentioned_exist():
    mentioned = {
        name for page in PAGES for name in re.findall(r"script/([a-z-]+)", page.read_text(encoding="utf-8"))
    }
    assert sorted(name for name in mentioned if not (ROOT / "script" / name).exists()) == []


def test_changelog_fragments_say_what_kind_of_change_they_are():
    astray = [
        path.name
        for path in (ROOT / "changelog.d").iterdir()
        if path.name != "README.md"
        and not re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", path.name)
    ]
    assert astray == []
