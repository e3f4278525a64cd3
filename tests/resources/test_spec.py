"""Changesets: from a wish and a finding to steps in the right order, and the brakes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postledger.core.errors import NeedsOperator
from postledger.resources import dns, exchange, spec

FOUND = exchange.Account(
    username="acme",
    first_name="Ann",
    last_name="",
    email="ann@example.com",
    plan="7",
    addons={"20": 1, "21": 2},
    quotas={},
    status="active",
)


def _steps(desired: exchange.Account, observed: exchange.Account = FOUND) -> list[str]:
    changes = spec.changeset(kind=exchange.ACCOUNT, desired=desired, observed=observed)
    return [change.words() for change in changes.changes]


def test_a_wish_without_opinions_changes_nothing() -> None:
    assert _steps(exchange.Account(username="acme")) == []


def test_what_the_platform_cannot_tell_is_not_put_right() -> None:
    wanted = exchange.Mailbox(address="a@example.com", quota_mib=100)
    found = exchange.Mailbox(address="a@example.com", quota_mib=None)
    assert spec.changeset(kind=exchange.MAILBOX, desired=wanted, observed=found).is_empty


def test_mail_addresses_are_compared_without_regard_to_case() -> None:
    assert _steps(exchange.Account(username="ACME", email="ANN@Example.com")) == []


def test_profile_fields_are_written_in_one_step() -> None:
    changes = spec.changeset(
        kind=exchange.ACCOUNT,
        desired=exchange.Account(username="acme", first_name="Eve", last_name="Lee"),
        observed=FOUND,
    ).changes
    assert [(change.action, [d.field for d in change.fields]) for change in changes] == [
        ("set", ["first_name", "last_name"])
    ]


def test_addons_come_before_others_go() -> None:
    assert _steps(exchange.Account(username="acme", addons={"21": 3, "22": 1})) == [
        "change account acme: add addons 22",
        "change account acme: addons 21 2 → 3",
        "change account acme: remove addons 20",
    ]


def test_a_resume_comes_first_and_a_suspension_last() -> None:
    suspended = exchange.Account(username="acme", plan="7", status="suspended")
    assert _steps(exchange.Account(username="acme", plan="8", status="active"), suspended) == [
        "change account acme: status suspended → active",
        "change account acme: plan 7 → 8",
    ]
    assert _steps(exchange.Account(username="acme", plan="8", status="suspended")) == [
        "change account acme: plan 7 → 8",
        "change account acme: status active → suspended",
    ]


def test_two_different_things_are_not_compared() -> None:
    with pytest.raises(spec.IdentityMismatch):
        _steps(exchange.Account(username="other"))


def test_a_mailbox_cannot_become_a_room() -> None:
    wanted = exchange.Mailbox(address="a@example.com", kind="room")
    found = exchange.Mailbox(address="a@example.com", kind="user")
    with pytest.raises(spec.FixedField):
        spec.changeset(kind=exchange.MAILBOX, desired=wanted, observed=found)


def test_a_deletion_needs_a_cancelled_subscription() -> None:
    gone = spec.changeset(kind=exchange.ACCOUNT, desired=None, observed=FOUND)
    spec.brake_deletion(changeset=gone, is_cancelled=True)
    with pytest.raises(NeedsOperator) as caught:
        spec.brake_deletion(changeset=gone, is_cancelled=False)
    assert caught.value.reason == "unexpected_deletion"


def test_a_few_suspensions_pass_and_many_at_once_do_not() -> None:
    def suspensions(count: int) -> list[spec.Changeset]:
        wanted = exchange.Account(username="acme", status="suspended")
        return [spec.changeset(kind=exchange.ACCOUNT, desired=wanted, observed=FOUND)] * count

    spec.brake_mass(changesets=suspensions(5), total=6)
    spec.brake_mass(changesets=suspensions(100), total=1000)
    with pytest.raises(NeedsOperator) as caught:
        spec.brake_mass(changesets=suspensions(101), total=1000)
    assert caught.value.reason == "mass_change"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (exchange.ACCOUNT, FOUND),
        (exchange.ORGANIZATION, exchange.Organization(code="acme", issue_warning_mib=exchange.UNLIMITED)),
        (exchange.DOMAIN, exchange.OrganizationDomain(name="example.com", is_default=False)),
        (exchange.MAILBOX, exchange.Mailbox(address="a@b.example", aliases=frozenset({"c@b.example"}))),
        (exchange.MAILBOX, exchange.Mailbox(address="a@b.example", aliases=frozenset())),
        (exchange.CONTACT, exchange.Contact(address="a@b.example")),
        (
            exchange.DISTRIBUTION_LIST,
            exchange.DistributionList(address="a@b.example", members=frozenset({"x@b.example"})),
        ),
        (exchange.PUBLIC_FOLDER, exchange.PublicFolder(path="\\Team", address="")),
        (
            dns.RECORDS,
            dns.record_set(zone="b.example", name="", type="MX", values=("10 m.example",)),
        ),
    ],
)
def test_what_was_stored_is_what_was_wished(kind: str, value: object) -> None:
    assert spec.load(kind=kind, data=spec.dump(spec=value)) == value


def test_a_stored_wish_of_a_newer_version_still_loads() -> None:
    data = {"username": "acme", "a_field_of_tomorrow": 1}
    assert spec.load(kind=exchange.ACCOUNT, data=data) == exchange.Account(username="acme")


addons = st.dictionaries(st.sampled_from(["1", "2", "3", "4"]), st.integers(1, 5))


@given(wanted=addons, found=addons)
def test_taking_every_step_arrives_at_the_wish(wanted: dict[str, int], found: dict[str, int]) -> None:
    steps = spec.changeset(
        kind=exchange.ACCOUNT,
        desired=exchange.Account(username="acme", addons=wanted),
        observed=exchange.Account(username="acme", addons=found),
    )
    now = dict(found)
    for change in steps.changes:
        for d in change.fields:
            assert d.member is not None
            if d.goes:
                del now[d.member]
            else:
                now[d.member] = d.after
    assert now == wanted


def test_validation_brings_every_name_into_form() -> None:
    box = spec.validated(
        kind=exchange.MAILBOX,
        spec=exchange.Mailbox(
            address="Ann@Example.com", aliases=frozenset({"ANN@example.com", "A@example.com"})
        ),
    )
    assert box == exchange.Mailbox(address="ann@example.com", aliases=frozenset({"a@example.com"}))
    folder = spec.validated(kind=exchange.PUBLIC_FOLDER, spec=exchange.PublicFolder(path="Team/ Sales "))
    assert folder.path == "\\Team\\Sales"


def test_a_list_is_not_its_own_member() -> None:
    with pytest.raises(exchange.InvalidResource):
        exchange.validated_list(
            spec=exchange.DistributionList(address="all@b.example", members=frozenset({"ALL@b.example"}))
        )
