"""Asking again under the same key gives the first answer and books nothing."""

import concurrent.futures
import datetime as dt

import pytest
from django.db import connections

from postledger.accounts import operations as accounts
from postledger.accounts.models import AnsweredRequest
from postledger.accounts.types import Answer, Viewer
from postledger.billing import queries as billing
from tests.api.conftest import Clock, build

CREDIT = {"amount": "10.00", "currency": "USD", "text": "Sorry"}


def credits_of(town) -> list[int]:
    return [
        line.amount for line in billing.statement(Viewer.system(), town.id("nora")) if line.kind == "credit"
    ]


def test_the_same_key_gives_the_first_answer_and_books_once(town):
    north, path = town.programs["north"], f"/accounts/{town.id('nora')}/credits"
    first = north.ask("POST", path, CREDIT, key="abc")
    again = north.ask("POST", path, CREDIT, key="abc")
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    assert credits_of(town) == [-1000]


def test_without_a_key_each_request_books(town):
    north, path = town.programs["north"], f"/accounts/{town.id('nora')}/credits"
    north.post(path, CREDIT)
    north.post(path, CREDIT)
    assert credits_of(town) == [-1000, -1000]


@pytest.mark.parametrize("other", ["body", "path"])
def test_another_request_under_the_key_is_refused(town, other):
    north = town.programs["north"]
    path = f"/accounts/{town.id('nora')}/credits"
    north.post(path, CREDIT, key="abc")
    answer = (
        north.ask("POST", path, {**CREDIT, "amount": "11.00"}, key="abc")
        if other == "body"
        else north.ask("POST", f"/accounts/{town.id('nora')}/debits", CREDIT, key="abc")
    )
    assert (answer.status, answer.body["reason"]) == (422, "idempotency_key_used")
    assert "abc" in answer.body["message"]
    assert credits_of(town) == [-1000]


def test_a_key_belongs_to_its_user(town):
    north, path = town.programs["north"], f"/accounts/{town.id('nora')}/credits"
    north.post(path, CREDIT, key="abc")
    town.programs["host"].post(path, CREDIT, key="abc")
    assert credits_of(town) == [-1000, -1000]


def test_what_was_refused_may_be_asked_again_under_its_key(town):
    north = town.programs["north"]
    wish = {"kind": "customer", "code": "nora", "name": "Second"}
    assert north.ask("POST", "/accounts", wish, key="abc").status == 409
    assert north.ask("POST", "/accounts", {**wish, "code": "second"}, key="abc").status == 201


def test_an_answer_is_forgotten_after_two_days(town):
    north, path = town.programs["north"], f"/accounts/{town.id('nora')}/credits"
    north.post(path, CREDIT, key="abc")
    town.clock.at += dt.timedelta(hours=47)
    north.post(path, CREDIT, key="abc")
    assert credits_of(town) == [-1000]
    town.clock.at += dt.timedelta(hours=2)
    north.post(path, CREDIT, key="abc")
    assert credits_of(town) == [-1000, -1000]


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_that_cannot_be_one_is_refused(town, key):
    answer = town.programs["north"].ask("POST", f"/accounts/{town.id('nora')}/credits", CREDIT, key=key)
    assert (answer.status, answer.body["reason"]) == (422, "idempotency_key")
    assert credits_of(town) == []


def test_a_bug_leaves_neither_booking_nor_key(town, monkeypatch):
    """The work is done and then the answer cannot be kept: as if nobody had asked."""
    north, path = town.programs["north"], f"/accounts/{town.id('nora')}/credits"

    def broken(*args, **kwargs):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "keep_answer", broken)
        with pytest.raises(RuntimeError):
            north.ask("POST", path, CREDIT, key="abc")
    assert credits_of(town) == []
    north.post(path, CREDIT, key="abc")
    assert credits_of(town) == [-1000]


def test_neither_passwords_nor_what_they_could_be_guessed_from_are_kept(town):
    north = town.programs["north"]
    wish = {"email": "new@mail.example", "password": "very-secret-1"}
    north.post(f"/accounts/{town.id('nora')}/users", wish, key="abc")
    (row,) = AnsweredRequest.objects.values()
    assert "very-secret-1" not in str(row)


def test_a_request_in_steps_that_was_killed_may_be_repeated_after_ten_minutes(town):
    viewer, now = town.programs["north"].viewer, town.clock.at
    assert accounts.begin_request(viewer, key="run", asked=b"x", now=now) is None
    with pytest.raises(accounts.StillAtWork):
        accounts.begin_request(viewer, key="run", asked=b"x", now=now + dt.timedelta(minutes=9))
    assert accounts.begin_request(viewer, key="run", asked=b"x", now=now + dt.timedelta(minutes=11)) is None
    accounts.keep_answer(viewer, key="run", answer=Answer(200, "{}"))
    later = now + dt.timedelta(hours=1)
    assert accounts.begin_request(viewer, key="run", asked=b"x", now=later) == Answer(200, "{}")


def test_many_at_once_under_one_key_book_once(fresh_db, now: Clock, settings_of_api):
    town = build(now)
    north, path = town.programs["north"], f"/accounts/{town.id('nora')}/credits"

    def ask(_):
        try:
            return north.ask("POST", path, CREDIT, key="abc")
        finally:
            connections.close_all()

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(16)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert credits_of(town) == [-1000]
