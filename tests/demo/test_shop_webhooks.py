"""What the shop sends, when, and when it stops sending."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

import pytest

from plugin_server.demo.shop import Faults, ShopState
from tests.demo.conftest import Client, Ear


def wait(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Until it is true, or fail."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def subscribe(api: Client, ear: Ear, topic: str, path: str = "/ok") -> int:
    answer = api.post("webhooks", {"topic": topic, "delivery_url": ear.url + path, "secret": "rahasia"})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def test_the_ping_is_unsigned_and_comes_before_the_answer(api: Client, ear: Ear) -> None:
    id = subscribe(api, ear, "order.created")
    assert [one.body for one in ear.heard] == [f"webhook_id={id}".encode()]
    assert not [name for name in ear.heard[0].headers if name.startswith("x-wc")]


def test_a_delivery_is_signed_over_its_raw_body(api: Client, ear: Ear) -> None:
    subscribe(api, ear, "order.created")
    order = api.order(billing={"email": "çelik@contoh.test".replace("ç", "c"), "first_name": "Çelik 🌺"})
    wait(ear.events)
    event = ear.events()[0]
    expected = base64.b64encode(hmac.new(b"rahasia", event.body, hashlib.sha256).digest()).decode()
    assert event.headers["x-wc-webhook-signature"] == expected
    assert event.headers["x-wc-webhook-resource"] == "order"
    assert b"\\u00c7elik" in event.body
    assert event.json() == api.get(f"orders/{order['id']}").json()


def test_a_new_order_is_created_and_updated(api: Client, ear: Ear) -> None:
    subscribe(api, ear, "order.created")
    subscribe(api, ear, "order.updated")
    api.order()
    wait(lambda: len(ear.events()) == 2)
    assert sorted(event.topic for event in ear.events()) == ["order.created", "order.updated"]


def test_changes_coalesce_into_the_state_at_delivery(api: Client, ear: Ear, shop: ShopState) -> None:
    subscribe(api, ear, "order.created")
    with shop.lock:  # the queue cannot run while the shop is held
        shop.listener.happened("order.created", 4711)  # type: ignore[union-attr]
        shop.listener.happened("order.created", 4711)  # type: ignore[union-attr]
    wait(ear.events)
    time.sleep(0.2)
    assert [event.json()["code"] for event in ear.events()] == ["woocommerce_rest_shop_order_invalid_id"]


def test_trash_sends_only_the_id_and_force_sends_nothing(api: Client, ear: Ear) -> None:
    first, second = api.order(), api.order()
    subscribe(api, ear, "order.deleted")
    api.delete(f"orders/{first['id']}")
    api.delete(f"orders/{second['id']}", force="true")
    wait(ear.events)
    time.sleep(0.2)
    assert [event.json() for event in ear.events()] == [{"id": first["id"]}]


def test_notes_and_withdrawn_refunds_send_nothing(api: Client, ear: Ear) -> None:
    order = api.order()
    refund = api.post(f"orders/{order['id']}/refunds", {"amount": "5000"}).json()
    time.sleep(0.2)
    subscribe(api, ear, "order.updated")
    api.post(f"orders/{order['id']}/notes", {"note": "catatan"})
    api.delete(f"orders/{order['id']}/refunds/{refund['id']}", force="true")
    time.sleep(0.3)
    assert ear.events() == []


def test_a_trashed_coupon_reaches_product_webhooks_too(api: Client, ear: Ear) -> None:
    coupon = api.coupon("X")
    subscribe(api, ear, "coupon.deleted")
    subscribe(api, ear, "product.deleted")
    api.delete(f"coupons/{coupon['id']}")
    wait(lambda: len(ear.events()) == 2)
    assert {(event.topic, event.json()["id"]) for event in ear.events()} == {
        ("coupon.deleted", coupon["id"]), ("product.deleted", coupon["id"]),
    }  # fmt: skip


def test_our_own_write_comes_back(api: Client, ear: Ear) -> None:
    subscribe(api, ear, "customer.updated")
    api.put("customers/2", {"meta_data": [{"key": "tangga_rung", "value": "shopper"}]})
    wait(ear.events)
    assert ear.events()[0].json()["meta_data"][0]["value"] == "shopper"


def failing(ear: Ear, status: int) -> None:
    ear.answer = lambda heard: (status, None)


def deliver_one(api: Client, ear: Ear, order: int, seen: int) -> None:
    api.put(f"orders/{order}", {"customer_note": str(seen)})
    wait(lambda: len(ear.events()) > seen)
    time.sleep(0.1)


@pytest.mark.parametrize("status", [500, 410, 400])
def test_the_seventh_failure_in_a_row_disables(api: Client, ear: Ear, shop: ShopState, status: int) -> None:
    order = api.order()["id"]
    time.sleep(0.2)
    failing(ear, status)
    id = subscribe(api, ear, "order.updated")
    states = []
    for seen in range(7):
        deliver_one(api, ear, order, seen)
        states.append((shop.webhooks[id].failures, shop.webhooks[id].status))
    assert states == [*((count, "active") for count in range(1, 7)), (6, "disabled")]
    api.put(f"orders/{order}", {"customer_note": "unheard"})
    time.sleep(0.2)
    assert len(ear.events()) == 7


def test_reviving_does_not_forget_failures_but_a_success_does(api: Client, ear: Ear, shop: ShopState) -> None:
    order = api.order()["id"]
    time.sleep(0.2)
    id = subscribe(api, ear, "order.updated")
    shop.webhooks[id].failures, shop.webhooks[id].status = 6, "disabled"
    assert api.put(f"webhooks/{id}", {"status": "active"}).json()["status"] == "active"
    failing(ear, 500)
    deliver_one(api, ear, order, 0)
    assert shop.webhooks[id].status == "disabled"
    api.put(f"webhooks/{id}", {"status": "active"})
    failing(ear, 200)
    deliver_one(api, ear, order, 1)
    assert (shop.webhooks[id].failures, shop.webhooks[id].status) == (0, "active")


def test_a_redirect_counts_as_success_and_is_not_followed(api: Client, ear: Ear, shop: ShopState) -> None:
    order = api.order()["id"]
    time.sleep(0.2)
    ear.answer = lambda heard: (200, None) if heard.path == "/other" else (301, f"{ear.url}/other")
    id = subscribe(api, ear, "order.updated")
    deliver_one(api, ear, order, 0)
    assert [event.path for event in ear.events()] == ["/ok"]
    assert shop.webhooks[id].failures == 0


def test_the_ping_repeats_until_it_is_answered_with_exactly_200(api: Client, ear: Ear) -> None:
    order = api.order()["id"]
    time.sleep(0.2)
    failing(ear, 202)
    subscribe(api, ear, "order.updated")
    deliver_one(api, ear, order, 0)
    assert ear.pings() == 2
    failing(ear, 200)
    deliver_one(api, ear, order, 1)
    deliver_one(api, ear, order, 2)
    assert ear.pings() == 3


def test_deliveries_of_one_second_share_their_delivery_id(api: Client, ear: Ear, shop: ShopState) -> None:
    ids = [api.order()["id"] for _ in range(3)]
    time.sleep(0.2)
    subscribe(api, ear, "order.updated")
    still = shop.now()
    shop.clock = lambda: still
    with shop.lock:
        for id in ids:
            shop.tell("order.updated", id)
    wait(lambda: len(ear.events()) == 3)
    assert len({event.headers["x-wc-webhook-delivery-id"] for event in ear.events()}) == 1


def test_paused_webhooks_hear_nothing(api: Client, ear: Ear) -> None:
    id = subscribe(api, ear, "order.created")
    api.put(f"webhooks/{id}", {"status": "paused"})
    api.order()
    time.sleep(0.2)
    assert ear.events() == []


def test_the_secret_is_never_told_and_deletion_needs_force(api: Client, ear: Ear) -> None:
    id = subscribe(api, ear, "order.created")
    assert "rahasia" not in api.get("webhooks").text
    assert api.delete(f"webhooks/{id}").status_code == 501
    assert api.delete(f"webhooks/{id}", force="true").status_code == 200
    assert api.get("webhooks").json() == []


def test_a_webhook_nobody_answers_still_exists(api: Client) -> None:
    body = {"topic": "order.created", "delivery_url": "http://127.0.0.1:9/none", "secret": "s"}
    answer = api.post("webhooks", body)
    assert (answer.status_code, answer.json()["status"]) == (201, "active")


def test_a_spoiled_delivery_no_longer_fits_its_signature(api: Client, ear: Ear, faults: Faults) -> None:
    faults.spoil_webhook = lambda headers, body: (headers, body[:-10])
    subscribe(api, ear, "order.created")
    api.order()
    wait(ear.events)
    event = ear.events()[0]
    held = base64.b64encode(hmac.new(b"rahasia", event.body, hashlib.sha256).digest()).decode()
    assert event.headers["x-wc-webhook-signature"] != held
