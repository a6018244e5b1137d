"""Webhook subscriptions over the API. Errors still name the old field ``callbackUrl``."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from plugin_server.demo.shopify_shop.access import denied
from plugin_server.demo.shopify_shop.fields import Context, field_of
from plugin_server.demo.shopify_shop.gids import gid, number
from plugin_server.demo.shopify_shop.model_made import Subscription

_PLACE = ["webhookSubscription", "callbackUrl"]
_FILTER = re.compile(r"^\s*$|\w+:\S+")
_SCOPES = (("ORDERS_", "read_orders"), ("REFUNDS_", "read_orders"), ("CHECKOUTS_", "read_orders"),
           ("CUSTOMERS_MERGE", "read_customer_merge"), ("CUSTOMER", "read_customers"), ("PRODUCTS_", "read_products"),
           ("COLLECTIONS_", "read_products"), ("DISCOUNTS_", "read_discounts"))  # fmt: skip
_NOT_THERE = {"userErrors": [{"field": ["id"], "message": "Webhook subscription does not exist"}]}


def _faults(context: Context, uri: str | None) -> list[dict[str, Any]]:
    """What is wrong with an address. Loopback addresses stand in for public ones where the double allows them."""

    def fault(message: str) -> dict[str, Any]:
        return {"field": _PLACE, "message": message}

    if not uri or not uri.strip():
        return [fault("Address can't be blank")]
    parts = urlsplit(uri)
    host = parts.hostname or ""
    own = context.shop.loopback_webhooks and host in {"127.0.0.1", "localhost"}
    if parts.scheme == "pubsub" and not re.match(r"^pubsub://[^:/]+:[^:/]+$", uri):
        return [
            fault("Address protocol pubsub:// is not supported"),
            fault("Address is not a valid GCP pub/sub format. Format should be pubsub://project:topic"),
        ]
    if parts.scheme != "https" and not own:
        return [fault(f"Address protocol {parts.scheme}:// is not supported")]
    internal = host in {"localhost", "127.0.0.1", "0.0.0.0", "::1"} or host.endswith((".local", ".internal"))  # noqa: S104
    if (internal and not own) or host.endswith(("shopify.com", "myshopify.com", "shopifycloud.com")):
        return [fault("Address cannot be a Shopify or an internal domain")]
    return []


def _check_scope(context: Context, topic: str) -> None:
    scope = next((need for start, need in _SCOPES if topic.startswith(start)), None)
    if scope is not None and not context.shop.grants.has(scope):
        raise denied("webhookSubscriptionCreate", scope)


@field_of("Mutation", "webhookSubscriptionCreate")
def _create(_root: object, context: Context, topic: str, webhookSubscription: dict[str, Any]) -> dict[str, Any]:
    shop, given = context.shop, webhookSubscription
    uri = given.get("uri") or given.get("callbackUrl")
    _check_scope(context, topic)
    faults = _faults(context, uri) or _filter_faults(given)
    held = [one for one in shop.subscriptions.values() if not one.declared]
    if not faults and any((one.topic, one.uri, one.filter) == (topic, uri, given.get("filter")) for one in held):
        faults = [{"field": _PLACE, "message": "Address for this topic has already been taken"}]
    if faults:
        return {"userErrors": faults}
    made = Subscription(
        shop.next_id("WebhookSubscription"), topic, str(uri), shop.now(), shop.now(), given.get("filter"),
        list(given.get("includeFields") or ()), given.get("name"),
    )  # fmt: skip
    shop.save(made)
    return {"webhookSubscription": made, "userErrors": []}


def _filter_faults(given: dict[str, Any]) -> list[dict[str, Any]]:
    if given.get("filter") and not _FILTER.search(given["filter"]):
        said = "The specified filter is invalid, please ensure you specify the field(s) you wish to filter on."
        return [{"field": ["webhookSubscription"], "message": said}]
    return []


@field_of("Mutation", "webhookSubscriptionUpdate")
def _update(_root: object, context: Context, id: str, webhookSubscription: dict[str, Any]) -> dict[str, Any]:
    shop, given = context.shop, webhookSubscription
    found = shop.subscriptions.get(number(id, "WebhookSubscription") or 0)
    if found is None or found.declared:
        return _NOT_THERE
    uri = given.get("uri", given.get("callbackUrl", found.uri))
    faults = _faults(context, uri) or _filter_faults(given)
    if faults:
        return {"userErrors": faults}
    found.uri, found.filter = uri, given.get("filter", found.filter)
    found.include_fields = list(given.get("includeFields") or found.include_fields)
    found.updated_at = shop.now()
    shop.save(found)
    return {"webhookSubscription": found, "userErrors": []}


@field_of("Mutation", "webhookSubscriptionDelete")
def _delete(_root: object, context: Context, id: str) -> dict[str, Any]:
    found = context.shop.subscriptions.get(number(id, "WebhookSubscription") or 0)
    if found is None or found.declared:
        return _NOT_THERE
    context.shop.remove(found)
    return {"deletedWebhookSubscriptionId": gid("WebhookSubscription", found.id), "userErrors": []}
