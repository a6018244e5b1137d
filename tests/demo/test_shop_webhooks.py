"""What the shop sends, when, and when it stops sending."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

import pytest

from plugin_server.demo.shop import Faults, ShopState, running_shop
from tests.demo.conftest import Client, Ear

Deliver = Callable[[], int]


def subscribe(api: Client, ear: Ear, topic: str, path: str = "/ok") -> int:
    answer = api.post("webhooks", {"topic": topic, "delivery_url": ear.url + path, "secret": "rahasia"})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def fits(body: bytes, signature: str) -> bool:
    return base64.b64encode(hmac.new(b"rahasia", body, hashlib.sha256).digest()).decode() == signature


def test_the_ping_is_unsigned_and_comes_before_the_answer(api: Client, ear: Ear) -> None:
    id = subscribe(api, ear, "order.created")
    assert [one.body for one in ear.heard] == [f"webhook_id={id}".encode()]
    assert not [name for name in ear.heard[0].headers if name.startswith("x-wc")]


def test_a_delivery_is_signed_over_its_raw_body(api: Client, ear: Ear, deliver: Deliver) -> None:
    subscribe(api, ear, "order.created")
    order = api.order(billing={"email": "celik@contoh.test", "first_name": "Çelik 🌺"})
    assert deliver() == 1
    event = ear.events()[0]
    assert fits(event.body, event.headers["x-wc-webhook-signature"])
    assert event.headers["x-wc-webhook-resource"] == "order"
    assert b"\\u00c7elik" in event.body
    assert b"http:\\/\\/" in event.body
    assert event.json() == api.get(f"orders/{order['id']}").json()


def test_a_new_order_is_created_and_updated(api: Client, ear: Ear, deliver: Deliver) -> None:
    subscribe(api, ear, "order.created")
    subscribe(api, ear, "order.updated")
    api.order()
    deliver()
    assert [event.topic for event in ear.events()] == ["order.created", "order.updated"]


def test_changes_coalesce_into_the_state_at_delivery(api: Client, ear: Ear, deliver: Deliver) -> None:
    subscribe(api, ear, "order.created")
    subscribe(api, ear, "order.updated")
    order = api.order(status="pending")
    api.put(f"orders/{order['id']}", {"status": "processing"})
    api.put(f"orders/{order['id']}", {"status": "completed"})
    deliver()
    told = [(event.topic, event.json()["status"]) for event in ear.events()]
    assert told == [("order.created", "completed"), ("order.updated", "completed")]


def test_an_order_gone_meanwhile_is_an_error_body(api: Client, ear: Ear, deliver: Deliver) -> None:
    subscribe(api, ear, "order.created")
    api.delete(f"orders/{api.order()['id']}", force="true")
    deliver()
    assert [event.json()["code"] for event in ear.events()] == ["woocommerce_rest_shop_order_invalid_id"]


def test_trash_sends_only_the_id_and_force_sends_nothing(api: Client, ear: Ear, deliver: Deliver) -> None:
    first, second = api.order(), api.order()
    subscribe(api, ear, "order.deleted")
    api.delete(f"orders/{first['id']}")
    api.delete(f"orders/{second['id']}", force="true")
    assert deliver() == 1
    assert ear.events()[0].json() == {"id": first["id"]}


def test_a_restored_order_sends_nothing(api: Client, ear: Ear, deliver: Deliver) -> None:
    order = api.order()
    api.delete(f"orders/{order['id']}")
    subscribe(api, ear, "order.updated")
    subscribe(api, ear, "order.restored")
    assert api.put(f"orders/{order['id']}", {"status": "processing"}).json()["status"] == "processing"
    assert deliver() == 0


def test_notes_and_withdrawn_refunds_send_nothing(api: Client, ear: Ear, deliver: Deliver) -> None:
    order = api.order()
    refund = api.post(f"orders/{order['id']}/refunds", {"amount": "5000"}).json()
    subscribe(api, ear, "order.updated")
    api.post(f"orders/{order['id']}/notes", {"note": "catatan"})
    api.delete(f"orders/{order['id']}/refunds/{refund['id']}", force="true")
    assert deliver() == 0


def test_a_refund_and_a_refused_order_are_sent(api: Client, ear: Ear, deliver: Deliver) -> None:
    order = api.order()
    subscribe(api, ear, "order.updated")
    api.post(f"orders/{order['id']}/refunds", {"amount": "5000"})
    api.post("orders", {"coupon_lines": [{"code": "tidak-ada"}]})
    deliver()
    assert [event.json()["status"] for event in ear.events()] == ["processing", "checkout-draft"]


def test_a_trashed_coupon_reaches_product_webhooks_too(api: Client, ear: Ear, deliver: Deliver) -> None:
    coupon = api.coupon("X")
    subscribe(api, ear, "coupon.deleted")
    subscribe(api, ear, "product.deleted")
    api.delete(f"coupons/{coupon['id']}")
    deliver()
    assert {(event.topic, event.json()["id"]) for event in ear.events()} == {
        ("coupon.deleted", coupon["id"]), ("product.deleted", coupon["id"]),
    }  # fmt: skip


def test_a_changed_variation_is_a_changed_product_of_its_own_id(api: Client, ear: Ear, deliver: Deliver) -> None:
    subscribe(api, ear, "product.updated")
    api.put("products/14", {"regular_price": "98000"})
    deliver()
    assert [event.json()["id"] for event in ear.events()] == [14]


def test_our_own_write_comes_back(api: Client, ear: Ear, deliver: Deliver) -> None:
    subscribe(api, ear, "customer.updated")
    api.put("customers/2", {"meta_data": [{"key": "tangga_rung", "value": "shopper"}]})
    deliver()
    assert ear.events()[0].json()["meta_data"][0]["value"] == "shopper"


def test_an_order_of_an_account_changes_the_account(api: Client, ear: Ear, deliver: Deliver) -> None:
    subscribe(api, ear, "customer.updated")
    api.order(customer_id=2)
    deliver()
    assert [event.json()["is_paying_customer"] for event in ear.events()] == [True]


def answering(ear: Ear, status: int) -> None:
    ear.answer = lambda heard: (status, None)


def change(api: Client, order: int, deliver: Deliver) -> None:
    api.put(f"orders/{order}", {"customer_note": "x"})
    deliver()


@pytest.mark.parametrize("status", [500, 410, 303])
def test_the_seventh_failure_in_a_row_disables(
    api: Client, ear: Ear, shop: ShopState, deliver: Deliver, status: int
) -> None:
    order = api.order()["id"]
    answering(ear, status)
    id = subscribe(api, ear, "order.updated")
    states = []
    for _ in range(7):
        change(api, order, deliver)
        states.append((shop.webhooks[id].failures, shop.webhooks[id].status))
    assert states == [*((count, "active") for count in range(1, 7)), (6, "disabled")]
    api.put(f"orders/{order}")
    assert deliver() == 0


def test_reviving_does_not_forget_failures_but_a_success_does(
    api: Client, ear: Ear, shop: ShopState, deliver: Deliver
) -> None:
    order = api.order()["id"]
    id = subscribe(api, ear, "order.updated")
    shop.webhooks[id].failures, shop.webhooks[id].status = 6, "disabled"
    assert api.put(f"webhooks/{id}", {"status": "active"}).json()["status"] == "active"
    answering(ear, 500)
    change(api, order, deliver)
    assert shop.webhooks[id].status == "disabled"
    api.put(f"webhooks/{id}", {"status": "active"})
    answering(ear, 200)
    change(api, order, deliver)
    assert (shop.webhooks[id].failures, shop.webhooks[id].status) == (0, "active")


def test_a_redirect_counts_as_success_and_is_not_followed(
    api: Client, ear: Ear, shop: ShopState, deliver: Deliver
) -> None:
    order = api.order()["id"]
    ear.answer = lambda heard: (200, None) if heard.path == "/other" else (301, f"{ear.url}/other")
    id = subscribe(api, ear, "order.updated")
    change(api, order, deliver)
    assert [event.path for event in ear.events()] == ["/ok"]
    assert shop.webhooks[id].failures == 0


def test_the_ping_repeats_until_it_is_answered_with_exactly_200(api: Client, ear: Ear, deliver: Deliver) -> None:
    order = api.order()["id"]
    answering(ear, 202)
    subscribe(api, ear, "order.updated")
    change(api, order, deliver)
    assert ear.pings() == 2
    answering(ear, 200)
    change(api, order, deliver)
    change(api, order, deliver)
    assert ear.pings() == 3


def test_deliveries_of_one_second_share_their_delivery_id(
    api: Client, ear: Ear, shop: ShopState, deliver: Deliver
) -> None:
    ids = [api.order()["id"] for _ in range(3)]
    subscribe(api, ear, "order.updated")
    for id in ids:
        shop.tell("order.updated", id)
    still = shop.now()
    shop.clock = lambda: still
    assert deliver() == 3
    assert len({event.headers["x-wc-webhook-delivery-id"] for event in ear.events()}) == 1


def test_paused_webhooks_hear_nothing(api: Client, ear: Ear, deliver: Deliver) -> None:
    id = subscribe(api, ear, "order.created")
    api.put(f"webhooks/{id}", {"status": "paused"})
    api.order()
    assert deliver() == 0


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


def test_a_spoiled_delivery_no_longer_fits_its_signature(
    api: Client, ear: Ear, faults: Faults, deliver: Deliver
) -> None:
    faults.spoil_webhook = lambda headers, body: (headers, body[:-10])
    subscribe(api, ear, "order.created")
    api.order()
    deliver()
    event = ear.events()[0]
    assert not fits(event.body, event.headers["x-wc-webhook-signature"])


def test_the_queue_runs_by_itself(shop: ShopState, ear: Ear) -> None:
    with running_shop(shop, interval=0.02) as url:
        subscribe(Client(url), ear, "order.created")
        Client(url).order()
        end = time.monotonic() + 10
        while not ear.events() and time.monotonic() < end:
            time.sleep(0.02)
    assert [event.topic for event in ear.events()] == ["order.created"]
