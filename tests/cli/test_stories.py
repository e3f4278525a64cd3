"""What is wrong with a scenario file is told with the line and column of it."""

import io

import pytest

from postledger.cli import _stories, simulate

STORY = """\
accounts:
  provider: {{kind: provider}}
  acme: {{kind: customer, seller: provider}}
plans:
  office:
    seller: provider
    periods: {{1: {{}}}}
    charges:
      account: {{measure: fixed, recurring: 10.00}}
timeline:
  - {{on: 2025-04-01, account: acme, subscribe: office, period: 1}}
  - {{on: 2025-04-02, {event}}}
until: 2025-05-02
"""


def complaint(tmp_path, text):
    path = tmp_path / "story.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(_stories.BadFile) as caught:
        simulate._play(_stories.Story(path))
    return str(caught.value).removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("account: bob, pay: 1", "12:22: there is no account 'bob'"),
        ("account: acme, pay: abc", "12:37: `pay`: 'abc' is not a number such as 10.00"),
        ("account: acme, pay: .nan", "12:42: .nan is not a number"),
        (
            "account: acme, pay: 1.005",
            "12:37: 1.005 cannot be understood: 1.005 has more decimals than USD has",
        ),
        ("account: acme, pay: 1, pay: 2", '12:45: found duplicate key "pay"'),
        ("account: acme, change_plan: gold", "12:37: there is no plan 'gold'; the plans are office"),
        ("account: acme, change_period: 7", "12:37: Plan office is not sold for 7 months"),
        (
            "account: acme, change_start: soon",
            "12:37: `change_start`: 'soon' is not a date such as 2025-04-01",
        ),
        ("account: acme, set: [1]", "12:37: `set`: a list is not a mapping of names"),
        ("account: acme, set: {mailbox: 2}", "12:37: Plan office has no charge 'mailbox'"),
        (
            "account: acme, reading: {exchange.mailboxes: many}",
            "12:47: 'many' is not what a meter shows, such as 9.00 or 12595 MB",
        ),
        ("account: acme, card: maybe", "12:37: `card`: 'maybe' is not declines or valid"),
        ("account: acme, dance: true", "12:37: 'dance' is not known here"),
        ("account: acme", "12:5: nothing happens here; known are subscribe"),
        ("account: provider, price: {charge: account}", "12:41: `price`: `plan` is missing"),
        ("account: provider, pay: 1", "12:41: provider is sold to by nobody"),
        ("account: acme, pay: 1, credit: 2", "12:5: pay and credit are two events"),
        ("account: acme, cancel: false", "12:37: `cancel`: false is not true"),
        ("account: acme, pay: 1, method: cheque", "12:45: `method`: 'cheque' is not check or card"),
        ("account: acme, reading: {disk: 3 pounds}", "12:47: '3 pounds' is not what a meter shows"),
        ("account: acme, reading: {disk: -1}", "12:47: -1 is not what a meter shows"),
        ("account: acme, daily: {disk: [[2025-04-31, 1]]}", "12:53: 2025-04-31 is no date"),
    ],
)
def test_an_event_that_cannot_be_played_is_pointed_at(tmp_path, db, event, told):
    assert complaint(tmp_path, STORY.format(event=event)).startswith(told)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("on: 2025-04-01", "on: 2025-13-01", "11:10: 2025-13-01 is no date"),
        ("on: 2025-04-01", "on: yesterday", "11:6: `on`: 'yesterday' is not a date such as 2025-04-01"),
        ("measure: fixed, ", "", "9:7: `measure` is missing"),
        (
            "recurring: 10.00",
            "recurring: {1: 10.00, 12: ninety}",
            "9:55: 'ninety' is not a number of at least 0",
        ),
        ("recurring: 10.00", "activated: off", "9:33: `activated`: 'off' is not true or false"),
        (
            "{1: {}}",
            "{1: {discount: {recurring: 110}}}",
            "7:30: `recurring`: 110 is not a number from 0 to 100",
        ),
        (
            "seller: provider\n    periods",
            "refund_percent: all\n    periods",
            "6:5: `refund_percent`: 'all' is not",
        ),
        ("plans:", "customers: {bob: {}}\nplans:", "4:13: there is no account 'bob'"),
        ("plans:", "sellers: {provider: {taxes: [{name: VAT}]}}\nplans:", "4:30: `rate` is missing"),
        ("measure: fixed", "measure: flat", "9:17: `measure`: 'flat' is not fixed or reserved or metered"),
        ("until: 2025-05-02", "", "1:1: `until` is missing"),
        ("kind: customer", "kind: customer, hat: red", "3:26: 'hat' is not known here"),
        ("seller: provider}\n", "seller: nobody}\n", "3:3: account acme needs a seller"),
        ("timeline:", "timeline: [", "11:3: "),
    ],
)
def test_a_file_that_makes_no_story_is_pointed_at(tmp_path, db, old, new, told):
    text = STORY.format(event="account: acme, pay: 1").replace(old, new, 1)
    assert complaint(tmp_path, text).startswith(told)


def test_sections_and_entries_that_were_left_empty_say_nothing(tmp_path, db):
    text = STORY.format(event="account: acme, pay: 1").replace(
        "plans:", "customers:\nsellers:\n  provider:\nplans:"
    )
    path = tmp_path / "story.yaml"
    path.write_text(text, encoding="utf-8")
    assert simulate._play(_stories.Story(path))["accounts"]["acme"]["balance"] == "-19.00"


def test_an_account_that_could_not_be_billed_says_why(tmp_path, db):
    text = STORY.replace("{{measure: fixed, recurring: 10.00}}", "{{measure: metered, usage: 1.00}}").format(
        event="account: acme, daily: {account: [[2025-04-10, 9]]}"  # and what is read until then is older
    )
    path = tmp_path / "story.yaml"
    path.write_text(text, encoding="utf-8")
    told = simulate._play(_stories.Story(path))["accounts"]["acme"]
    assert told["parked"].startswith("The platform answered 0 for account at 2025-04-0")
    assert "older than a reading on file, of 2025-04-10" in told["parked"]
    assert (told["lines"], told["next_close"]) == ([], "2025-05-01")


def test_a_directory_stands_for_the_stories_in_it_and_a_dash_for_standard_input(tmp_path, monkeypatch):
    for name in ("b.yaml", "a.yaml", "notes.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert [path.name for path in simulate._files(tmp_path)] == ["a.yaml", "b.yaml"]
    monkeypatch.setattr("sys.stdin", io.StringIO(STORY.format(event="account: acme, pay: 1")))
    assert _stories.Story(_stories.STDIN).values["timeline"][1]["pay"] == 1


def test_numbers_are_compared_as_decimals_also_where_they_are_quoted():
    told = {"acme": {"balance": "-9.00", "state": "active", "lines": [{"quantity": "2", "on": "2025-04-01"}]}}
    wanted = {"balance": "-9.0", "state": "active", "lines": [{"quantity": 2, "on": "2025-04-01"}]}
    assert simulate.compare({"acme": wanted}, told) == []
    assert simulate.compare({"acme": {"balance": 9, "state": "closed"}}, told) == [
        "acme.balance: expected 9, got -9.00",
        "acme.state: expected closed, got active",
    ]
