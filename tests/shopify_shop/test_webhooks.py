"""Deliveries: signed, repeated with their first body, lost, doubled and out of order; privacy on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from plugin_server.demo.shopify_shop import compliance
from plugin_server.demo.shopify_shop.faults import WebhookFaults
from plugin_server.demo.shopify_shop.selling import give_back, place, quote
from tests.shopify_shop.conftest import Client


@dataclass
class Ear:
    """Hears webhooks and answers with the next of ``statuses``, then with 200."""

    url: str = ""
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def topics(self) -> list[str]:
        return [headers["X-Shopify-Topic"] for headers, _ in self.heard]

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.heard]


@pytest.fixture
def ear() -> Iterator[Ear]:
    listening = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listening.heard.append((dict(self.headers), body))
            self.send_response(listening.statuses.pop(0) if listening.statuses else 200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    listening.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield listening
    server.shutdown()
    server.server_close()
    thread.join()


SUBSCRIBE = """mutation S($topic: WebhookSubscriptionTopic!, $given: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $given) {
    webhookSubscription { id } userErrors { field message } } }"""


def subscribe(shopify: Client, ear: Ear, *topics: str, **given: Any) -> None:
    for topic in topics:
        told = shopify.data(SUBSCRIBE, topic=topic, given={"uri": ear.url, **given})["webhookSubscriptionCreate"]
        assert told["userErrors"] == []


def buy(shopify: Client, email: str = "wati@contoh.test") -> Any:
    variant = next(iter(shopify.shop.variants))
    return place(shopify.shop, quote(shopify.shop, {variant: 2}), email=email, name="Wati Utami")


def drain(shopify: Client) -> None:
    shopify.shop.listener.drain()  # type: ignore[union-attr]


def test_an_order_is_told_signed_and_rest_shaped(shopify: Client, ear: Ear) -> None:
    subscribe(shopify, ear, "ORDERS_CREATE", "CUSTOMERS_CREATE")
    order = buy(shopify)
    drain(shopify)
    assert sorted(ear.topics()) == ["customers/create", "orders/create"]
    headers, body = next(one for one in ear.heard if one[0]["X-Shopify-Topic"] == "orders/create")
    mark = base64.b64encode(hmac.new(b"demo-secret", body, hashlib.sha256).digest()).decode()
    assert headers["X-Shopify-Hmac-Sha256"] == mark
    assert headers["X-Shopify-Shop-Domain"] == "toko-senja.myshopify.com"
    told = json.loads(body)
    assert (told["id"], told["total_price"]) == (order.id, f"{order.total:.2f}")
    assert told["customer"]["email"] == "wati@contoh.test"
    assert told["created_at"].endswith("+07:00")
    slim = next(one for one in ear.bodies() if "verified_email" in one)
    assert not {"tags", "email_marketing_consent", "orders_count", "total_spent"} & set(slim)


def test_a_retry_carries_the_first_body_and_the_same_id(shopify: Client, ear: Ear) -> None:
    subscribe(shopify, ear, "ORDERS_CREATE")
    ear.statuses = [500, 302]
    order = buy(shopify)
    give_back(shopify.shop, order)
    drain(shopify)
    assert len(ear.heard) == 3
    assert len({body for _, body in ear.heard}) == 1
    assert len({headers["X-Shopify-Webhook-Id"] for headers, _ in ear.heard}) == 1
    assert ear.bodies()[-1]["refunds"] == []


def test_eight_failures_in_a_row_end_a_subscription_made_over_the_api(shopify: Client, ear: Ear) -> None:
    subscribe(shopify, ear, "ORDERS_CREATE")
    ear.statuses = [500] * 9
    buy(shopify)
    drain(shopify)
    assert shopify.data("{ webhookSubscriptions(first: 5) { nodes { id } } }")["webhookSubscriptions"]["nodes"] == []


def test_deliveries_are_lost_doubled_and_out_of_order_to_order(shopify: Client, ear: Ear) -> None:
    subscribe(shopify, ear, "ORDERS_CREATE")
    faults: WebhookFaults = shopify.shop.listener._faults  # type: ignore[union-attr]
    faults.lose = 1
    buy(shopify)
    faults.double = 1
    second = buy(shopify)
    faults.hold = 1
    third = buy(shopify)
    fourth = buy(shopify)
    drain(shopify)
    assert [body["id"] for body in ear.bodies()] == [second.id, second.id, fourth.id, third.id]
    ids = [headers["X-Shopify-Webhook-Id"] for headers, _ in ear.heard]
    assert ids[0] == ids[1]


def test_a_new_secret_signs_with_the_old_one_first(shopify: Client, ear: Ear) -> None:
    subscribe(shopify, ear, "ORDERS_CREATE")
    shopify.shop.grants.rotate_secret("fresh")
    buy(shopify)
    drain(shopify)
    shopify.shop.grants.signs_with_old = False
    buy(shopify)
    drain(shopify)
    signed = [
        base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        for secret, (_, body) in zip((b"demo-secret", b"fresh"), ear.heard, strict=True)
    ]
    assert [headers["X-Shopify-Hmac-Sha256"] for headers, _ in ear.heard] == signed


def test_fields_and_filters_narrow_a_delivery(shopify: Client, ear: Ear) -> None:
    subscribe(shopify, ear, "ORDERS_CREATE", includeFields=["id", "updated_at"])
    subscribe(shopify, ear, "ORDERS_PAID", filter="financial_status:pending")
    order = buy(shopify)
    drain(shopify)
    assert [(one["id"], set(one)) for one in ear.bodies()] == [(order.id, {"id", "updated_at"})]


def test_privacy_and_uninstalling_are_told_to_the_declared_address(shopify: Client, ear: Ear) -> None:
    shop = shopify.shop
    compliance.declare(shop, ear.url)
    customer = next(one for one in shop.customers.values() if shop.orders_of(one.id))
    orders = [order.id for order in shop.orders_of(customer.id)]
    compliance.request_data(shop, customer)
    compliance.redact_customer(shop, customer)
    compliance.uninstall(shop)
    compliance.redact_shop(shop)
    drain(shopify)
    assert ear.topics() == ["customers/data_request", "customers/redact", "app/uninstalled", "shop/redact"]
    asked, redact, _, gone = ear.bodies()
    assert (asked["customer"]["id"], asked["orders_requested"]) == (customer.id, orders)
    assert redact["orders_to_redact"] == orders
    assert gone == {"shop_id": shop.shop_id, "shop_domain": shop.domain}
    assert shopify.post("{ shop { id } }").status_code == 401


def test_another_process_steers_the_shop_by_its_control(shopify: Client, ear: Ear) -> None:
    def steer(act: str, key: str = "demo-secret", **given: Any) -> requests.Response:
        url = f"{shopify.origin}/_control/{act}"
        return requests.post(url, json=given, headers={"X-Control": key}, timeout=10)

    assert steer("uninstall", key="guess").status_code == 401
    assert steer("declare", uri=ear.url).status_code == 200
    customer = next(iter(shopify.shop.customers.values()))
    assert steer("redact", customer=customer.email).status_code == 200
    assert steer("redact", customer="nobody@contoh.test").status_code == 404
    assert steer("fault", kind="Broken", on="shop", **{"with": {"status": 503}}).status_code == 200
    assert [shopify.post("{ shop { id } }").status_code for _ in range(2)] == [503, 200]
    drain(shopify)
    assert ear.topics() == ["customers/redact"]
