"""A store is read whole, then by what changed; what was lost is found at night."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connectors.base import Page
from connectors.errors import ConnectorError
from connectors.types import OrderStatus, Review
from plugin_server.db.merchant import attention
from plugin_server.db.session import tenant
from plugin_server.db.shops import sync as readings
from plugin_server.jobs import nightly
from plugin_server.jobs.letters import trouble as trouble_mail
from plugin_server.jobs.queues import queue, wake
from plugin_server.jobs.reading.reconcile import reconciled, resume
from plugin_server.jobs.reading.sync import Frozen, read_store, sync_store
from tests.data.fake_store import FakeStore
from tests.data.making import NOW, Shop, account, order


@pytest.fixture
def fake() -> FakeStore:
    made = FakeStore()
    made.put(order("1", customer_external_id="7"), order("2"))
    made.accounts["7"] = account()
    return made


def _read(shop: Shop, fake: FakeStore, kind: str = "incremental") -> dict[str, Any]:
    return read_store(shop.app, shop.merchant, shop.store, kind, fake.connect)


def test_the_first_reading_brings_everything_in(shop: Shop, fake: FakeStore) -> None:
    told = _read(shop, fake)
    assert told["orders"] == {"seen": 2, "created": 2, "updated": 0, "unchanged": 0}
    assert told["customers"] == {"seen": 1, "created": 1, "updated": 0, "unchanged": 0}
    assert told["products"] == {"seen": 1, "created": 1, "updated": 0, "unchanged": 0}
    assert told["cursor"] == (NOW - timedelta(minutes=5)).isoformat()
    assert told["faults"] == [{"place": "account 99", "reason": "birthday: unreadable"}]
    assert shop.rows("SELECT state, kind, error FROM sync_run") == [("done", "incremental", "")]


def test_the_next_reading_asks_for_what_changed_since_before_the_last_began(shop: Shop, fake: FakeStore) -> None:
    _read(shop, fake)
    fake.put(order("3", updated_at=NOW))
    assert _read(shop, fake)["orders"] == {"seen": 1, "created": 1, "updated": 0, "unchanged": 0}
    assert fake.asked == ["orders all", f"orders {(NOW - timedelta(minutes=5)).isoformat()}"]


def test_a_full_reading_of_the_same_changes_nothing(shop: Shop, fake: FakeStore) -> None:
    _read(shop, fake)
    assert _read(shop, fake, "full")["orders"] == {"seen": 2, "created": 0, "updated": 0, "unchanged": 2}


def test_an_order_trashed_since_is_seen_by_a_plain_reading(shop: Shop, fake: FakeStore) -> None:
    _read(shop, fake)
    fake.put(order("1", status=OrderStatus.TRASHED, paid=False, updated_at=NOW))
    _read(shop, fake)
    assert shop.rows("SELECT status, counts FROM shop_order WHERE external_id = '1'") == [("trashed", False)]


def test_a_reading_that_breaks_off_keeps_what_came_and_leaves_the_cursor(shop: Shop, fake: FakeStore) -> None:
    fake.down = True
    with pytest.raises(ConnectorError):
        _read(shop, fake)
    assert shop.rows("SELECT state, error FROM sync_run") == [("failed", "The shop does not answer.")]
    assert shop.rows("SELECT resource FROM sync_cursor ORDER BY 1") == [("categories",), ("customers",), ("products",)]


def test_a_shop_that_locks_us_out_is_marked_until_it_answers_again(shop: Shop, fake: FakeStore) -> None:
    state = "SELECT s.state, s.state_reason, a.trouble FROM store s LEFT JOIN store_access a ON a.store_id = s.id"
    fake.shut = ConnectorError("The shop does not know this key.", code="wrong_key")
    with pytest.raises(ConnectorError):
        _read(shop, fake)
    assert shop.rows(state) == [("broken", "The shop does not know this key.", "wrong_key")]
    # It is asked again by itself, and its owner hears of it once, in the words of the fault.
    with tenant(shop.app.engine, shop.merchant) as connection:
        connection.execute(text("UPDATE store SET platform = 'woocommerce'"))
    assert nightly._shops(shop.app) == [(shop.merchant, shop.store)]
    assert (trouble_mail.tell_all(shop.app), trouble_mail.tell_all(shop.app)) == (1, 0)
    (mail,) = shop.app.settings.outbox.rglob("*.eml")
    assert "The shop does not know this key." in mail.read_text()
    fake.shut = None
    _read(shop, fake)
    assert shop.rows(state) == [("connected", "", "")]


def test_reviews_that_a_shop_keeps_to_itself_cost_nothing_else(shop: Shop, fake: FakeStore) -> None:
    refused = ConnectorError("The key's user has no right to this.", code="no_rights")
    fake.reviews = _refusing(refused)  # type: ignore[method-assign]
    assert _read(shop, fake)["faults"][-1] == {"place": "reviews", "reason": refused.sentence}
    assert shop.rows("SELECT state, (SELECT state FROM store) FROM sync_run") == [("done", "connected")]
    fake.reviews = _refusing(ConnectorError("The shop does not answer.", retry_after=1))  # type: ignore[method-assign]
    with pytest.raises(ConnectorError):
        _read(shop, fake)


def _refusing(error: ConnectorError) -> Callable[..., Iterator[Page[Review]]]:
    def walk(**_: object) -> Iterator[Page[Review]]:
        raise error
        yield

    return walk


def test_one_reading_of_a_store_at_a_time(shop: Shop, fake: FakeStore) -> None:
    with readings.alone(shop.app.engine, shop.store), pytest.raises(readings.AlreadyRunning, match="read already"):
        _read(shop, fake)
    assert shop.rows("SELECT * FROM sync_run") == []


def test_a_killed_reading_is_found_and_begun_again(shop: Shop, fake: FakeStore) -> None:
    def begin() -> tuple[int, str]:
        return shop.do(
            lambda c: readings.begin(c, merchant_id=shop.merchant, store_id=shop.store, kind="full", now=NOW)
        )

    with readings.alone(shop.app.engine, shop.store):
        begin()
        assert shop.do(readings.to_resume) == []
    with readings.alone(shop.app.engine, shop.store + 1):
        assert shop.do(readings.to_resume) == [(shop.store, "full")]
    _read(shop, fake)  # Whoever comes first does what the killed one was to do.
    assert shop.do(readings.to_resume) == []
    assert shop.rows("SELECT state, kind FROM sync_run ORDER BY id") == [("failed", "full"), ("done", "full")]


def test_a_reading_that_dies_every_time_is_given_up_until_somebody_asks(shop: Shop, fake: FakeStore) -> None:
    def sweep_after_a_death() -> int:
        values = {"merchant_id": shop.merchant, "store_id": shop.store, "kind": "full", "now": NOW}
        shop.do(lambda c: readings.begin(c, **values))
        woken = resume(shop.app, shop.merchant)
        assert shop.do(readings.given_up) == (set() if woken else {shop.store})
        return woken

    shop.rows("UPDATE store SET platform = 'woocommerce' RETURNING 1")
    assert [sweep_after_a_death() for _ in range(readings.TRIES)] == [1] * (readings.TRIES - 1) + [0]
    state, error = shop.rows("SELECT state, error FROM sync_run ORDER BY id DESC LIMIT 1")[0]
    assert (state, error) == ("failed", readings.GIVEN_UP.format(times=readings.TRIES))
    assert shop.do(lambda c: attention.waiting(c, NOW)) == [attention.Waiting("stores", 1, shop.store)]
    nightly.sync_all(shop.app)
    assert [job for job in queue(shop.app.redis, "bulk").get_jobs() if "incremental" in job.args] == []
    assert sweep_after_a_death() == 0  # asked for, it is tried once
    _read(shop, fake)
    assert (shop.do(readings.given_up), shop.do(lambda c: attention.waiting(c, NOW))) == (set(), [])
    assert sweep_after_a_death() == 1


def test_a_reading_may_take_a_day_and_any_other_job_an_hour(shop: Shop) -> None:
    for on, seconds in (("bulk", 86_400), ("urgent", 3_600)):
        wake(shop.app.redis, sync_store, shop.merchant, shop.store, on, on=on)
        assert queue(shop.app.redis, on).get_jobs()[-1].timeout == seconds


def test_progress_can_be_looked_at_while_it_goes_on(shop: Shop, fake: FakeStore) -> None:
    seen: list[object] = []
    fake.walking = lambda: seen.extend(shop.rows("SELECT state, phase, counters FROM sync_run"))
    _read(shop, fake)
    state, phase, counters = seen[0]  # type: ignore[misc]
    assert (state, phase, counters["customers"]["created"]) == ("running", "orders", 1)


def test_the_nightly_look_repairs_what_was_lost_and_says_how_much(shop: Shop, fake: FakeStore) -> None:
    fake.put(order("3"), order("4"))
    _read(shop, fake)
    fake.put(order("1", customer_external_id="7", total_minor=77))
    del fake.kept["2"]
    fake.put(order("3", status=OrderStatus.TRASHED, paid=False))
    told = _read(shop, fake, "reconcile")
    assert told["repaired"] == {
        "categories": 0, "products": 0, "customers": 0, "orders": 3, "reviews": 0, "orders_gone": 1,
    }  # fmt: skip
    assert shop.rows("SELECT external_id, status, total_minor FROM shop_order ORDER BY 1") == [
        ("1", "paid", 77),
        ("2", "trashed", 10_000),
        ("3", "trashed", 10_000),
        ("4", "paid", 10_000),
    ]


def test_a_shop_that_tells_another_address_is_frozen_and_not_read(shop: Shop, fake: FakeStore) -> None:
    _read(shop, fake)
    fake.url = "https://staging.toko.example"
    fake.put(order("3", updated_at=NOW))
    with pytest.raises(Frozen, match=r"toko\.example to https://staging"):
        _read(shop, fake)
    assert shop.rows("SELECT state, fingerprint FROM store") == [("frozen", "https://toko.example")]
    assert shop.rows("SELECT count(*) FROM shop_order") == [(2,)]


def test_a_row_that_the_database_cannot_hold_is_named_and_the_rest_comes_in(shop: Shop, fake: FakeStore) -> None:
    fake.put(order("3", total_minor=2**70), order("4"))
    told = _read(shop, fake)
    assert told["orders"] == {"seen": 3, "created": 3, "updated": 0, "unchanged": 0}
    assert [fault["place"] for fault in told["faults"]] == ["account 99", "orders 3"]


def test_a_store_of_files_is_left_out_at_night(shop: Shop, fake: FakeStore) -> None:
    assert reconciled(shop.app, shop.merchant, fake.connect) == {}
    assert fake.asked == []


def test_orders_placed_during_the_night_s_look_are_not_taken_for_lost(shop: Shop, fake: FakeStore) -> None:
    _read(shop, fake)
    shop.take(order("9", placed_at=NOW))
    _read(shop, fake, "reconcile")
    assert shop.rows("SELECT status FROM shop_order WHERE external_id = '9'") == [("paid",)]
