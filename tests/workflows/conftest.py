"""What the tests of workflows share with those of provisioning."""

from tests.provisioning.conftest import house  # noqa: F401 - a fixture
