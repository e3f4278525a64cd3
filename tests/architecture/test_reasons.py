"""Whatever can stop the work on a platform has a code, words for a person, and a place where it ends up."""

import ast
from dataclasses import dataclass

import pytest

from postledger.connectors import contract
from postledger.connectors.wsp import codes
from postledger.provisioning import releases
from postledger.provisioning.models import Resource
from postledger.web.templatetags import panel
from postledger.workflows import _platform
from tests.architecture.house import modules, tree

FAILURES = {
    "TemporaryFailure": "later",
    "PermanentFailure": "stop",
    "NeedsOperator": "stop",
    "Missing": "stop",
}
WHERE = ("connectors/**/*.py", "workflows/*.py", "resources/*.py", "provisioning/*.py")

# Failures of one thing and not of its whole connection. A thing that fails so is tried again by itself with growing
# delays (later), or waits for its seller with the words of the failure (stop).
OF_ONE_THING = {
    "later": {
        *("vanished", "not_shown", "still_working", "not_settled", "zone_changed"),
        *("fault", "platform_failed", "unreadable_answer", "billing", "no_reading", "busy"),
        "left_alone",  # its connection waits already
        "overtaken",  # read again in the same collection
    },
    "stop": {
        # somebody decides, and then it goes on
        *("mass_change", "unexpected_deletion", "holds_more", "confirm_adoption"),
        # something has to be put right on the platform, or another plan or name chosen
        *("belongs_to_someone_else", "held_by_another", "several_accounts", "several_organizations"),
        *("ambiguous_account", "ceiling_below_addons", "reseller_quota", "no_portal"),
        *("no_plan", "no_such_plan", "plan_not_ours", "plan_in_use", "recoverable_too_small"),
        *("account_has_accounts", "has_nested", "zone_exists", "domain_in_use", "not_configured"),
        *("subscription_new", "subscription_suspended", "subscription_cancelled", "must_be_administrator"),
        *("login_disabled", "login_locked", "deleted_with_problems", "empty_letter"),
        *("is_crm_user", "is_ocs_user", "is_lync_user"),
        # the release there cannot do it, or a bug of ours
        *("not_supported", "unreadable_request", "too_long", "refused"),
        # a zone, not a thing on a platform: told beside the zone
        *("no_zone", "names_needed"),
        # the connection itself, before anything is asked of it
        *("encryption_key_missing", "stopped"),
        "vanished",
    },
}


@dataclass(frozen=True)
class Raised:
    place: str
    kind: str  # later, stop
    reason: str | None
    words: str


def _raised() -> list[Raised]:
    found = []
    for module, path in modules(*WHERE):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                call = node.exc
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
                call = node.value
            else:
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in FAILURES and name != "Missing":
                given = {word.arg: word.value for word in call.keywords}
                reason = given.get("reason")
                found.append(
                    Raised(
                        place=f"{module}:{node.lineno}",
                        kind=FAILURES[name],
                        reason=_literal(reason, path),
                        words=_words(call.args[0]) if call.args else "",
                    )
                )
    return found


def _words(node: ast.AST) -> str:
    """The text as it is written, a letter in place of each value; nothing when it is made elsewhere."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "X." for part in parts)
    return ""


def _literal(node: ast.AST | None, path) -> str | None:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Attribute(attr="MASS_CHANGE"):
            return "mass_change"
        case ast.Attribute(attr="reason") | ast.JoinedStr():
            return ""  # handed on, or the number of a code nobody listed
    return None


def _meanings() -> list[codes.Meaning]:
    return [*codes.MEANINGS.values(), *(meaning for _, meaning in codes._FAULTS)]


def _all() -> set[tuple[str, str]]:
    of_codes = {
        ("later" if m.kind == "temporary" else "stop", m.reason) for m in _meanings() if m.kind != "refusal"
    }
    of_classes = {("stop", "not_supported"), ("stop", "belongs_to_someone_else")}
    return of_codes | of_classes | {(found.kind, found.reason) for found in _raised() if found.reason}


def test_every_failure_has_a_code():
    assert [found.place for found in _raised() if found.reason is None] == []


def test_every_code_ends_up_somewhere():
    whole = {("later", reason) for reason in _platform.PASSES} | {
        ("stop", reason) for reason in _platform.BLOCKS
    }
    single = {(kind, reason) for kind, reasons in OF_ONE_THING.items() for reason in reasons}
    assert sorted(_all() - whole - single) == []
    assert sorted(whole & single) == []


def test_no_code_is_provided_for_that_nothing_raises():
    known = {reason for _, reason in _all()}
    listed = {*_platform.PASSES, *_platform.BLOCKS, *OF_ONE_THING["later"], *OF_ONE_THING["stop"]}
    assert sorted(listed - known) == []


def test_what_can_be_decided_is_something_that_stops():
    assert sorted(releases.DECIDABLE - OF_ONE_THING["stop"] - {"changed_there"}) == []


@pytest.mark.parametrize("found", _raised(), ids=lambda found: found.place.rpartition(".")[2])
def test_a_failure_is_told_in_sentences(found):
    assert not found.words or found.words.endswith("."), found.words
    assert "exchange." not in found.words and "_" not in found.words, found.words


@pytest.mark.parametrize("meaning", _meanings(), ids=lambda meaning: meaning.reason)
def test_a_code_of_the_platform_is_told_in_sentences(meaning):
    assert meaning.text.endswith(".") and "_" not in meaning.text and len(meaning.text.split()) > 4


def test_every_condition_has_words_on_every_page():
    for code, words in Resource.CONDITIONS:
        assert words and str(panel.badge(code)), code


@pytest.mark.parametrize("reason", sorted(_platform.BLOCKS))
def test_what_stops_a_whole_connection_is_no_matter_of_one_customer(reason):
    """A refusal is told to the customer word for word; what is wrong with our own account there is not his to read."""
    assert reason not in {meaning.reason for meaning in _meanings() if meaning.kind == "refusal"}
    assert issubclass(contract.ForeignObject, contract.NeedsOperator)
