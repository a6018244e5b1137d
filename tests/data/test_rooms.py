"""A first file is laid out in a room for two connections: nothing is seen before it stands, nothing stays behind."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from plugin_server.db.ingest import room
from plugin_server.db.ladder import facts
from plugin_server.db.session import tenant
from plugin_server.jobs import sweep
from plugin_server.jobs.climb import recomputed
from tests.data.making import CLEAN, HEADER, NOW, Shop, figures


def _year() -> str:
    """A file in which people buy as guests and by accounts, share addresses, and come back after many waits."""
    chance = random.Random(7)
    rows = []
    for number in range(600):
        who, guest = int(40 * chance.random() ** 2), chance.random() < 0.3
        at = datetime(2023, 1, 1) + timedelta(hours=29 * number)  # noqa: DTZ001 - the zone is written out below
        email = f"{'A' if guest else 'a'}{who % 37}@example.com" if chance.random() < 0.9 else ""
        status = chance.choice(["paid"] * 9 + ["refunded", "Cancelled"])
        account, country = "" if guest else f"k{who}", chance.choice(["ID", "Indonesia", ""])
        rows.append(
            f"{number},{at.isoformat()}Z,{5 + number % 9}.5,{email},{account},{status},EUR,,N {who},{country}\n"
        )
    return f"{HEADER},customer_id,status,currency,refunded,name,country\n" + "".join(rows)


def test_facts_read_beside_the_writing_are_those_read_from_what_was_written(shop: Shop, give: Any) -> None:
    """Facts and rungs of a first file are read from the file itself; computed anew from the orders, none differs."""
    give(_year())
    before = figures(shop)
    assert len(before[0]) > 35
    assert len(before[2]) > 1
    with tenant(shop.app.engine, shop.merchant) as connection:
        assert facts.refresh(connection, merchant_id=shop.merchant, customer_ids=None, now=NOW) == 0
        connection.execute(text("DELETE FROM customer_facts"))
        connection.execute(text("DELETE FROM rung_change"))
    recomputed(shop.app, shop.merchant)
    assert figures(shop) == before


def test_an_import_leaves_no_room_behind(shop: Shop, give: Any) -> None:
    """Neither one that came in, nor one that failed; and what a crash left goes with the next."""
    rooms = "SELECT count(*) FROM pg_class WHERE relnamespace = 'tangga_import'::regnamespace"
    with shop.app.engine.connect() as lost:
        with lost.begin():
            room.enter(lost, shop.merchant).keep(lost, "csv_raw", "SELECT 1 AS row")
        with shop.app.engine.begin() as connection:
            assert room.sweep(connection) == set(), "the import lives"
        lost.invalidate()
    give(f"{HEADER}\n1,2024-01-01,5,ani@example.com\n")
    assert shop.rows(rooms) == [(0,)]


def test_facts_that_a_broken_off_import_owes_are_read_by_whoever_finds_its_room(shop: Shop, give: Any) -> None:
    """It ended after the orders and before the facts. The next import of the same file finds nothing new, and pays."""
    give(CLEAN)
    before = figures(shop)
    for pay in (lambda: give(CLEAN), lambda: sweep.sweep(shop.app)):
        with tenant(shop.app.engine, shop.merchant) as connection:
            connection.execute(text("DELETE FROM customer_facts"))
            connection.execute(text("DELETE FROM rung_change"))
            room.Room(1, shop.merchant).keep(connection, "csv_raw", "SELECT 1 AS row")
        pay()
        assert figures(shop) == before


def test_nobody_else_sees_what_lies_in_a_room(shop: Shop) -> None:
    with tenant(shop.app.engine, shop.merchant) as connection:
        own = room.enter(connection, shop.merchant)
        own.keep(connection, "csv_raw", "SELECT 1 AS row")
        seen = f"SELECT count(*) FROM {own.table('csv_raw')}"
        assert connection.scalar(text(seen)) == 1
        connection.execute(text("SELECT set_config('tangga.merchant', :id, true)"), {"id": str(shop.merchant + 1)})
        assert connection.scalar(text(seen)) == 0
        own.leave(connection)


def test_where_the_orders_do_not_stand_nothing_read_of_them_does(shop: Shop, give: Any) -> None:
    """An order's second row sends the file another way, after facts were read of the first; none of it is left."""
    told = give(f"{CLEAN}1,2024-06-01T10:00:00Z,9,ani@example.com,a,paid,EUR,,Ani W\n")
    assert told["created"] == 5
    before = figures(shop)
    recomputed(shop.app, shop.merchant)
    assert figures(shop) == before
    assert shop.rows("SELECT count(*) FROM customer") == [(2,)]
