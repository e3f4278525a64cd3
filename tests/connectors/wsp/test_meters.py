"""Every meter and ceiling the connector speaks of is one the house knows."""

from postledger.connectors.wsp import quotas, usage
from postledger.resources import meters


def test_every_meter_that_is_read_is_known() -> None:
    assert usage.EVERY | usage.ON_REQUEST == set(meters.METERS)
    assert not usage.EVERY & usage.ON_REQUEST


def test_every_ceiling_belongs_to_a_meter() -> None:
    assert set(quotas.QUOTAS) <= set(meters.METERS)
