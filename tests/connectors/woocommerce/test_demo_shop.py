"""The connector against the demo shop, as new and as old WooCommerce, over http and https: what is WooCommerce's own.

What every store promises is in tests/contract, and held there against this shop too.

Both were built from the same contract by different hands: where they agree, neither reads it alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from connectors.errors import ConnectorError
from connectors.types import Order, OrderStatus, StoreEventKind
from connectors.woocommerce import WooStore, connect, webhooks
from plugin_server.demo.generator import generate
from plugin_server.demo.shop import Faults, ShopState, running_shop, stock
from plugin_server.demo.shop.faults import Fault, Html, Moved, Throttle
from tests.connectors.server import Answer, serving

NOW = datetime.now(UTC).replace(microsecond=0)
DATA = generate(seed=3, customers=400, now=NOW)
KEY, SECRET = "ck_" + "d" * 40, "cs_" + "e" * 40


@dataclass
class Open:
    """A running shop, what it remembers, its faults, and us connected to it."""

    store: WooStore
    shop: ShopState
    faults: Faults


@pytest.fixture(params=["new", "old"])
def opened(request: pytest.FixtureRequest) -> Iterator[Open]:
    """A shop with order tables, and one with orders as posts. Neither has coupons yet."""
    old = request.param == "old"
    shop, faults = ShopState(), Faults()
    stock(shop, DATA)
    shop.coupons.clear()
    shop.add_key(KEY, SECRET)
    with running_shop(shop, legacy=old, faults=faults, interval=0.05) as url:
        store = connect(url, KEY, SECRET, allow_private=True, sleep=lambda seconds: None)
        yield Open(store, shop, faults)
        store.close()


def orders(store: WooStore, since: datetime | None = None) -> dict[str, Order]:
    return {order.external_id: order for page in store.orders(since=since) for order in page.items}


def test_every_check_is_well(opened: Open) -> None:
    assert [check for check in opened.store.checks() if not check.ok] == []
    assert opened.store.info().currency == "IDR"
    assert (opened.shop.coupons, opened.shop.webhooks) == ({}, {})


def test_every_check_is_well_over_https() -> None:
    shop = ShopState()
    shop.add_key(KEY, SECRET)
    with running_shop(shop, tls=True) as url:
        checks = connect(url, KEY, SECRET, allow_private=True, tls_verify=False).checks()
    assert [check for check in checks if not check.ok] == []
    assert "Keys travel encrypted." in {check.detail for check in checks}


def test_what_is_trashed_shows_in_the_next_read_and_not_among_the_ids(opened: Open) -> None:
    number = str(max(opened.shop.orders))
    opened.store._client.write("DELETE", f"orders/{number}")
    assert orders(opened.store, since=datetime.now(UTC))[number].status is OrderStatus.TRASHED
    assert number not in {item for page in opened.store.order_ids() for item in page.items}
    found = opened.store.order(number)
    assert found is not None
    assert not found.paid


@pytest.mark.parametrize("fault", [Throttle(None)])
def test_a_read_survives_what_passes(opened: Open, fault: Fault) -> None:
    opened.faults.once("/orders", fault, times=2)
    assert len(orders(opened.store)) == len(opened.shop.orders)


@pytest.mark.parametrize(("fault", "code"), [(Html(), "html"), (Moved("https://elsewhere.test{path}"), "redirect")])
def test_a_read_names_what_does_not_pass(opened: Open, fault: Fault, code: str) -> None:
    opened.faults.once("/orders", fault, times=99)
    with pytest.raises(ConnectorError) as caught:
        orders(opened.store)
    assert caught.value.code == code


def test_webhooks_come_signed_and_our_own_rung_is_nothing_new(opened: Open) -> None:
    store, number = opened.store, next(str(n) for n, one in opened.shop.customers.items() if one.role == "customer")
    known = store.customer(number)
    with serving(lambda asked: Answer(b"")) as ear:
        url = f"{ear.url}/webhooks/woocommerce/1"
        assert {state.state for state in store.ensure_webhooks(url=url, secret="s&<>'")} == {"active"}
        assert store.write_rungs({number: ("member", "Anggota")}).refused == {}
        deadline = time.monotonic() + 10
        while not any(asked.headers.get("X-WC-Webhook-Topic") for asked in ear.asked) and time.monotonic() < deadline:
            time.sleep(0.05)
        store.remove_webhooks(url=url)
    signed = [asked for asked in ear.asked if webhooks.verify(asked.headers, asked.body, ["s&<>'"])]
    event = store.parse_webhook(headers=signed[0].headers, body=signed[0].body)
    assert event.kind is StoreEventKind.CUSTOMER
    assert event.customer is not None
    assert known is not None
    assert replace(event.customer, updated_at=known.updated_at) == known
    assert opened.shop.webhooks == {}
