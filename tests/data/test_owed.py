"""Facts may lag behind the rows while a shop is read; when the reading has ended, or the next one, they never do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from connectors.errors import ConnectorError
from plugin_server.db.shops import sync as readings
from plugin_server.jobs.climb import everybody
from plugin_server.jobs.reading.owed import FEW, Owed
from plugin_server.jobs.reading.sync import read_store
from tests.data.fake_store import FakeStore
from tests.data.making import DAY, NOW, Shop, figures, order

ORDERS, BROKEN_AT = 150, 100


class Killed(RuntimeError):
    """Whatever ends a reading without a chance to tidy up."""


@pytest.fixture
def slow(shop: Shop) -> Shop:
    """Its clock goes on by a second at each look: rows come in a few at a time, and payments take a while."""
    ticks = count()
    return Shop(replace(shop.app, now=lambda: NOW + timedelta(seconds=next(ticks))), shop.merchant, shop.store)


def _shop_of(orders: int) -> FakeStore:
    made = FakeStore()
    made.put(*(order(str(number), email=f"p{number % 40}@example.com") for number in range(orders)))
    return made


def _breaking(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return _once_broken(fail)


def _once_broken(end: Callable[[], None]) -> Callable[[], None]:
    seen = count(1)

    def walking() -> None:
        if next(seen) == BROKEN_AT:
            end()

    return walking


def _kept(shop: Shop) -> tuple[int, int]:
    """(orders that count, orders that facts and rungs know of)"""
    return shop.rows(
        "SELECT (SELECT count(*) FROM shop_order WHERE counts), "
        "(SELECT coalesce(sum(orders), 0)::int FROM customer_facts WHERE rung IS NOT NULL)"
    )[0]  # type: ignore[no-any-return]


def test_at_its_end_a_reading_has_paid(slow: Shop) -> None:
    read_store(slow.app, slow.merchant, slow.store, "full", _shop_of(ORDERS).connect)
    assert _kept(slow) == (ORDERS, ORDERS)


def test_what_a_killed_reading_left_undone_the_next_one_does(slow: Shop) -> None:
    fake = _shop_of(ORDERS)
    fake.walking = _breaking(Killed())
    with pytest.raises(Killed):
        read_store(slow.app, slow.merchant, slow.store, "full", fake.connect)
    orders, known = _kept(slow)
    assert 0 < known < orders < ORDERS
    assert slow.do(lambda connection: readings.broken_off(connection, slow.store))
    read_store(slow.app, slow.merchant, slow.store, "full", _shop_of(orders).connect)
    assert _kept(slow) == (orders, orders)


def test_a_process_killed_while_it_reads_is_known_at_once_and_leaves_nothing_double(slow: Shop) -> None:
    fake = _shop_of(ORDERS)
    fake.walking = _once_broken(lambda: os.kill(os.getpid(), signal.SIGKILL))
    child = os.fork()
    if not child:
        slow.app.engine.dispose(close=False)
        read_store(slow.app, slow.merchant, slow.store, "full", fake.connect)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert 0 < _kept(slow)[0] < ORDERS
    deadline = time.monotonic() + 30
    while not (found := slow.do(readings.to_resume)):
        # The database has to notice that nobody is at the other end.
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert found == [(slow.store, "full")]
    read_store(slow.app, slow.merchant, slow.store, "full", _shop_of(ORDERS).connect)
    assert _kept(slow) == (ORDERS, ORDERS)
    assert slow.rows("SELECT count(*), count(DISTINCT (order_id, position)) FROM order_line")[0] == (ORDERS, ORDERS)
    assert slow.rows("SELECT state, error FROM sync_run ORDER BY id") == [
        ("failed", "It was interrupted, and begun again."),
        ("done", ""),
    ]


def test_what_came_before_the_shop_fell_silent_is_shown(slow: Shop) -> None:
    fake = _shop_of(ORDERS)
    fake.walking = _breaking(ConnectorError("The shop does not answer."))
    with pytest.raises(ConnectorError):
        read_store(slow.app, slow.merchant, slow.store, "full", fake.connect)
    orders, known = _kept(slow)
    assert 0 < known == orders < ORDERS
    assert not slow.do(lambda connection: readings.broken_off(connection, slow.store))


def test_drawn_in_steps_the_ladder_is_the_same_as_drawn_at_once(shop: Shop) -> None:
    """Also for somebody whose facts went with a merge that was undone, while the log stayed."""
    days = [DAY + timedelta(days=number * 17 % 90) for number in range(60)]
    orders = [order(str(number), email=f"p{number % 25}@example.com", placed_at=day) for number, day in enumerate(days)]

    def draw() -> None:
        shop.do(lambda connection: everybody(connection, merchant_id=shop.merchant, now=NOW))

    for part in (orders[:20], orders[20:40], orders[40:]):
        shop.take(*part)
        draw()
        shop.rows("DELETE FROM customer_facts WHERE customer_id % 3 = 0 RETURNING 1")
    draw()
    stepwise = figures(shop)
    shop.rows("WITH moves AS (DELETE FROM rung_change) DELETE FROM customer_facts RETURNING 1")
    draw()
    assert figures(shop) == stepwise
    assert len(stepwise[0]) == 25


def test_where_a_shop_has_grown_fourfold_everybody_is_read_anew_at_once(slow: Shop) -> None:
    orders, owed = list(_shop_of(4 * FEW + 1).kept.values()), Owed(slow.app, slow.merchant, whole=False)
    for part, known in ((orders[:FEW], FEW), (orders[FEW:-1], 4 * FEW), (orders[-1:], 4 * FEW)):
        owed.add(replace(slow.take(*part), touched=[], order_ids=[]))
        assert _kept(slow)[1] == known
    assert owed.nothing
