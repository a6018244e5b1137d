"""An owner parts with a shop, and comes back: nothing comes in or goes out meanwhile, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace

from connectors.base import Store
from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.cli.stores import connect
from plugin_server.db.campaigning.campaigns import frozen_store
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, stores
from plugin_server.jobs.reading import parting
from plugin_server.jobs.reading.connect import settled
from plugin_server.jobs.reading.reconcile import reconciled
from plugin_server.wiring import Services
from tests.story.conftest import Spine

NEW_KEY, NEW_SECRET = "ck_" + "3" * 40, "cs_" + "4" * 40


def part(spine: Spine) -> str:
    assert parting.begin(spine.services, spine.merchant, spine.store, by="owner@example.com")
    return parting.parted(spine.services, spine.merchant, spine.store, wiring.connector)


def hindrance(spine: Spine) -> str | None:
    with tenant(spine.services.engine, spine.merchant) as connection:
        return frozen_store(connection)


def test_a_shop_is_left_alone_and_goes_on_with_new_keys(spine: Spine) -> None:
    spine.read()
    before = spine.one("SELECT count(*) FROM shop_order")
    assert spine.shop.webhooks
    assert part(spine) == ""
    assert not spine.shop.webhooks
    assert spine.rows("SELECT state, credentials FROM store") == [("disconnected", None)]
    product = next(one.id for one in spine.shop.products.values() if not one.parent_id and not one.variation_ids)
    assert spine.buy("late@contoh.test", "", product).status_code == 200
    spine.deliver()
    assert reconciled(spine.services, spine.merchant, wiring.connector) == {}
    assert spine.one("SELECT count(*) FROM shop_order") == before
    assert "disconnected" in (hindrance(spine) or "")

    spine.shop.add_key(NEW_KEY, NEW_SECRET)
    url, again = spine.shop_url, {"name": None, "read_only": False}
    added = connect(spine.services, spine.merchant, url=url, key=NEW_KEY, secret=NEW_SECRET, **again)  # type: ignore[arg-type]
    assert added["id"] == spine.store
    assert {hook["state"] for hook in added["webhooks"]} == {"active"}
    assert hindrance(spine) is None
    spine.read("incremental")
    assert spine.one("SELECT count(*) FROM shop_order") == before + 1
    actions = [
        action for (action,) in spine.rows("SELECT action FROM audit_log WHERE action LIKE 'store%' ORDER BY id")
    ]
    assert actions == ["store_connected", "store_parted", "store_reconnected"]


def test_a_worker_that_died_in_between_is_made_up_for_once(spine: Spine) -> None:
    spine.read()
    assert parting.begin(spine.services, spine.merchant, spine.store, by="owner@example.com")
    assert not parting.begin(spine.services, spine.merchant, spine.store, by="owner@example.com")
    assert hindrance(spine), "nothing goes out from the first moment on"
    with tenant(spine.services.engine, spine.merchant) as connection:
        assert access.parting(connection) == [spine.store]
    parting.resume(spine.services, spine.merchant)
    assert spine.services.redis.llen("rq:queue:urgent") >= 1
    for _ in range(2):
        assert parting.parted(spine.services, spine.merchant, spine.store, wiring.connector) == ""
    with tenant(spine.services.engine, spine.merchant) as connection:
        assert access.parting(connection) == []
        assert access.untold(connection) == []


def test_a_shop_that_does_not_answer_is_parted_with_all_the_same(spine: Spine) -> None:
    def silent(services: Services, merchant: int, store: int) -> Store:
        raise ConnectorError("The shop does not answer.", code="unreachable")

    assert parting.begin(spine.services, spine.merchant, spine.store, by="owner@example.com")
    told = parting.parted(spine.services, spine.merchant, spine.store, silent)
    assert told == "The shop does not answer."
    assert spine.one("SELECT credentials IS NULL FROM store")
    assert spine.one("SELECT detail->>'why' FROM audit_log WHERE action = 'webhooks_left'") == told
    # What the shop goes on delivering is not read any more, and does not wait for ever either.
    product = next(one.id for one in spine.shop.products.values() if not one.parent_id and not one.variation_ids)
    spine.buy("late@contoh.test", "", product)
    spine.deliver()
    assert spine.rows("SELECT DISTINCT state FROM inbound_event WHERE topic = 'order.created'") == [("ignored",)]


def test_keys_that_were_revoked_are_replaced(spine: Spine) -> None:
    spine.shop.keys.clear()
    assert not settled(spine.services, spine.merchant, spine.store, wiring.connector)
    assert spine.one("SELECT state FROM store") == "broken"
    spine.shop.add_key(NEW_KEY, NEW_SECRET)
    renewed = replace(spine.services)
    added = connect(
        renewed, spine.merchant, url=spine.shop_url, key=NEW_KEY, secret=NEW_SECRET, name=None, read_only=False
    )
    assert added["id"] == spine.store
    with tenant(renewed.engine, spine.merchant) as connection:
        assert stores.get(connection, spine.store)["state"] == "connected"
