"""Against the served double of a Shopify shop, which executes a schema: three ways to read an order tell the same."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.shopify import ShopifyStore, bodies, connect, mapping
from connectors.shopify.orders import OrderReader
from connectors.types import CodeSpec, CreditIntent, DiscountKind
from plugin_server.demo.generator import generate
from plugin_server.demo.shopify_shop.grants import Grants
from plugin_server.demo.shopify_shop.rest_view import order_body
from plugin_server.demo.shopify_shop.server import bind, create_shop_app
from plugin_server.demo.shopify_shop.state import ShopState, utc_now
from plugin_server.demo.shopify_shop.stocking import stock
from tests.connectors.shopify.shop import refusal

NAME, TOKEN = "toko-senja.myshopify.com", "shpat_demo"


@contextmanager
def open_shop(customers: int) -> Iterator[tuple[ShopState, ShopifyStore]]:
    """The double with demo customers, served on a port of the system's choice, and a store that talks to it."""
    shop = ShopState(domain=NAME, grants=Grants(utc_now, "demo-client", "demo-secret", TOKEN))
    stock(shop, generate(seed=1, customers=customers, now=datetime.now(UTC).replace(microsecond=0)))
    app = create_shop_app(shop, bulk_seconds=0.05)
    server = bind(app, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    store = connect(NAME, lambda: TOKEN, origin=shop.base, allow_private=True)
    try:
        yield shop, store
    finally:
        store.close()
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["shopify_shop"].bulks.close()


def everything(pages: Any) -> dict[str, Any]:
    return {one.external_id: one for page in pages for one in page.items}


def test_bulk_paging_and_bodies_tell_the_same_of_every_order() -> None:
    with open_shop(60) as (shop, store):
        in_bulk = everything(store.orders(since=None))
        assert in_bulk == everything(OrderReader(store._client).pages(None))
        from_bodies = [json.loads(json.dumps(order_body(shop, order), default=str)) for order in shop.orders.values()]
        told = [mapping.order(bodies.order_row(body), now=datetime.now(UTC)) for body in from_bodies]
        assert {order.external_id: order for order in told} == in_bulk
        some = next(iter(in_bulk))
        assert store.order(some) == in_bulk[some]
        assert {number for page in store.order_ids() for number in page.items} == set(in_bulk)
        people = everything(store.customers(since=None))
        assert people == everything(store.customers(since=datetime(2000, 1, 1, tzinfo=UTC)))
        goods = everything(store.products(since=None))
        assert goods == everything(store.products(since=datetime(2000, 1, 1, tzinfo=UTC)))
        assert any(product.unit_cost_minor for product in goods.values())


def test_codes_rungs_and_credit_at_the_double() -> None:
    with open_shop(30) as (_, store):
        now = datetime.now(UTC)
        buyers = [person for person in everything(store.customers(since=None)).values() if person.email][:3]
        spec = CodeSpec("LOY-AAA1", DiscountKind.PERCENTAGE, Decimal(10), store.currency(), buyers[0].email,
                        now + timedelta(days=10), minimum_minor=500000)  # fmt: skip
        specs = [
            spec,
            replace(spec, code="LOY-AAA2", kind=DiscountKind.FIXED, value=Decimal(20000), email=buyers[1].email),
            replace(spec, code="LOY-AAA3", kind=DiscountKind.FREE_SHIPPING, value=Decimal(0), minimum_minor=0,
                    email=buyers[2].email),
            replace(spec, code="LOY-AAA4", email="nobody@nowhere.test"),
            replace(spec, code="LOY-AAA5", email="no address"),
        ]  # fmt: skip
        made = store.create_codes(specs)
        assert [bool(result.external_id) for result in made] == [True, True, True, True, False]
        assert store.create_codes(specs) == made
        store.revoke_codes([result.external_id for result in made if result.external_id])
        assert store.write_rungs(
            {buyers[0].external_id: ("member", "Anggota"), "99": ("member", "Anggota")}
        ).refused.keys() == {"99"}
        intent = CreditIntent(
            buyers[0].external_id, 150000, store.currency(), now, now.replace(microsecond=0, year=2030)
        )
        assert store.give_credit(intent) == store.give_credit(intent)
        assert refusal(lambda: store.give_credit(replace(intent, customer_external_id="99"))).permanent
        assert [check.detail for check in store.checks() if not check.ok] == []
