"""A large shop comes in as a small one does: no slower for each row, and the same whichever way it goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import RFC_4122

import pytest
from sqlalchemy import Connection, text

from connectors.types import Customer
from plugin_server.db.ingest.contacts import ingest_contacts
from plugin_server.db.ingest.customers import ingest_customers
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.ingest.staging import analyse
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.jobs.reading import imports
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


LINES = """order_id,ordered_at,customer_id,email,status,refunded,line_sku,line_title,line_quantity,line_unit_price
1,2024-01-01 10:00,a,a@example.com,paid,,S1,Kopi,2,5.25
2,2024-01-02 10:00,,B@example.com ,completed,1,S2,Teh,1,4
1,2024-01-01 10:00,a,a@example.com,paid,,S2,Teh,1,4
3,2024-01-03 10:00,,,paid,,S1,Kopi,1,5.25
4,2024-01-04 10:00,,b@example.com,refunded,,S1,Kopi,3,5.25
5,2024-02-30,,c@example.com,paid,,S1,Kopi,3,5.25
"""

_ORDERS = """
    SELECT o.external_id, o.number, o.status, o.raw_status, o.paid, o.placed_at, o.currency, o.total_minor,
        o.refunded_minor, o.email, o.content, c.email_norm, i.external_id AS account, r.amount_minor,
        array_agg(ROW(l.position, l.sku, l.title, l.quantity, l.total_minor)::text ORDER BY l.position) AS lines
    FROM shop_order o LEFT JOIN customer c ON c.id = o.customer_id
        LEFT JOIN identity i ON i.customer_id = c.id AND i.store_id = o.store_id
        LEFT JOIN order_refund r ON r.order_id = o.id LEFT JOIN order_line l ON l.order_id = o.id
    WHERE o.store_id = {store}
    GROUP BY o.id, c.email_norm, i.external_id, r.amount_minor ORDER BY o.external_id"""


def test_a_file_of_lines_reads_the_same_at_once_and_in_chunks(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first orders of all are written at once; where there are some, a few at a time."""
    file = tmp_path / "orders.csv"
    file.write_text(LINES)
    monkeypatch.setattr(imports, "CHUNK", 2)
    first = imports.import_orders(shop.app, shop.merchant, imports.OrdersFile(file, shop.store))
    with tenant(shop.app.engine, shop.merchant) as connection:
        second = stores.add(connection, merchant_id=shop.merchant, platform="csv", name="Web", url="csv:web")
    later = imports.import_orders(shop.app, shop.merchant, imports.OrdersFile(file, second))
    assert {**first, "seconds": 0} == {**later, "seconds": 0}
    assert (first["created"], first["rejected_count"], first["customers"]) == (4, 1, 2)
    at_once, in_chunks = (shop.rows(_ORDERS.format(store=store)) for store in (shop.store, second))
    assert at_once == in_chunks
    assert at_once[0][-1] == ["(0,S1,Kopi,2,1050)", "(1,S2,Teh,1,400)"]
    assert shop.rows("SELECT orders FROM customer_facts ORDER BY 1") == [(2,), (2,)]
    keyed = "SELECT count(*) FROM pg_index WHERE indrelid = 'order_line'::regclass AND indisprimary AND indisvalid"
    assert shop.rows(keyed) == [(1,)]


def test_public_numbers_are_random_uuids_of_their_own(shop: Shop) -> None:
    shop.take(*(order(str(n), email=f"c{n}@example.com") for n in range(50)))
    ids = [row[0] for row in shop.rows("SELECT public_id FROM customer")]
    assert len(set(ids)) == 50
    assert {(each.version, each.variant) for each in ids} == {(4, RFC_4122)}
    assert len({each.hex[:8] for each in ids}) == len({each.hex[-8:] for each in ids}) == 50
