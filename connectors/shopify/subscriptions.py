"""Keeping our webhooks alive at one shop. Ours are those that lead to exactly our address.

The app's settings (``shopify.app.toml``) subscribe for every shop at once. What is made here is for shops connected by
a token of their own; Shopify removes such a subscription after eight failed deliveries in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.base import WebhookState
from connectors.errors import ConnectorError
from connectors.shopify.client import ShopifyClient
from connectors.shopify.failures import Rejected, ShopifyRefusal
from connectors.shopify.values import text

TOPICS = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_PAID",
    "ORDERS_CANCELLED",
    "ORDERS_EDITED",
    "ORDERS_DELETE",
    "REFUNDS_CREATE",
    "CUSTOMERS_CREATE",
    "CUSTOMERS_UPDATE",
    "CUSTOMERS_DELETE",
    "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE",
    "PRODUCTS_CREATE",
    "PRODUCTS_UPDATE",
    "PRODUCTS_DELETE",
    "BULK_OPERATIONS_FINISH",
    "APP_UNINSTALLED",
)
OPTIONAL = {"CUSTOMERS_MERGE": "read_customer_merge"}
"""Topics that need a right which not every shop grants."""
GONE = "does not exist"


@dataclass(frozen=True, slots=True)
class _Hook:
    id: str
    topic: str


class Subscriptions:
    """Creates, lists and removes our webhooks at one shop."""

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client

    def ensure(self, url: str) -> list[WebhookState]:
        """One webhook per topic at ``url``; a second call changes nothing. A topic the app may not have is refused."""
        ours = self._ours(url)
        states = [self._ensure_one(topic, ours.get(topic, []), url) for topic in (*TOPICS, *OPTIONAL)]
        return [state for state in states if state.state == "active" or state.topic not in OPTIONAL]

    def ensure_optional(self, url: str) -> list[WebhookState]:
        """The topics that no settings can ask for every shop, because not every shop grants the right for them."""
        ours = self._ours(url)
        states = [self._ensure_one(topic, ours.get(topic, []), url) for topic in OPTIONAL]
        return [state for state in states if state.state == "active"]

    def states(self, url: str) -> list[WebhookState]:
        """How each topic stands."""
        ours = self._ours(url)
        return [
            WebhookState(topic, "active", ours[topic][0].id) if topic in ours else WebhookState(topic, "missing")
            for topic in (*TOPICS, *(topic for topic in OPTIONAL if topic in ours))
        ]

    def remove(self, url: str) -> None:
        """Delete all that lead to ``url``; those already gone are fine."""
        for hooks in self._ours(url).values():
            for hook in hooks:
                self._delete(hook)

    def _ensure_one(self, topic: str, hooks: list[_Hook], url: str) -> WebhookState:
        for extra in hooks[1:]:
            self._delete(extra)
        if hooks:
            return WebhookState(topic, "active", hooks[0].id)
        try:
            made = self._client.write("webhook_create", {"topic": topic, "webhook": {"uri": url, "format": "JSON"}})
        except Rejected as error:
            # Somebody else made the same one a moment ago, or the address is not one Shopify delivers to.
            found = self._ours(url).get(topic)
            if found:
                return WebhookState(topic, "active", found[0].id)
            if topic in OPTIONAL:
                return WebhookState(topic, "missing")
            raise ShopifyRefusal(
                f"Shopify does not deliver {topic.lower()} to {url}: {error.sentence}", code="webhook_refused"
            ) from error
        except ConnectorError as error:
            if topic in OPTIONAL and error.code in ("missing_scope", "protected_data"):
                return WebhookState(topic, "missing")
            if not error.ambiguous:
                raise
            return self._after_doubt(topic, url, error)
        row = made.get("webhookSubscription")
        return WebhookState(topic, "active", text(row if isinstance(row, dict) else {}, "id"))

    def _after_doubt(self, topic: str, url: str, error: ConnectorError) -> WebhookState:
        found = self._ours(url).get(topic)
        if not found:
            raise error
        return WebhookState(topic, "active", found[0].id)

    def _ours(self, url: str) -> dict[str, list[_Hook]]:
        found: dict[str, list[_Hook]] = {}
        for nodes, _ in self._client.pages("webhooks", "webhookSubscriptions", {"first": 250}):
            for row in nodes:
                hook = _hook(row)
                if hook and row.get("uri") == url:
                    found.setdefault(hook.topic, []).append(hook)
        return found

    def _delete(self, hook: _Hook) -> None:
        try:
            self._client.write("webhook_delete", {"id": hook.id})
        except Rejected as error:
            if not any(GONE in one.message for one in error.errors):
                raise


def _hook(row: Any) -> _Hook | None:
    if not isinstance(row, dict) or not isinstance(row.get("id"), str):
        return None
    return _Hook(row["id"], text(row, "topic", 80))
