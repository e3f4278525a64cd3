"""Who may convert a trial."""

import datetime as dt
from decimal import Decimal

import pytest

from postledger.core import changes
from postledger.workflows import simulate


def test_a_trial_that_the_seller_suspended_is_not_converted_by_its_buyer(db):
    day = dt.date(2025, 4, 1)
    story = {
        "accounts": {"provider": {"kind": "provider"}, "acme": {"kind": "customer", "seller": "provider"}},
        "plans": {
            "office": {
                "seller": "provider",
                "trial": {"days": 14},
                "charges": {"account": {"measure": "fixed", "recurring": Decimal("10.00")}},
            }
        },
        "timeline": [
            {"on": day, "account": "acme", "subscribe": "office", "period": 1, "trial": True},
            {"on": day, "account": "acme", "suspend": "admin"},
            {"on": day, "account": "acme", "convert": True},
        ],
        "until": day,
    }
    with pytest.raises(simulate.StoryError, match="has to be resumed") as caught:
        simulate.simulate(story)
    assert isinstance(caught.value.__cause__, changes.NotOpen)
