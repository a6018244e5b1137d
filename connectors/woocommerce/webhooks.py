"""WooCommerce's webhooks: what makes one genuine, what it means, and keeping ours alive at the shop.

What a shop does, and what follows from it:

* a delivery may be lost (no retry) or come late and hold the state of that later moment: every event is only a hint,
  reconciled by the pull;
* the delivery id is shared by up to 120 deliveries: never deduplicate by it;
* seven failures in a row disable a webhook, and switching it on again does not forget them: a disabled one is replaced;
* the ping after creation is not signed, holds nothing but ``webhook_id=N``, and wants exactly 200;
* a signed body may be an error message instead of an order, and "deleted" may be about any post of the site.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.base import WebhookState
from connectors.errors import BadPayload, BadSignature, ConnectorError
from connectors.http import loads
from connectors.signatures import verify_hmac
from connectors.types import StoreEvent, StoreEventKind
from connectors.woocommerce import catalog_mapping, mapping
from connectors.woocommerce.client import WooClient, WooRefusal
from connectors.woocommerce.orders import gone
from connectors.woocommerce.values import reference, text
from connectors.woocommerce.walk import by_page

TOPICS = (
    "order.created",
    "order.updated",
    "order.deleted",
    "order.restored",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "product.created",
    "product.updated",
    "product.deleted",
)
TRUSTED_HEADERS = ("content-type", "x-wc-webhook-topic", "x-wc-webhook-id", "x-wc-webhook-source")
PING = re.compile(rb"webhook_id=[0-9]{1,20}")
FORM = "application/x-www-form-urlencoded"
GONE = {
    "order": StoreEventKind.ORDER_GONE,
    "customer": StoreEventKind.CUSTOMER_GONE,
    "product": StoreEventKind.PRODUCT_GONE,
}
KINDS = {
    "order": StoreEventKind.ORDER,
    "customer": StoreEventKind.CUSTOMER,
    "product": StoreEventKind.PRODUCT,
    "coupon": StoreEventKind.COUPON,
}


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
    """True for a signed delivery, False for the harmless unsigned ping (answer 200, store nothing).

    ``headers`` in any letter case; ``body`` the raw bytes as received; ``secrets`` all that may still be in use.
    Raises ``BadSignature`` for everything else, a truncated or re-encoded body included.
    """
    low = lower(headers)
    if is_ping(low, body):
        return False
    if not verify_hmac(body, low.get("x-wc-webhook-signature", ""), secrets):
        raise BadSignature
    return True


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """True for the shop's test of the address: a form with a webhook id, and none of WooCommerce's headers."""
    low = lower(headers)
    form = low.get("content-type", "").partition(";")[0].strip().lower() == FORM
    return form and not any(name.startswith("x-wc-") for name in low) and bool(PING.fullmatch(body))


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case name."""
    return {name.lower(): value for name, value in headers.items()}


def parse(headers: Mapping[str, str], body: bytes, *, now: datetime, currency: Callable[[], str]) -> StoreEvent:
    """A verified delivery in our words. ``currency`` is asked for products only. Raises ``BadPayload``."""
    low = lower(headers)
    if is_ping(low, body):
        return StoreEvent(StoreEventKind.PING)
    topic = low.get("x-wc-webhook-topic", "")
    resource, _, event = topic.partition(".")
    if resource not in KINDS:
        return StoreEvent(StoreEventKind.IGNORED, note=f"topic {topic[:60]!r} is not ours")
    data = loads(body)
    if not isinstance(data, dict):
        raise BadPayload("The body is not an object.", path="body")
    number = reference(data, "id")
    if number is None:
        return _without_id(data)
    if event == "deleted" and resource in GONE:
        # Fires for any trashed post, also of other kinds: only reading it again tells.
        return StoreEvent(GONE[resource], external_id=number, refetch=True)
    return _event(resource, number, data, now, currency)


def _without_id(data: Mapping[str, Any]) -> StoreEvent:
    if isinstance(data.get("code"), str):
        return StoreEvent(StoreEventKind.IGNORED, note=f"the shop sent an error: {text(data, 'code', 100)}")
    raise BadPayload("There is no id.", path="body.id")


def _event(
    resource: str, number: str, data: Mapping[str, Any], now: datetime, currency: Callable[[], str]
) -> StoreEvent:
    kind = KINDS[resource]
    try:
        if resource == "order":
            order = mapping.order(data, now=now)
            if order.refunds:
                # A body tells neither when money went back nor what for: the shop is asked.
                return StoreEvent(kind, external_id=number, refetch=True)
            return StoreEvent(kind, external_id=number, order=order)
        if resource == "customer":
            if mapping.is_staff(data):
                return StoreEvent(StoreEventKind.IGNORED, external_id=number, note="an account of the shop's staff")
            return StoreEvent(kind, external_id=number, customer=mapping.customer(data, now=now))
        if resource == "product":
            item = catalog_mapping.product(data, currency=currency(), now=now)
            return StoreEvent(kind, external_id=number, products=(item,))
    except BadPayload as error:
        # Plugins trim or reshape payloads; the shop itself still has the whole of it.
        return StoreEvent(kind, external_id=number, refetch=True, note=error.sentence)
    return StoreEvent(kind, external_id=number)


@dataclass(frozen=True, slots=True)
class _Hook:
    """One webhook of the shop that leads to us."""

    external_id: str
    topic: str
    status: str


class WebhookKeeper:
    """Creates, lists, revives and removes our webhooks at one shop. Ours are those with exactly our address."""

    def __init__(self, client: WooClient) -> None:
        self._client = client

    def ensure(self, url: str, secret: str) -> list[WebhookState]:
        """One active webhook per topic at ``url``, each with ``secret``; a second call changes nothing visible."""
        ours = self._ours(url)
        return [
            self._ensure_one(topic, [hook for hook in ours if hook.topic == topic], url, secret) for topic in TOPICS
        ]

    def states(self, url: str) -> list[WebhookState]:
        """How each topic stands; ``missing`` where the shop has none of ours."""
        ours = self._ours(url)
        return [_state(topic, _of(ours, topic)) for topic in TOPICS]

    def remove(self, url: str) -> None:
        """Delete all that lead to ``url``; those already gone are fine."""
        for hook in self._ours(url):
            self._delete(hook)

    def _ensure_one(self, topic: str, hooks: list[_Hook], url: str, secret: str) -> WebhookState:
        active = next((hook for hook in hooks if hook.status == "active"), None)
        if active is None:
            # Switched on again, a disabled one keeps its failures and dies of the next: a new one starts from nought.
            active = self._create(topic, url, secret)
        else:
            self._client.write("PUT", f"webhooks/{active.external_id}", {"secret": secret})
        for hook in hooks:
            if hook.external_id != active.external_id:
                self._delete(hook)
        return WebhookState(topic, active.status, active.external_id)

    def _create(self, topic: str, url: str, secret: str) -> _Hook:
        wanted = {"name": f"Tangga {topic}", "topic": topic, "delivery_url": url, "secret": secret, "status": "active"}
        try:
            made = self._client.write("POST", "webhooks", wanted)
        except ConnectorError as error:
            if not error.ambiguous:
                raise
            # The shop pings us before it answers, so a slow answer often hides a webhook that does exist.
            found = next((hook for hook in self._ours(url) if (hook.topic, hook.status) == (topic, "active")), None)
            if found is None:
                raise
            self._client.write("PUT", f"webhooks/{found.external_id}", {"secret": secret})
            return found
        return _hook(made) or _unreadable()

    def _ours(self, url: str) -> list[_Hook]:
        found: list[_Hook] = []
        for page in by_page(self._client, "webhooks", {"orderby": "id", "order": "asc"}):
            for row in page.rows:
                hook = _hook(row)
                if hook and isinstance(row, dict) and row.get("delivery_url") == url:
                    found.append(hook)
        return found

    def _delete(self, hook: _Hook) -> None:
        try:
            self._client.write("DELETE", f"webhooks/{hook.external_id}", params={"force": "true"})
        except WooRefusal as error:
            if not gone(error):
                raise


def _of(hooks: list[_Hook], topic: str) -> list[_Hook]:
    return [hook for hook in hooks if hook.topic == topic]


def _hook(row: object) -> _Hook | None:
    if not isinstance(row, dict):
        return None
    number = reference(row, "id")
    return _Hook(number, text(row, "topic", 60), text(row, "status", 20)) if number else None


def _unreadable() -> _Hook:
    raise ConnectorError("The shop's answer to a new webhook cannot be read.", code="shape", retry_after=300.0)


def _state(topic: str, hooks: list[_Hook]) -> WebhookState:
    best = next((hook for hook in hooks if hook.status == "active"), hooks[0] if hooks else None)
    return WebhookState(topic, best.status, best.external_id) if best else WebhookState(topic, "missing")
