"""Webhook deliveries: signed, retried with the body they began with, and given up on after eight failures in a row."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests

from plugin_server.demo.shopify_shop import rest_view as view
from plugin_server.demo.shopify_shop.faults import WebhookFaults
from plugin_server.demo.shopify_shop.gids import gid
from plugin_server.demo.shopify_shop.identity import body_signature
from plugin_server.demo.shopify_shop.model_made import Subscription
from plugin_server.demo.shopify_shop.state import ShopState

MOST_FAILURES = 8
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)
"""Seconds between tries where a person watches: four minutes instead of Shopify's four hours."""
_TIMEOUT = (1.0, 5.0)
_IRREGULAR = {
    "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE": "customers_email_marketing_consent/update",
    "CUSTOMERS_MARKETING_CONSENT_UPDATE": "customers_marketing_consent/update",
    "CUSTOMER_TAGS_ADDED": "customer.tags_added",
    "CUSTOMER_TAGS_REMOVED": "customer.tags_removed",
    "CUSTOMER_JOINED_SEGMENT": "customer.joined_segment",
    "CUSTOMER_LEFT_SEGMENT": "customer.left_segment",
    "BULK_OPERATIONS_FINISH": "bulk_operations/finish",
}
COMPLIANCE = ("CUSTOMERS_DATA_REQUEST", "CUSTOMERS_REDACT", "SHOP_REDACT")


def header_topic(topic: str) -> str:
    """``orders/create`` for ORDERS_CREATE, and the irregular ones."""
    return _IRREGULAR.get(topic) or topic.lower().replace("_", "/", 1)


_BODIES: dict[str, Callable[[ShopState, Any], dict[str, Any]]] = {
    "ORDERS_DELETE": lambda _shop, one: {"id": one.id},
    "ORDERS": view.order_body,
    "REFUNDS": lambda shop, pair: view.refund_body(shop, pair[0], pair[1]),
    "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE": view.consent_body,
    "CUSTOMERS_DELETE": lambda _shop, one: {
        "id": one.id, "admin_graphql_api_id": gid("Customer", one.id), "phone": None, "addresses": [],
        "tax_exemptions": [],
    },
    "CUSTOMERS_MERGE": lambda _shop, pair: {
        "admin_graphql_api_customer_kept_id": gid("Customer", pair[0]),
        "admin_graphql_api_customer_deleted_id": gid("Customer", pair[1]), "admin_graphql_api_job_id": None,
        "status": "completed", "errors": [],
    },
    "CUSTOMERS": view.customer_body,
    "CUSTOMER_TAGS": lambda shop, pair: {
        "customerId": gid("Customer", pair[0].id), "tags": pair[1], "occurredAt": view.when(shop, shop.now()),
    },
    "PRODUCTS_DELETE": lambda _shop, one: {"id": one.id},
    "PRODUCTS": view.product_body,
    "CHECKOUTS": view.checkout_body,
    "DISCOUNTS": view.discount_body,
    "BULK_OPERATIONS_FINISH": view.bulk_body,
    "APP_UNINSTALLED": view.shop_body,
    "SHOP_UPDATE": view.shop_body,
    "APP_SCOPES_UPDATE": lambda shop, pair: {
        "id": 1, "shop_id": gid("Shop", shop.shop_id), "previous": sorted(pair[0]), "current": sorted(pair[1]),
        "updated_at": view.when(shop, shop.now()),
    },
}  # fmt: skip


def body_of(shop: ShopState, topic: str, subject: Any) -> dict[str, Any]:
    """The body of an event, by the longest beginning of its topic that has one; a mapping is a body already."""
    if isinstance(subject, dict):
        return subject
    made = max((start for start in _BODIES if topic.startswith(start)), key=len)
    return _BODIES[made](shop, subject)


@dataclass(slots=True)
class Delivery:
    """One delivery: its body never changes, however often it is tried."""

    subscription: Subscription
    topic: str
    body: bytes
    headers: dict[str, str]
    attempts: int = 0
    statuses: list[int] = field(default_factory=list)


class Deliveries:
    """Delivers the events of one shop in the background. ``pauses`` are the seconds before each of the retries.

    ``done`` keeps what was delivered or given up, oldest first; ``drain`` waits until nothing is under way.
    """

    def __init__(
        self, shop: ShopState, faults: WebhookFaults, *, pauses: tuple[float, ...] = (0.05,) * MOST_FAILURES
    ) -> None:
        self._shop = shop
        self._faults = faults
        self._pauses = pauses
        self._queue: queue.Queue[Delivery | None] = queue.Queue()
        self._held: list[Delivery] = []
        self._open = 0
        self._quiet = threading.Condition()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.done: list[Delivery] = []

    def happened(self, topic: str, subject: Any) -> None:
        """Queue an event for every subscription that wants it."""
        shop = self._shop
        with shop.lock:
            wanted = [one for one in shop.subscriptions.values() if one.topic == topic]
            if not wanted:
                return
            body = body_of(shop, topic, subject)
            event = str(uuid4())
            made = [self._made(one, topic, body, event) for one in wanted if _passes(one.filter, body)]
        for delivery in made:
            self._enqueue(delivery)

    def _made(self, one: Subscription, topic: str, body: dict[str, Any], event: str) -> Delivery:
        kept = {name: value for name, value in body.items() if not one.include_fields or name in one.include_fields}
        data = json.dumps(kept, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": header_topic(topic),
            "X-Shopify-Shop-Domain": self._shop.domain,
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Webhook-Id": str(uuid4()),
            "X-Shopify-Event-Id": event,
            "X-Shopify-Triggered-At": f"{self._shop.now().isoformat()[:19]}.000000000Z",
        }
        if one.name:
            headers["X-Shopify-Name"] = one.name
        return Delivery(one, topic, data, headers)

    def _enqueue(self, delivery: Delivery) -> None:
        faults = self._faults
        if faults.lose > 0:
            faults.lose -= 1
            return
        copies = 1
        if faults.double > 0:
            faults.double -= 1
            copies = 2
        if faults.hold > 0:
            faults.hold -= 1
            self._held.append(delivery)
            return
        for _ in range(copies):
            self._put(delivery)
        while self._held:
            self._put(self._held.pop())

    def _put(self, delivery: Delivery) -> None:
        with self._quiet:
            self._open += 1
        self._queue.put(delivery)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread = threading.Thread(target=self._work, name="shopify-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop delivering; what waits is lost."""
        self._ended.set()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(timeout=10)

    def drain(self, seconds: float = 10.0) -> None:
        """Wait until everything was delivered or given up; what was held back for later goes out first."""
        while self._held:
            self._put(self._held.pop())
        with self._quiet:
            if not self._quiet.wait_for(lambda: self._open == 0, timeout=seconds):
                raise TimeoutError(f"{self._open} deliveries are still under way")

    def _work(self) -> None:
        while (delivery := self._queue.get()) is not None:
            if self._taken(delivery):
                self._settle(delivery)
            else:  # what waits for its next try holds up nothing behind it
                threading.Thread(target=self._again, args=(delivery,), daemon=True).start()

    def _taken(self, delivery: Delivery) -> bool:
        taken = 200 <= self._try(delivery) < 300
        delivery.subscription.failures = 0 if taken else delivery.subscription.failures + 1
        return taken

    def _again(self, delivery: Delivery) -> None:
        for pause in self._pauses:
            if self._ended.wait(pause) or self._taken(delivery):
                break
        self._settle(delivery)

    def _settle(self, delivery: Delivery) -> None:
        self.done.append(delivery)
        one = delivery.subscription
        if one.failures > MOST_FAILURES and not one.declared and one.id in self._shop.subscriptions:
            self._shop.remove(one)
        with self._quiet:
            self._open -= 1
            self._quiet.notify_all()

    def _try(self, delivery: Delivery) -> int:
        """One try, signed with the secret of the hour. Redirects are not followed."""
        grants = self._shop.grants
        secret = grants.old_secret if grants.old_secret and grants.signs_with_old else grants.client_secret
        headers = {**delivery.headers, "X-Shopify-Hmac-Sha256": body_signature(delivery.body, secret)}
        delivery.attempts += 1
        try:
            with requests.post(
                delivery.subscription.uri, data=delivery.body, headers=headers, timeout=_TIMEOUT, allow_redirects=False
            ) as answer:
                status = answer.status_code
        except requests.RequestException:
            status = 0
        delivery.statuses.append(status)
        return status


def _passes(wanted: str | None, body: dict[str, Any]) -> bool:
    """A filter such as ``status:active``: equal values of top-level fields, all of them."""
    terms = [term.partition(":") for term in (wanted or "").split() if ":" in term]
    return all(value in {"*", str(body.get(name)).lower()} for name, _, value in terms)
