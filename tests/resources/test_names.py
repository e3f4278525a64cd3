"""Names: one form for each, and words for what is refused."""

import pytest

from postledger.resources import names


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Example.COM", "example.com"),
        (" mail.example.com. ", "mail.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("1and1.example", "1and1.example"),
    ],
)
def test_a_domain_gets_one_form(typed: str, kept: str) -> None:
    assert names.domain(text=typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "example",
        "a..b",
        "-a.example",
        "a-.example",
        "a_b.example",
        "192.0.2.1",
        "x" * 64 + ".example",
        "a b.example",
    ],
)
def test_what_is_no_domain_is_refused_with_words(typed: str) -> None:
    with pytest.raises(names.InvalidDomain) as caught:
        names.domain(text=typed)
    assert caught.value.reason == "invalid_domain"
    assert caught.value.message.endswith(".")


def test_a_domain_wider_than_the_platforms_column_is_refused() -> None:
    with pytest.raises(names.InvalidDomain, match="100 characters"):
        names.domain(text=".".join(["a" * 50] * 2) + ".com")


def test_record_names_may_have_underscores_and_a_star() -> None:
    assert names.record_name(text="_sip._TLS.Example.com.") == "_sip._tls.example.com"
    assert names.record_name(text="*.example.com") == "*.example.com"


def test_an_address_gets_one_form() -> None:
    assert names.address(text=" Ann.O'Brien+x@Example.COM ") == "ann.o'brien+x@example.com"


@pytest.mark.parametrize(
    "typed", ["ann", "@example.com", "ann@", "a..b@example.com", "a b@example.com", "ann@example"]
)
def test_what_is_no_address_is_refused_with_words(typed: str) -> None:
    with pytest.raises(names.InvalidAddress):
        names.address(text=typed)


@pytest.mark.parametrize("typed", ["a", "-ann", "a/b", "a:b", "ann lee", "x" * 51, "müller"])
def test_what_cannot_be_a_login_name_is_refused(typed: str) -> None:
    with pytest.raises(names.InvalidUsername):
        names.username(text=typed)


@pytest.mark.parametrize("typed", ["1acme", "a", "acme-eu", "acmeacmeac", ""])
def test_what_cannot_be_an_organization_code_is_refused(typed: str) -> None:
    with pytest.raises(names.InvalidOrganizationCode):
        names.organization_code(text=typed)


@pytest.mark.parametrize(
    "text", ["acme.example", "4-you.example", "x", "Bücher & Söhne GmbH und Partner", "…", "7.example"]
)
def test_a_suggested_code_is_always_valid_and_free(text: str) -> None:
    taken: set[str] = set()
    for _ in range(120):
        code = names.suggest_organization_code(text=text, taken=frozenset(taken))
        assert names.organization_code(text=code) == code
        assert code not in taken
        taken.add(code)
