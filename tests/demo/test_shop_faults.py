"""Faults come as planned and go again; a restart forgets nothing."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from plugin_server.demo.generator import generate
from plugin_server.demo.shop import Faults, ShopState, stock
from plugin_server.demo.shop.coupon_writing import CouponWriter
from plugin_server.demo.shop.faults import Broken, CutJson, HalfPage, Html, Lost, Moved, Slow, Throttle
from plugin_server.demo.shop.journal import BadJournal, Journal, Origin
from plugin_server.demo.shop.model import Customer, Order, Webhook
from tests.demo.conftest import Client


def test_a_throttled_shop_says_when_to_come_back(api: Client, faults: Faults) -> None:
    faults.once("/orders", Throttle(3), times=2)
    first = api.get("orders")
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert api.get("products").status_code == 200
    assert [api.get("orders").status_code for _ in range(2)] == [429, 200]


def test_faults_can_wait_for_their_turn_and_method(api: Client, faults: Faults) -> None:
    faults.once("/orders", Broken(502), after=1, method="GET")
    assert api.post("orders", {}).status_code == 201
    assert [api.get("orders").status_code for _ in range(3)] == [200, 502, 200]
    assert faults.count("GET /wp-json/wc/v3/orders") == 3


def test_pages_that_are_no_json(api: Client, faults: Faults) -> None:
    faults.once("/orders", Html())
    answer = api.get("orders")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=UTF-8")
    api.order()
    faults.once("/orders", CutJson(0.5))
    with pytest.raises(json.JSONDecodeError):
        json.loads(api.get("orders").text)


def test_a_connection_that_breaks_in_the_middle(api: Client, faults: Faults) -> None:
    api.order()
    faults.once("/orders", HalfPage())
    with pytest.raises(requests.RequestException):
        api.get("orders")
    assert api.get("orders").status_code == 200


def test_a_lost_answer_leaves_its_effect(api: Client, faults: Faults, shop: ShopState) -> None:
    faults.once("/coupons", Lost())
    with pytest.raises(requests.RequestException):
        api.post("coupons", {"code": "hilang", "amount": "1"})
    assert shop.coupon("HILANG") is not None


def test_slow_and_moved_answers(api: Client, faults: Faults) -> None:
    faults.once("/orders", Slow(0.3))
    begun = time.monotonic()
    assert api.get("orders").status_code == 200
    assert time.monotonic() - begun >= 0.3
    faults.once("/orders", Moved("http://127.0.0.1:9{path}"))
    with pytest.raises(requests.ConnectionError):
        api.get("orders")


def test_values_no_shop_should_show(api: Client, shop: ShopState) -> None:
    now = shop.now()
    absurd = {"status": "terbang", "date_created_gmt": "0000-00-00T00:00:00", "total": "-5"}
    shop.save(Order(900, "completed", now, now, overrides=absurd))
    row = api.get("orders/900").json()
    assert {key: row[key] for key in absurd} == absurd


NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def opened(path: Path) -> tuple[ShopState, Journal]:
    journal = Journal(path, Origin(1, 60, NOW))
    shop = ShopState()
    stock(shop, generate(seed=journal.origin.seed, customers=journal.origin.customers, now=journal.origin.now))
    journal.restore(shop)
    return shop, journal


def test_a_restart_keeps_codes_webhooks_keys_and_orders(tmp_path: Path) -> None:
    shop, journal = opened(tmp_path / "shop.jsonl")
    CouponWriter(shop).create({"code": "PRIBADI", "amount": "5000", "email_restrictions": ["a@b.test"]})
    shop.save(Webhook(1, "w", "order.created", "http://x.test", "s", NOW, status="disabled", failures=6))
    shop.add_key("ck_a", "cs_a")
    order = Order(shop.next_id(), "processing", NOW, NOW, billing={"email": "a@b.test"}, paid=NOW)
    shop.save(order)
    gone = min(shop.orders)
    shop.remove(shop.orders[gone])
    journal.close()
    again, journal = opened(tmp_path / "shop.jsonl")
    journal.close()
    assert again.coupon("pribadi") == shop.coupon("pribadi")
    assert again.webhooks == shop.webhooks
    assert again.keys == shop.keys
    assert again.orders == shop.orders
    assert again.next_id() == order.id + 1


def test_a_half_written_line_is_left_out_and_the_file_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    shop, journal = opened(path)
    shop.add_key("ck_a", "cs_a")
    journal.close()
    path.write_text(path.read_text() + '{"kind": "Order", "rec')
    shop, journal = opened(path)
    shop.save(Customer(9000, "baru@contoh.test", NOW))
    journal.close()
    again, journal = opened(path)
    journal.close()
    assert (list(again.keys), again.customers[9000].email) == ([1], "baru@contoh.test")


def test_the_journal_remembers_from_what_the_shop_was_made(tmp_path: Path) -> None:
    _, journal = opened(tmp_path / "shop.jsonl")
    journal.close()
    other = Journal(tmp_path / "shop.jsonl", Origin(7, 5000, NOW))
    assert (other.origin.seed, other.origin.customers, other.origin.now) == (1, 60, NOW)


@pytest.mark.parametrize("text", ["hello\n", '{"shop": 1}\n'])
def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text(text)
    with pytest.raises(BadJournal, match="is not a journal of this shop"):
        Journal(path, Origin(1, 60, NOW))
    assert path.read_text() == text


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text(Origin(1, 60, NOW).line() + '\n{"kind": "Order", "record": {"id": "x"}}\n')
    with pytest.raises(BadJournal, match="line 2"):
        Journal(path, Origin(1, 60, NOW))
