"""Whose an account on a platform may be."""

from postledger.resources.matching import HINTS_AT_MOST, Customer, Found, Matcher

ACME = Customer(
    id=1,
    code="acme",
    name="Acme Ltd",
    email="Ann@acme.example",
    is_email_proved=True,
    zones=frozenset({"acme.example"}),
)
GLOBEX = Customer(id=2, code="globex", name="Globex", email="bob@globex.example", is_email_proved=False)


def _best(*customers, **found):
    return Matcher(customers=customers).best(found=Found(**{"username": "u", **found}))


def test_a_confirmed_address_is_a_proof():
    match = _best(ACME, GLOBEX, email="ann@ACME.example")
    assert match.customer_id == 1 and match.is_proved and match.score > HINTS_AT_MOST
    assert "confirmed" in match.reasons[0]


def test_a_confirmed_address_among_the_mailboxes_is_a_proof():
    match = _best(ACME, mailboxes=frozenset({"ann@acme.example"}))
    assert match.is_proved and match.score > HINTS_AT_MOST


def test_an_address_that_was_never_confirmed_proves_nothing():
    match = _best(GLOBEX, email="bob@globex.example")
    assert not match.is_proved and match.score <= HINTS_AT_MOST
    assert "never confirmed" in match.reasons[0]


def test_all_hints_together_do_not_reach_a_proof():
    match = _best(
        Customer(
            id=3,
            code="shop",
            name="Shop GmbH",
            email="x@shop.example",
            is_email_proved=False,
            zones=frozenset({"shop.example"}),
        ),
        username="shop",
        email="x@shop.example",
        company="SHOP",
        domains=frozenset({"shop.example"}),
    )
    assert match.score == HINTS_AT_MOST and not match.is_proved and len(match.reasons) == 5


def test_a_company_is_known_without_its_legal_form():
    assert _best(ACME, company="ACME, Limited").customer_id == 1


def test_two_customers_who_fit_as_well_are_told():
    twin = Customer(id=9, code="twin", name="Acme", email="", is_email_proved=False)
    match = _best(
        Customer(id=8, code="x", name="Acme", email="", is_email_proved=False), twin, company="Acme"
    )
    assert not match.is_unique


def test_nothing_speaks_for_nobody():
    assert _best(ACME, GLOBEX, email="who@else.example") is None
