"""Who may see whom: the provider all below him, a reseller himself and his customers, a customer himself."""

import datetime as dt
from dataclasses import dataclass

import pytest

from postledger.accounts import operations, queries
from postledger.accounts.types import AccountView, Viewer

NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Tree:
    provider: AccountView
    north: AccountView
    south: AccountView
    acme: AccountView  # the provider's customer
    globex: AccountView  # north's
    hooli: AccountView  # south's

    def viewer(self, account: AccountView, role: str = "owner") -> Viewer:
        user = operations.create_user(
            Viewer.system(), account_id=account.id, email=f"{role}@{account.code}.example", role=role, now=NOW
        )
        return queries.viewer_of(user.id)


@pytest.fixture
def tree(db) -> Tree:
    system = Viewer.system()
    provider = operations.create_provider(code="host", name="Host Ltd", currency="USD", now=NOW)
    north = operations.create_reseller(system, seller_id=provider.id, code="north", name="North", now=NOW)
    south = operations.create_reseller(system, seller_id=provider.id, code="south", name="South", now=NOW)
    return Tree(
        provider=provider,
        north=north,
        south=south,
        acme=operations.create_customer(system, seller_id=provider.id, code="acme", name="Acme", now=NOW),
        globex=operations.create_customer(system, seller_id=north.id, code="globex", name="Globex", now=NOW),
        hooli=operations.create_customer(system, seller_id=south.id, code="hooli", name="Hooli", now=NOW),
    )


def _seen(viewer: Viewer) -> set[str]:
    return {found.code for found in queries.accounts_visible(viewer)}


def test_everybody_sees_himself_and_what_is_below_him(tree):
    assert _seen(tree.viewer(tree.provider)) == {"host", "north", "south", "acme", "globex", "hooli"}
    assert _seen(tree.viewer(tree.north)) == {"north", "globex"}
    assert _seen(tree.viewer(tree.acme)) == {"acme"}
    assert _seen(Viewer.system()) == {"host", "north", "south", "acme", "globex", "hooli"}


def test_what_one_may_not_see_does_not_exist(tree):
    viewer = tree.viewer(tree.north)
    for stranger in (tree.provider, tree.south, tree.acme, tree.hooli):
        with pytest.raises(queries.NotVisible):
            queries.require_account(viewer, stranger.id)
    with pytest.raises(queries.NotVisible):
        queries.require_account(tree.viewer(tree.globex), tree.north.id)


def test_a_neighbouring_reseller_cannot_make_customers_for_another(tree):
    with pytest.raises(queries.NotVisible):
        operations.create_customer(
            tree.viewer(tree.south), seller_id=tree.north.id, code="new", name="New", now=NOW
        )


def test_a_customer_sells_to_nobody(tree):
    with pytest.raises(queries.NotVisible):
        operations.create_customer(
            tree.viewer(tree.acme), seller_id=tree.acme.id, code="x", name="X", now=NOW
        )


def test_a_user_who_only_views_changes_nothing(tree):
    viewer = tree.viewer(tree.acme, role="viewer")
    with pytest.raises(queries.NotAllowed):
        operations.update_details(viewer, account_id=tree.acme.id, name="Other", now=NOW)


def test_a_customer_learns_his_sellers_name_without_seeing_his_account(tree):
    assert queries.seller_of(tree.viewer(tree.globex), tree.globex.id).name == "North"
    assert [seller.code for seller in queries.seller_chain(tree.globex.id)] == ["north", "host"]


def test_a_code_is_taken_whatever_its_case_but_only_at_one_seller(tree):
    with pytest.raises(operations.CodeTaken):
        operations.create_customer(
            Viewer.system(), seller_id=tree.provider.id, code="ACME", name="Other", now=NOW
        )
    operations.create_customer(Viewer.system(), seller_id=tree.north.id, code="acme", name="Other", now=NOW)


def test_an_address_the_customer_typed_is_not_proof(tree):
    viewer = tree.viewer(tree.acme)
    assert queries.account(viewer, tree.acme.id).email_confirmed_at == NOW
    typed = operations.update_details(viewer, account_id=tree.acme.id, email="boss@victim.example", now=NOW)
    assert typed.email_confirmed_at is None
    operations.confirm_email(account_id=tree.acme.id, email="BOSS@victim.example", now=NOW)
    assert queries.account(viewer, tree.acme.id).email_confirmed_at == NOW


def test_a_token_works_until_it_is_revoked_and_is_not_stored(tree):
    viewer = tree.viewer(tree.acme)
    secret, token = operations.create_token(viewer, name="script", now=NOW)
    assert queries.viewer_of_token(secret, NOW) == viewer
    assert secret.startswith(token.prefix) and len(token.prefix) < 10
    operations.revoke_token(viewer, token_id=token.id, now=NOW)
    with pytest.raises(queries.NotVisible):
        queries.viewer_of_token(secret, NOW)


def test_a_token_ends_on_its_day(tree):
    viewer = tree.viewer(tree.acme)
    secret, _ = operations.create_token(viewer, name="script", now=NOW, expires_at=NOW + dt.timedelta(days=1))
    with pytest.raises(queries.NotVisible):
        queries.viewer_of_token(secret, NOW + dt.timedelta(days=1))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "-a"),
        ("code", "with space"),
        ("name", " "),
        ("email", "nobody"),
        ("country", "germany"),
        ("currency", "DOLLAR"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
    ],
)
def test_details_that_cannot_be_right_are_refused(tree, field, value):
    details = {"code": "new", "name": "New", field: value}
    with pytest.raises(operations.BadDetails):
        operations.create_customer(Viewer.system(), seller_id=tree.provider.id, now=NOW, **details)


def test_there_is_one_provider(tree):
    with pytest.raises(operations.SecondProvider):
        operations.create_provider(code="two", name="Two", currency="USD", now=NOW)
