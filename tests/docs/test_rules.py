"""Every rule of billing is explained, and the table of rules names code and tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = [
    f"{family}{number}"
    for family, last in (("R", 10), ("C", 6), ("U", 12), ("F", 9), ("M", 11))
    for number in range(1, last + 1)
]
ROWS = {
    cells[0]: cells[1:]
    for cells in (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "docs/reference/rules.md").read_text(encoding="utf-8").splitlines()
        if re.match(r"\| [RCUFM]\d+ \|", line)
    )
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_explained(rule):
    assert f"**{rule}.**" in (ROOT / "docs/explanation/billing-rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", RULES)
def test_the_code_of_a_rule_exists(rule):
    code, tests = ROWS[rule]
    named = [ROOT / "src/postledger" / name for name in re.findall(r"`([^`]+)`", code)]
    named += [ROOT / "tests" / name for name in re.findall(r"`([^`]+)`", tests)]
    assert len(named) >= 2
    assert [str(path) for path in named if not path.exists()] == []


@pytest.mark.parametrize("rule", RULES)
def test_the_code_and_the_tests_of_a_rule_cite_it(rule):
    code, tests = ROWS[rule]
    named = [ROOT / "src/postledger" / name for name in re.findall(r"`([^`]+)`", code)]
    named += [ROOT / "tests" / name for name in re.findall(r"`([^`]+)`", tests)]
    assert [str(path) for path in named if not _cites(path.read_text(encoding="utf-8"), rule)] == []


def _cites(text: str, rule: str) -> bool:
    """Whether a text names a rule, by itself or in a span such as R1–R4."""
    family, number = rule[0], int(rule[1:])
    spans = re.findall(rf"\b{family}(\d+)–{family}(\d+)", text)
    return bool(re.search(rf"\b{rule}\b", text)) or any(int(a) <= number <= int(b) for a, b in spans)


def test_the_table_has_no_other_rules():
    assert list(ROWS) == RULES
