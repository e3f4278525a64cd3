"""When the platform fails, lies or is slow: nothing is believed, nothing made twice, everything ends in time."""

import datetime as dt
import threading
import time
from typing import Any

import pytest

from postledger.connectors import contract
from postledger.connectors.wsp import client
from postledger.resources import exchange, spec

AFTER = ["fault_after", "cut_after", "timeout_after", "cut_body", "malformed", "html"]
BEFORE = ["fault_before", "cut_before", "timeout_before", "down"]
HOSTILE = [
    "entity_expansion",
    "huge",
    "slow_body",
    "cut_body",
    "malformed",
    "html",
    "redirect",
    "401",
]


def _create(desk: Any, kind: str, wish: Any, parent: contract.Ref | None = None) -> contract.Observation:
    name = spec.name_of(kind=kind, spec=wish)
    change = spec.Change(action="create", kind=kind, name=name, spec=wish)
    made = desk.session.apply(target=desk.target(kind, name, parent=parent), change=change)
    assert isinstance(made, contract.Observation)
    return made


@pytest.fixture
def hasty(desk: Any) -> Any:
    """A desk that waits half a second for an answer."""
    made = desk.another(timeout_s=0.5, slow_timeout_s=0.5)
    yield made
    made.control.clear_faults()
    made.session.close()


@pytest.mark.parametrize("kind", AFTER)
def test_what_was_made_without_an_answer_is_found_and_not_made_again(hasty: Any, kind: str) -> None:
    account = exchange.Account(username="acme", plan=hasty.plan("Exchange Large"), email="ann@acme.example")
    hasty.control.inject(kind, "CreateUserWizard")
    made = _create(hasty, exchange.ACCOUNT, account)
    hasty.control.inject(kind, "CreateOrganization")
    organization = _create(
        hasty, exchange.ORGANIZATION, exchange.Organization(code="acme", name="A"), made.ref
    )
    hasty.control.inject(kind, "AddOrganizationDomain")
    _create(hasty, exchange.DOMAIN, exchange.OrganizationDomain(name="acme.example"), organization.ref)
    hasty.control.inject(kind, "CreateMailbox")
    _create(hasty, exchange.MAILBOX, exchange.Mailbox(address="ann@acme.example"), organization.ref)
    hasty.control.inject(kind, "CreateContact")
    _create(hasty, exchange.CONTACT, exchange.Contact(address="bob@other.example"), organization.ref)
    for operation in (
        "CreateUserWizard",
        "CreateOrganization",
        "AddOrganizationDomain",
        "CreateMailbox",
        "CreateContact",
    ):
        assert hasty.control.wait_call(operation)
        assert len(hasty.control.calls(operation=operation)) == 1
    unknown = [entry for entry in hasty.audit if entry.outcome == "unknown"]
    assert len(unknown) == 5


@pytest.mark.parametrize("kind", BEFORE)
def test_what_was_not_made_is_a_temporary_failure_and_made_next_time(hasty: Any, kind: str) -> None:
    account = exchange.Account(username="acme", plan=hasty.plan("Exchange Large"))
    hasty.control.inject(kind, "CreateUserWizard")
    with pytest.raises(contract.TemporaryFailure) as caught:
        _create(hasty, exchange.ACCOUNT, account)
    assert caught.value.retry_after_s > 0
    assert hasty.control.user("acme") is None
    assert _create(hasty, exchange.ACCOUNT, account).exists


@pytest.mark.parametrize(
    ("operation", "wish"),
    [
        ("UpdateUser", exchange.Account(username="acme", city="Bonn")),
        ("ChangeUserStatus", exchange.Account(username="acme", status="suspended")),
        ("UpdatePackageLiteral", exchange.Account(username="acme", plan="2")),
        ("AddPackageAddonById", exchange.Account(username="acme", addons={"4": 1})),
        ("UpdatePackage", exchange.Account(username="acme", quotas={"exchange.contacts": 2})),
    ],
)
def test_a_done_that_was_not_done_is_noticed(desk: Any, operation: str, wish: exchange.Account) -> None:
    ref = desk.account(addons={}, quotas={})
    desk.control.inject("lie", operation, count=None)
    with pytest.raises(contract.TemporaryFailure) as caught:
        desk.make(exchange.ACCOUNT, wish, ref=ref)
    assert caught.value.reason == "not_shown"
    desk.control.clear_faults()
    desk.make(exchange.ACCOUNT, wish, ref=ref)


def test_a_creation_that_was_a_lie_is_noticed(desk: Any) -> None:
    desk.control.inject("lie", "CreateUserWizard", value=77)
    with pytest.raises(contract.TemporaryFailure):
        _create(desk, exchange.ACCOUNT, exchange.Account(username="acme", plan=desk.plan("Exchange Large")))
    parent = desk.organization()
    for operation, kind, wish in (
        ("CreateMailbox", exchange.MAILBOX, exchange.Mailbox(address="a@acme.example")),
        ("AddOrganizationDomain", exchange.DOMAIN, exchange.OrganizationDomain(name="b.example")),
        ("CreateContact", exchange.CONTACT, exchange.Contact(address="b@other.example")),
    ):
        desk.control.inject("lie", operation, value=0)
        with pytest.raises(contract.TemporaryFailure) as caught:
            _create(desk, kind, wish, parent)
        assert caught.value.reason == "not_shown"


def test_a_password_lie_at_sign_on_is_no_leak(desk: Any) -> None:
    account = desk.account()
    desk.control.inject("fault_after", "ChangeUserPassword", text="cannot set password")
    with pytest.raises(contract.TemporaryFailure):
        desk.session.prepare_sign_on(target=desk.target(exchange.ACCOUNT, "acme", ref=account))
    secret = desk.control.user("acme")["Password"]
    assert secret not in repr(desk.audit)


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_unfit_answer_to_a_read_is_a_failure_in_time(hasty: Any, kind: str) -> None:
    ref = hasty.account()
    hasty.control.inject(kind, "GetUserById", count=None)
    started = time.monotonic()
    with pytest.raises(contract.Failure):
        hasty.session.observe(target=hasty.target(exchange.ACCOUNT, "acme", ref=ref))
    assert time.monotonic() - started < 3


def test_an_answer_in_another_charset_than_it_claims_is_read_by_its_mark(desk: Any) -> None:
    ref = desk.account(city="Köln")
    desk.control.inject("wrong_charset", "GetUserById")
    found = desk.session.observe(target=desk.target(exchange.ACCOUNT, "acme", ref=ref))
    assert found.spec.city == "Köln"


def test_a_failure_that_is_not_ours_to_repair_is_permanent(hasty: Any) -> None:
    ref = hasty.account()
    for kind, reason in (("401", "credentials"), ("redirect", "redirected"), ("huge", "too_long")):
        hasty.control.inject(kind, "GetUserById")
        if kind == "huge":
            hasty = hasty.another(timeout_s=5)
        with pytest.raises(contract.PermanentFailure) as caught:
            hasty.session.observe(target=hasty.target(exchange.ACCOUNT, "acme", ref=ref))
        assert caught.value.reason == reason


def test_lists_that_are_a_row_too_long_do_no_harm(desk: Any) -> None:
    account = desk.account(email="ann@acme.example")
    parent = desk.organization(account=account)
    desk.mailbox("ann@acme.example", parent=parent)
    desk.control.inject("row_too_many", "*", count=None)
    candidates = desk.session.find_accounts(email="ann@acme.example")
    assert [candidate.ref for candidate in candidates] == [account]
    inside = desk.session.inventory().items
    assert len([item for item in inside if item.kind == exchange.MAILBOX]) == 1


def test_wrong_credentials_are_never_replaced_by_none(desk: Any) -> None:
    account = desk.account()
    parent = desk.organization(account=account)
    desk.control.set_options(anonymous_organizations=True)
    wrong = desk.another(password=contract.Secret("wrong"))
    target = wrong.target(exchange.ACCOUNT, "acme", ref=account)
    (outcome,) = wrong.session.read_usage(targets=[target], now=dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    assert isinstance(outcome.failure, contract.PermanentFailure)
    assert outcome.failure.reason == "credentials"
    with pytest.raises(contract.PermanentFailure):
        wrong.remove(exchange.ORGANIZATION, "acme", ref=parent)
    assert desk.control.organization("acme") is not None


def test_a_suspended_reseller_is_a_matter_for_the_operator(desk: Any) -> None:
    plan = desk.plan("Exchange Large")
    desk.control.set_status("reseller", 2)
    with pytest.raises(contract.NeedsOperator) as caught:
        _create(desk, exchange.ACCOUNT, exchange.Account(username="acme", plan=plan))
    assert caught.value.reason == "reseller_suspended"


def test_a_server_that_is_down_is_left_alone_for_a_moment(desk: Any) -> None:
    desk.account()
    desk.control.inject("down", "*", count=None)
    for _ in range(desk.session._client.settings.concurrency):
        with pytest.raises(contract.TemporaryFailure):
            desk.session.find_accounts(username="acme")
    calls = len(desk.control.calls())
    with pytest.raises(contract.TemporaryFailure) as caught:
        desk.session.find_accounts(username="acme")
    assert caught.value.reason == "platform_down"
    assert caught.value.retry_after_s <= client.BREAKER_OPEN_S + 1
    assert len(desk.control.calls()) == calls


def test_the_breaker_lets_one_call_try_and_closes_when_it_works() -> None:
    breaker = client.Breaker()
    for _ in range(client.BREAKER_FAILURES):
        breaker.failed()
    breaker._open_until = time.monotonic() - 1
    breaker.check()
    with pytest.raises(contract.TemporaryFailure):
        breaker.check()
    breaker.worked()
    breaker.check()
    breaker.check()


def test_a_few_hanging_calls_among_many_that_are_answered_do_not_open_the_breaker() -> None:
    breaker = client.Breaker(failures=32)
    for _ in range(3):
        for _ in range(31):
            breaker.failed()
        breaker.check()
        breaker.worked()


def test_each_changing_call_is_announced_before_it_is_made(hasty: Any) -> None:
    account = exchange.Account(username="acme", plan=hasty.plan("Exchange Large"))
    hasty.control.inject("timeout_before", "CreateUserWizard")
    with pytest.raises(contract.TemporaryFailure):
        _create(hasty, exchange.ACCOUNT, account)
    (announced,), (ended,) = hasty.sent, hasty.audit
    assert (announced.outcome, ended.outcome) == ("sent", "unknown")
    assert announced.number == ended.number
    assert announced.request == ended.request and announced.request["password"] == "•••"


def test_what_cannot_be_written_down_is_not_done(desk: Any) -> None:
    def broken(entry: contract.AuditEntry, /) -> None:
        raise RuntimeError("the log is full")

    plan = desk.plan("Exchange Large")
    desk.session._client._audit = broken
    with pytest.raises(RuntimeError):
        _create(desk, exchange.ACCOUNT, exchange.Account(username="acme", plan=plan))
    assert desk.control.user("acme") is None


def test_connections_are_bounded_and_released(desk: Any) -> None:
    narrow = desk.another(concurrency=2)
    desk.account()
    desk.control.inject("slow", "GetUserByUsername", seconds=0.1, count=None)
    failures: list[Exception] = []

    def look() -> None:
        try:
            narrow.session.find_accounts(username="acme")
        except Exception as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(narrow.session._client._transport._idle) <= 2
    narrow.session.close()
    assert narrow.session._client._transport._idle == []


def test_a_name_with_control_characters_is_refused_before_it_is_sent(desk: Any) -> None:
    ref = desk.account()
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.make(exchange.ACCOUNT, exchange.Account(username="acme", city="Bell \x07"), ref=ref)
    assert caught.value.reason == "unsendable"


def test_an_unknown_parameter_is_not_sent_silently(desk: Any) -> None:
    with pytest.raises(client.Missing):
        desk.session._client.call(client.USERS, "GetUserByUsername", what="x", userName="acme")
