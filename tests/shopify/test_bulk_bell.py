"""A bulk operation that has finished is looked at when the shop says so, and not when the next look would be due."""

from __future__ import annotations

import threading
import time
from uuid import uuid4

import pytest
from redis import Redis

from connectors.shopify import bulk
from plugin_server.bulk_bell import BulkBell
from plugin_server.wiring import Services
from tests.connectors.shopify.shop import Row, Shop, a_client, running
from tests.shopify.conftest import SHOP
from tests.shopify.test_webhooks import OWN, Tell, tell

__all__ = ["tell"]
FINISHED = {"admin_graphql_api_id": "gid://shopify/BulkOperation/1", "status": "completed", "type": "query"}


def test_a_ring_is_heard_once_also_by_who_comes_late(app: Services) -> None:
    bell, began = BulkBell(app.redis, f"shop-{uuid4().hex}"), time.monotonic()
    for _ in range(3):
        bell.ring()
    bell.wait(60)
    assert time.monotonic() - began < 30
    bell.wait(0.05)  # nothing rings any more
    assert time.monotonic() - began >= 0.05


def test_without_a_queue_it_is_a_plain_wait(caplog: pytest.LogCaptureFixture) -> None:
    slept: list[float] = []
    gone = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    bell = BulkBell(gone, "shop", slept.append)
    bell.ring()
    bell.wait(30)
    assert slept == [30]
    assert "did not ring" in caplog.text


@pytest.mark.usefixtures("shopify")
def test_the_shops_word_wakes_the_reader(app: Services, tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PAUSES", (60.0,))
    looked, finished, shop = threading.Event(), threading.Event(), Shop()

    def status(_variables: Row) -> Row:
        looked.set()
        done = {"status": "COMPLETED", "url": None, "objectCount": "0"}
        return {"bulkOperation": {"id": "b", **(done if finished.is_set() else {"status": "RUNNING"})}}

    made = {"bulkOperation": {"id": "gid://shopify/BulkOperation/1"}, "userErrors": []}
    shop.answers |= {"BulkRun": lambda v: {"bulkOperationRunQuery": made}, "BulkStatus": status}
    with running(shop) as (_, server):
        client = a_client(server)
        reader = bulk.BulkReader(client, client.http, wait=BulkBell(app.redis, SHOP).wait)
        thread = threading.Thread(target=lambda: list(reader.pages("orders_bulk", lambda found: [found])))
        began = time.monotonic()
        thread.start()
        assert looked.wait(30)
        finished.set()
        assert tell("bulk_operations/finish", FINISHED, secret=OWN).status_code == 401  # nobody's word wakes nobody
        assert tell("bulk_operations/finish", FINISHED).status_code == 200
        thread.join(50)
    assert not thread.is_alive()
    assert time.monotonic() - began < 50
    assert shop.names().count("BulkStatus") == 2
