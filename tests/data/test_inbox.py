"""What came in from outside is worked on once, and what cannot be worked on stands in nobody's way."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from plugin_server.db.shops import inbox
from plugin_server.jobs.reading.ingest import drained
from tests.data.fake_store import FakeStore
from tests.data.making import NOW, Shop, account, order, refund
from tests.inbox import received


@pytest.fixture
def fake() -> FakeStore:
    return FakeStore()


def _tell(shop: Shop, kind: str = "order", external_id: str = "1", *, dedupe: str = "a", **more: Any) -> bool:
    body = json.dumps({"kind": kind, "id": external_id} | more).encode()
    return _raw(shop, body, dedupe)


def _raw(shop: Shop, body: bytes, dedupe: str, *, once: bool = False) -> bool:
    return received(
        shop.app, shop.merchant, body, provider="fake", topic="t", dedupe=dedupe, store=shop.store, once=once
    )


def _drain(shop: Shop, fake: FakeStore) -> int:
    return drained(shop.app, shop.merchant, fake.connect)


def _states(shop: Shop) -> list[tuple[str, str]]:
    return [tuple(row) for row in shop.rows("SELECT state, note FROM inbound_event ORDER BY id")]


def test_an_equal_event_is_written_once_while_it_waits(shop: Shop) -> None:
    assert (_tell(shop), _tell(shop), _tell(shop, dedupe="b")) == (True, False, True)


def test_an_equal_event_after_the_first_was_looked_at_is_news(shop: Shop, fake: FakeStore) -> None:
    fake.put(order())
    _tell(shop)
    shop.do(lambda c: inbox.claim(c, provider=None, limit=10, now=NOW))
    assert _tell(shop) is True


def test_a_once_event_is_refused_for_ever(shop: Shop, fake: FakeStore) -> None:
    body = b'{"kind": "ping", "id": "1"}'
    assert _raw(shop, body, "d1", once=True) is True
    _drain(shop, fake)
    assert _raw(shop, body, "d1", once=True) is False


def test_a_claimed_event_is_nobody_else_s_until_its_lease_is_over(shop: Shop) -> None:
    _tell(shop)
    claim = lambda at: len(shop.do(lambda c: inbox.claim(c, provider=None, limit=10, now=at)))  # noqa: E731
    assert [claim(NOW), claim(NOW), claim(NOW + timedelta(minutes=6))] == [1, 0, 1]


def test_an_order_event_becomes_an_order(shop: Shop, fake: FakeStore) -> None:
    fake.put(order(refunds=(refund(100),)))
    _tell(shop)
    assert _drain(shop, fake) == 1
    assert shop.rows("SELECT external_id, net_minor FROM shop_order") == [("1", 9_900)]
    assert _states(shop) == [("done", "")]


def test_an_event_that_only_points_is_read_from_the_store_once(shop: Shop, fake: FakeStore) -> None:
    fake.put(order())
    _tell(shop, refetch=True, dedupe="a")
    _tell(shop, refetch=True, dedupe="b")
    _drain(shop, fake)
    assert fake.asked == ["order 1"]
    assert shop.rows("SELECT external_id FROM shop_order") == [("1",)]


def test_the_account_of_an_order_is_read_before_the_order_comes_in(shop: Shop, fake: FakeStore) -> None:
    fake.put(order(customer_external_id="7", email="billing@example.com"))
    fake.accounts["7"] = account("7", "ani@example.com")
    _tell(shop)
    _drain(shop, fake)
    assert shop.rows("SELECT email_norm FROM customer") == [("ani@example.com",)]


def test_a_deleted_order_is_trashed_and_comes_back_when_restored(shop: Shop, fake: FakeStore) -> None:
    shop.take(order())
    _tell(shop, "order_gone")
    _drain(shop, fake)
    assert shop.rows("SELECT status, counts FROM shop_order") == [("trashed", False)]
    shop.take(order())
    assert shop.rows("SELECT status, counts FROM shop_order") == [("paid", True)]


def test_a_deleted_account_leaves_the_customer(shop: Shop, fake: FakeStore) -> None:
    shop.know(account())
    _tell(shop, "customer_gone", "7")
    _drain(shop, fake)
    assert shop.rows("SELECT has_account FROM customer") == [(False,)]


def test_our_own_write_coming_back_changes_nothing(shop: Shop, fake: FakeStore) -> None:
    shop.know(account())
    before = shop.rows("SELECT xmin, * FROM customer")
    fake.accounts["7"] = account(updated_at=NOW)
    _tell(shop, "customer", "7")
    _drain(shop, fake)
    assert shop.rows("SELECT xmin, * FROM customer") == before


def test_unreadable_and_poisonous_events_stand_in_nobody_s_way(shop: Shop, fake: FakeStore) -> None:
    fake.put(order())
    _raw(shop, b"poison", "x")
    _raw(shop, b"<html>", "y")
    _tell(shop)
    _drain(shop, fake)
    assert _states(shop) == [
        ("received", "ZeroDivisionError: nobody foresaw this"),
        ("failed", "body: This is not JSON."),
        ("done", ""),
    ]


def test_poison_is_put_aside_after_five_tries(shop: Shop, fake: FakeStore) -> None:
    _raw(shop, b"poison", "x")
    for _ in range(5):
        shop.do(lambda c: c.execute(text("UPDATE inbound_event SET not_before = NULL")))
        _drain(shop, fake)
    assert shop.rows("SELECT state, attempts FROM inbound_event") == [("failed", 5)]


def test_one_order_the_database_refuses_does_not_keep_the_others_out(shop: Shop, fake: FakeStore) -> None:
    fake.put(order("1"), order("2", total_minor=2**70), order("3"))
    for external_id in "123":
        _tell(shop, external_id=external_id, dedupe=external_id)
    _drain(shop, fake)
    assert shop.rows("SELECT external_id FROM shop_order ORDER BY 1") == [("1",), ("3",)]
    assert [state for state, _ in _states(shop)] == ["done", "received", "done"]


def test_a_store_that_is_down_leaves_the_event_waiting(shop: Shop, fake: FakeStore) -> None:
    fake.down = True
    _tell(shop, refetch=True)
    _drain(shop, fake)
    assert _states(shop) == [("received", "The shop does not answer.")]
    assert shop.rows("SELECT attempts, not_before > now() - interval '100 years' FROM inbound_event") == [(1, True)]


def test_a_store_that_is_down_is_not_asked_about_every_event(shop: Shop, fake: FakeStore) -> None:
    """Each question to a shop that does not answer takes minutes, in which nobody else's events come in."""
    fake.down = True
    fake.put(order("0", customer_external_id="7"))
    for number in range(30):
        _tell(shop, external_id=str(number), dedupe=str(number), refetch=number > 0)
    _drain(shop, fake)
    assert [asked for asked in fake.asked if asked.startswith("order ")] == ["order 1", "order 1", "order 2", "order 3"]
    assert _states(shop) == [("done", "")] + [("received", "The shop does not answer.")] * 29
