"""What is wrong with a scenario file is told with the line and column of it."""

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
        ("account: acme, pay: abc", "12:37: abc cannot be understood"),
        ("account: acme, pay: .nan", "12:42: .nan is not a number"),
        (
            "account: acme, pay: 1.005",
            "12:37: 1.005 cannot be understood: 1.005 has more decimals than USD has",
        ),
        ("account: acme, pay: 1, pay: 2", '12:45: found duplicate key "pay"'),
        ("account: acme, change_plan: gold", "12:37: there is no plan 'gold'; the plans are office"),
        ("account: acme, change_period: 7", "12:37: Plan office is not sold for 7 months"),
        ("account: acme, change_start: soon", "12:37: soon cannot be understood"),
        ("account: acme, set: [1]", "12:37: [1] cannot be understood"),
        ("account: acme, set: {mailbox: 2}", "12:37: Plan office has no charge 'mailbox'"),
        (
            "account: acme, reading: {exchange.mailboxes: many}",
            "12:37: {'exchange.mailboxes': 'many'} cannot be",
        ),
        ("account: acme, card: maybe", "12:37: a card declines or is valid"),
        ("account: acme, dance: true", "12:37: 'dance' is not known here"),
        ("account: acme", "12:5: nothing known happens here"),
        ("account: provider, price: {charge: account}", "12:41: 'plan' is missing here"),
    ],
)
def test_an_event_that_cannot_be_played_is_pointed_at(tmp_path, db, event, told):
    assert complaint(tmp_path, STORY.format(event=event)).startswith(told)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("on: 2025-04-01", "on: 2025-13-01", "11:10: 2025-13-01 is no date"),
        ("on: 2025-04-01", "on: yesterday", "11:6: `on` is a date"),
        ("measure: fixed, ", "", "9:7: charge account needs a measure"),
        ("measure: fixed", "measure: flat", "5:3: Plan office: charge account: measure must be one of"),
        ("until: 2025-05-02", "", "1:1: `until` is missing"),
        ("kind: customer", "kind: customer, hat: red", "3:26: 'hat' is not known here"),
        ("seller: provider}\n", "seller: nobody}\n", "3:3: account acme needs a seller"),
        ("timeline:", "timeline: [", "11:3: "),
    ],
)
def test_a_file_that_makes_no_story_is_pointed_at(tmp_path, db, old, new, told):
    text = STORY.format(event="account: acme, pay: 1").replace(old, new, 1)
    assert complaint(tmp_path, text).startswith(told)
