# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator

import pytest

from postledger_sandbox.server import Sandbox
from tests.sandbox.client import Client
from tests.sandbox.household import Household


@pytest.fixture(params=["W", "S"])
def dialect(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def sandbox(dialect: str) -> Iterator[Sandbox]:
    with Sandbox(dialect=dialect, delay_s=0) as running:
        yield running
        assert running.application.mistakes == []


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    """Signed in as the first reseller."""
    return Client(sandbox.url, sandbox.world.options.dialect)


@pytest.fixture
def household(sandbox: Sandbox, client: Client) -> Household:
    return Household(sandbox, client)
