"""Every store, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from plugin_server.demo.generator import generate
from tests.contract.counters import Counter, opened

NOW = datetime.now(UTC).replace(microsecond=0)
DATA = generate(seed=3, customers=200, now=NOW)


@pytest.fixture(params=["woocommerce", "shopify"])
def platform(request: pytest.FixtureRequest) -> str:
    """Each platform in turn."""
    return str(request.param)


@pytest.fixture
def shop(platform: str) -> Iterator[Counter]:
    """A shop of 200 contacts on the platform."""
    with opened(platform, DATA) as counter:
        yield counter
