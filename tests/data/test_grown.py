"""Facts to which orders were added are the same as facts read from all orders."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from connectors.types import Order, OrderStatus
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.ladder import facts, facts_grown
from plugin_server.jobs.consequences import follow
from tests.data.making import DAY, NOW, Shop, order, refund

PEOPLE = 6


def _take(shop: Shop, *orders: Order) -> Ingested:
    """As a webhook does: orders, facts and rungs in one transaction."""

    def work(connection: Connection) -> Ingested:
        done = ingest_orders(connection, merchant_id=shop.merchant, store_id=shop.store, orders=orders, now=NOW)
        follow(connection, merchant_id=shop.merchant, done=done, now=NOW)
        return done

    return shop.do(work)


def _wrong(shop: Shop) -> int:
    """How many rows of facts a reading of all orders finds to be otherwise."""
    return shop.do(lambda conn: facts.refresh(conn, merchant_id=shop.merchant, customer_ids=None, now=NOW))


def _any_order(chance: random.Random, number: int) -> Order:
    """Mostly later than those before; now and then of any age, at the same moment, unpaid, foreign, given back."""
    hours = number * 7 if chance.random() < 0.8 else chance.randrange(number * 7 + 1)
    told: dict[str, Any] = {
        "email": f"c{chance.randrange(PEOPLE)}@example.com",
        "placed_at": DAY + timedelta(hours=hours),
    }
    told["total_minor"] = chance.randrange(1, 50) * 1_000
    if chance.random() < 0.2:
        told["currency"] = "EUR"
    if chance.random() < 0.2:
        told["discount_minor"] = 500
    if chance.random() < 0.2:
        told["refunds"] = (refund(chance.choice((500, told["total_minor"]))),)
    if chance.random() < 0.2:
        told |= {"paid": False, "status": OrderStatus.PENDING}
    if chance.random() < 0.2:
        told["customer_external_id"] = told["email"]
    return order(str(chance.randrange(number + 1) if chance.random() < 0.1 else number), **told)


def test_whatever_comes_in_the_facts_are_those_of_all_orders(shop: Shop) -> None:
    chance, number, grown = random.Random(11), 0, 0
    for _ in range(45):
        batch = [_any_order(chance, number + place) for place in range(chance.randrange(1, 7))]
        number += len(batch)
        grown += len(_take(shop, *batch).grown)
        assert _wrong(shop) == 0
    assert grown > 60


def test_orders_that_the_facts_hold_are_not_added_again(shop: Shop) -> None:
    _take(shop, order("1"), order("2", placed_at=DAY + timedelta(days=3)))
    ((customer,),) = shop.rows("SELECT id FROM customer")
    orders = [row[0] for row in shop.rows("SELECT id FROM shop_order")]

    def add(connection: Connection) -> set[int]:
        return facts_grown.add(
            connection, merchant_id=shop.merchant, customer_ids=[customer], order_ids=orders, now=NOW
        )

    assert shop.do(add) == set()
    assert _wrong(shop) == 0


def test_what_was_ordered_before_is_not_read_again(shop: Shop) -> None:
    """Shown by an old order that changed behind our back: only a reading of all orders notices."""
    _take(shop, order("1"))
    shop.do(lambda connection: connection.execute(text("UPDATE shop_order SET total_minor = 1")))
    done = _take(shop, order("2", placed_at=DAY + timedelta(days=9)))
    assert done.grown == frozenset(done.touched or ())
    assert shop.rows("SELECT orders, spend_minor, gap_mean_days FROM customer_facts") == [(2, 20_000, 9)]
    assert _wrong(shop) == 1


def test_who_was_touched_otherwise_as_well_is_read_whole() -> None:
    ordered, renamed = Ingested(touched=[1, 2], grown=frozenset({1, 2})), Ingested(touched=[2, 3])
    assert (ordered + renamed).grown == (renamed + ordered).grown == {1}
    assert (ordered + ordered).grown == {1, 2}
