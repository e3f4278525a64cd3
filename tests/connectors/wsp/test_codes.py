"""Every number the platform may answer with is one thing, in words."""

import pathlib

import pytest

from postledger.connectors import contract
from postledger.connectors.wsp import codes, soap
from postledger.core.errors import Refusal

DOCUMENTED = (
    *(-1, -2, *range(-116, -99), -200, -201, -202, *range(-305, -299)),
    *(*range(-511, -499), -999, -1100, -1101, -1501, -1502, -2602, -2606, *range(-2614, -2606)),
    *range(-2711, -2700),
)


@pytest.mark.parametrize("code", DOCUMENTED)
def test_each_documented_code_is_exactly_one_kind_with_words(code: int) -> None:
    error = codes.failure(code=code, what="the account acme")
    kinds = (Refusal, contract.TemporaryFailure, contract.PermanentFailure, contract.NeedsOperator)
    assert sum(isinstance(error, kind) for kind in kinds) == 1
    assert str(error)[0].isupper() and str(error)[-1] == "."
    assert "{" not in str(error)
    assert error.reason.replace("_", "").isalnum()  # type: ignore[attr-defined]


def test_no_other_code_is_listed() -> None:
    assert set(codes.MEANINGS) == set(DOCUMENTED)


@pytest.mark.parametrize(
    ("codes_", "kind"),
    [
        ((-100, -502, -1100, -2602, -2701), contract.PlatformRefusal),
        ((-500, -508, *range(-2612, -2606), -2703, -2707), contract.PlatformRefusal),
        ((-305, -103, -104, -105, -303, -304, -2704, -511), contract.NeedsOperator),
        ((-1, -101, -300), contract.TemporaryFailure),
    ],
)
def test_groups_mean_the_same_to_us(codes_: tuple[int, ...], kind: type[Exception]) -> None:
    assert {type(codes.failure(code=code, what="x")) for code in codes_} == {kind}


def test_an_unknown_code_goes_to_an_operator_with_its_number() -> None:
    error = codes.failure(code=-4711, what="the account acme")
    assert isinstance(error, contract.NeedsOperator)
    assert "-4711" in str(error)


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        (
            "Server … ---> You are not allowed to access this package",
            contract.ForeignObject,
            "belongs_to_someone_else",
        ),
        (
            "Server … ---> Object reference not set to an instance of an object.",
            contract.TemporaryFailure,
            "vanished",
        ),
        (
            "Server … ---> Unable to connect to the remote server",
            contract.TemporaryFailure,
            "agent_unreachable",
        ),
        ("Invalid user or password", contract.PermanentFailure, "credentials"),
        ("Server … ---> Something Exchange said", contract.TemporaryFailure, "fault"),
    ],
)
def test_a_fault_is_read_for_what_it_says(text: str, kind: type[Exception], reason: str) -> None:
    error = codes.fault(error=soap.Fault(code="Server", namespace="", text=text), what="the account acme")
    assert type(error) is kind
    assert error.reason == reason  # type: ignore[attr-defined]


def test_a_fault_is_shortened_to_its_innermost_message() -> None:
    error = codes.fault(
        error=soap.Fault(
            code="Server", namespace="", text="Outer. ---> Middle. ---> The\n  inside " + "x" * 400
        ),
        what="it",
    )
    assert "The inside" in str(error)
    assert "Outer" not in str(error)
    assert len(str(error)) < 400


def test_the_reference_lists_every_code_as_it_is() -> None:
    page = (pathlib.Path(__file__).parents[3] / "docs" / "reference" / "wsp.md").read_text()
    for code, meaning in codes.MEANINGS.items():
        words = meaning.text.replace("{what}", "…")
        assert f"| {code} | {meaning.kind.capitalize()} | `{meaning.reason}` | {words} |" in page
