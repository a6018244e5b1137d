"""What every store promises when things go wrong: patience within bounds, and then a sentence."""

from __future__ import annotations

import pytest

from connectors.errors import ConnectorError
from plugin_server.demo.shop.faults import Broken, CutJson, Fault, HalfPage, Html, Throttle
from tests.contract.counters import Counter
from tests.contract.test_reading import LONG_AGO, read

BOUND = 25
"""No read asks the same thing more often than this."""


@pytest.mark.parametrize("fault", [HalfPage(), CutJson(), Throttle(1), Throttle(None), Broken(503)])
def test_a_read_survives_what_passes(shop: Counter, fault: Fault) -> None:
    shop.spoil("orders", fault, times=2)
    assert set(read(shop.store, LONG_AGO)) >= shop.orders()


@pytest.mark.parametrize("fault", [Html(), Throttle(1), Throttle(None), Broken(500), HalfPage()])
def test_what_does_not_pass_is_named_after_a_few_tries(shop: Counter, fault: Fault) -> None:
    before = shop.asked("orders")
    shop.spoil("orders", fault, times=1000)
    with pytest.raises(ConnectorError) as caught:
        read(shop.store, LONG_AGO)
    assert len(caught.value.sentence) > 20
    assert shop.asked("orders") - before <= BOUND


def test_dead_credentials_are_named_and_not_tried_for_ever(shop: Counter) -> None:
    shop.cut_off()
    with pytest.raises(ConnectorError) as caught:
        shop.store.info()
    assert caught.value.permanent
    with pytest.raises(ConnectorError) as caught:
        read(shop.store, LONG_AGO)
    assert caught.value.permanent
    assert shop.asked("orders") <= BOUND
    bad = [check for check in shop.store.checks() if not check.ok]
    assert bad
    assert all(len(check.detail) > 20 for check in bad)
