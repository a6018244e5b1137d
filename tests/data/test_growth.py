"""Bringing in the last people of a large shop costs no more than bringing in the first: counted in rows read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from connectors.types import Customer
from plugin_server.db import merchants, stores
from plugin_server.db.ingest_contacts import ingest_contacts
from plugin_server.db.ingest_customers import ingest_customers
from plugin_server.db.ingest_orders import ingest_orders
from plugin_server.db.session import tenant
from plugin_server.db.staging import analyse
from tests.data.making import NOW, Shop, account, order

BATCHES, BATCH = 12, 50
"""Going through all who are there once for each newcomer would be some 180,000 rows; once a batch is 9,000."""

Bring = Callable[[Connection, Shop, int], object]


def _by_orders(connection: Connection, shop: Shop, first: int) -> object:
    orders = [
        order(str(n), email=f"c{n}@example.com", customer_external_id=f"c{n}" if n % 2 else None)
        for n in range(first, first + BATCH)
    ]
    return ingest_orders(connection, merchant_id=shop.merchant, store_id=shop.store, orders=orders, now=NOW)


def _by_accounts(connection: Connection, shop: Shop, first: int) -> object:
    accounts = [account(str(n), f"c{n}@example.com") for n in range(first, first + BATCH)]
    return ingest_customers(connection, merchant_id=shop.merchant, store_id=shop.store, customers=accounts, now=NOW)


def _by_contacts(connection: Connection, shop: Shop, first: int) -> object:
    contacts = [Customer(external_id=str(n), email=f"c{n}@example.com") for n in range(first, first + BATCH)]
    return ingest_contacts(connection, merchant_id=shop.merchant, contacts=contacts, source="list", now=NOW)


@pytest.fixture
def neighbour(shop: Shop) -> Shop:
    """Another business in the same database, the only one of which the planner has heard."""
    told = {"name": "Teh", "email": "teh@example.com", "timezone": "Asia/Jakarta", "currency": "IDR", "locale": "id"}
    merchant = merchants.add(shop.app.engine, **told)
    with tenant(shop.app.engine, merchant) as connection:
        store = stores.add(connection, merchant_id=merchant, platform="csv", name="Till", url="csv:teh")
    other = Shop(shop.app, merchant, store)
    other.take(*(order(str(n), email=f"c{n}@example.com", customer_external_id=f"c{n}") for n in range(300)))
    other.do(analyse)
    return other


@pytest.mark.usefixtures("neighbour")
@pytest.mark.parametrize("bring", [_by_orders, _by_accounts, _by_contacts])
def test_people_are_found_by_index_whatever_the_planner_believes(shop: Shop, bring: Bring) -> None:
    """All in one transaction, so that nobody can tell the planner in between how many people there are by now."""

    def work(connection: Connection) -> dict[str, int]:
        for batch in range(BATCHES):
            bring(connection, shop, batch * BATCH)
        read = "SELECT relname, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = ANY(:names)"
        rows = connection.execute(text(read), {"names": ["customer", "identity", "shop_order"]})
        return {row[0]: row[1] for row in rows}

    people = BATCHES * BATCH
    read = shop.do(work)
    assert {name: rows for name, rows in read.items() if rows > 40 * people} == {}
    assert shop.rows("SELECT count(*) FROM customer") == [(people,)]
