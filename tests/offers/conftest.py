"""Each platform's demo shop, served once for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.campaigns.conftest import app, merchant
from tests.contract.counters import opened
from tests.offers.shops import DATA, Counterpart

__all__ = ["app", "merchant"]


@pytest.fixture(scope="module", params=["woocommerce", "shopify"])
def counterpart(request: pytest.FixtureRequest) -> Iterator[Counterpart]:
    """A shop with its goods, and a person known there."""
    with opened(request.param, DATA) as counter:
        url = counter.shop.base if request.param == "woocommerce" else counter.origin
        yield Counterpart(request.param, counter, url)
