"""How often a token may ask."""

import pytest
from django.conf import settings

from postledger.api import rate


@pytest.fixture
def three_a_minute(monkeypatch):
    monkeypatch.setattr(settings, "API_RATE", 3)
    monkeypatch.setattr(rate, "_counter", rate.Counter())
    monkeypatch.setattr(rate, "_clock", lambda: 1000.0)


def test_a_token_that_asks_too_often_is_told_when_to_ask_again(town, three_a_minute):
    nora, sam = town.programs["nora"], town.programs["sam"]
    assert [nora.ask("GET", "/me").status for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = nora.ask("GET", "/me")
    assert refused.body["reason"] == "too_many_requests"
    assert refused.response["Retry-After"] == "20"  # the next minute of 60 seconds begins at 1020
    assert sam.ask("GET", "/me").status == 200  # each token by itself


def test_what_books_is_refused_too_and_books_nothing(town, three_a_minute):
    nora = town.programs["nora"]
    wish, where = {"package": "none"}, f"/accounts/{town.id('nora')}/subscription/packages"
    answers = [nora.ask("POST", where, wish, key=f"key {n}").status for n in range(4)]
    assert answers[-1] == 429 and 429 not in answers[:-1]


def test_a_new_minute_begins_anew():
    counter = rate.Counter()
    for _ in range(2):
        counter.count("one", most=2, now_s=59)
    with pytest.raises(rate.TooManyRequests) as refused:
        counter.count("one", most=2, now_s=59)
    assert refused.value.retry_after_s == 1
    counter.count("one", most=2, now_s=60)


def test_no_limit_counts_nothing():
    counter = rate.Counter()
    for _ in range(1000):
        counter.count("one", most=0, now_s=0)
