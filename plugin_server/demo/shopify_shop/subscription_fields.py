"""Webhook subscriptions, as the schema shows them."""

from __future__ import annotations

from typing import Any

from plugin_server.demo.shopify_shop.connections import Rows
from plugin_server.demo.shopify_shop.fields import Context, fields
from plugin_server.demo.shopify_shop.gids import gid, number
from plugin_server.demo.shopify_shop.lists import Catalogue, connection
from plugin_server.demo.shopify_shop.search import Searchable

SUBSCRIPTIONS = Catalogue(
    "webhookSubscriptions",
    # Those that the app's configuration declares are not the API's to see.
    lambda shop: [one for one in shop.subscriptions.values() if not one.declared],
    lambda _shop: {
        "id": Searchable("number", lambda one: one.id),
        "topic": Searchable("states", lambda one: [one.topic]),
        "endpoint": Searchable("text", lambda one: one.uri),
        "created_at": Searchable("time", lambda one: one.created_at),
    },
    {"ID": lambda one: one.id, "CREATED_AT": lambda one: one.created_at},
)

fields(
    "QueryRoot",
    {
        "webhookSubscription": lambda _root, context, id: context.shop.subscriptions.get(
            number(id, "WebhookSubscription") or 0
        ),
    },
)


def _listed(
    _root: object, context: Context, topics: list[str] | None = None, uri: str | None = None,
    format: str | None = None, **args: Any,
) -> Rows:  # fmt: skip
    narrowed = Catalogue(
        SUBSCRIPTIONS.name + f"{topics}{uri}",
        lambda shop: [
            one for one in SUBSCRIPTIONS.rows(shop) if (not topics or one.topic in topics) and uri in {None, one.uri}
        ],
        SUBSCRIPTIONS.keys,
        SUBSCRIPTIONS.sorts,
    )
    return connection(narrowed, context, **args)


fields("QueryRoot", {"webhookSubscriptions": _listed})
fields(
    "WebhookSubscription",
    {
        "id": lambda one, _: gid("WebhookSubscription", one.id),
        "legacyResourceId": lambda one, _: one.id,
        "format": lambda _one, _: "JSON",
        "callbackUrl": lambda one, _: one.uri,
        "metafieldNamespaces": lambda _one, _: [],
        "apiVersion": lambda _one, context: {
            "handle": context.api_version, "supported": True, "displayName": context.api_version
        },
        "endpoint": lambda one, _: {"__typename": "WebhookHttpEndpoint", "callbackUrl": one.uri},
    },
)  # fmt: skip
