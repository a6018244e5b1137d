"""Whoever left a basket finds it again by the way back, until it is paid."""

from __future__ import annotations

from itertools import islice

import requests

from connectors.types import Order, OrderStatus
from plugin_server import wiring
from tests.contract.counters import Counter


def baskets(shop: Counter) -> list[Order]:
    """What was begun and is not paid."""
    store = shop.store
    walk = wiring.beyond(store).baskets(since=None) if hasattr(store, "baskets") else store.orders(since=None)
    found = [order for page in walk for order in page.items]
    assert all(order.way_back is None for order in found if order.paid)
    return [order for order in found if order.status is OrderStatus.DRAFT and order.way_back]


def test_the_way_back_leads_to_the_till_with_what_was_left(shop: Counter) -> None:
    left = baskets(shop)
    assert left
    for order in islice(left, 2):
        assert order.way_back
        url, until = order.way_back
        assert until > order.placed_at
        with requests.Session() as browser:
            page = browser.get(url, timeout=10)
        assert page.status_code == 200
        assert f'value="{order.email}"' in page.text
        assert all(line.title.partition(" - ")[0] in page.text for line in order.lines)
        token = url.partition("/ac/")[2].partition("/")[0] or url.partition("key=")[2]
        assert requests.get(url.replace(token, "somebody-elses"), timeout=10).status_code == 404
