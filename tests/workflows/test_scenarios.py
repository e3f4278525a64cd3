"""Every story in tests/scenarios comes out as it says, to the cent: the acceptance test of the billing engine."""

from pathlib import Path

import pytest

from postledger.cli import _stories
from postledger.cli import simulate as player
from postledger.workflows import simulate

STORIES = sorted((Path(__file__).resolve().parents[1] / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_comes_out_as_it_says(path, db):
    story = _stories.Story(path)
    told = simulate.simulate(story.values)
    assert player.compare(story.values["expect"], told["accounts"]) == []


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_says_which_rules_it_shows(path):
    values = _stories.Story(path).values
    assert values["title"]
    assert values["rules"]
