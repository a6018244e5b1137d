"""Bulk operations, as the schema shows them."""

from __future__ import annotations

from plugin_server.demo.shopify_shop.fields import Context, fields
from plugin_server.demo.shopify_shop.gids import gid, number
from plugin_server.demo.shopify_shop.lists import Catalogue, connection
from plugin_server.demo.shopify_shop.model_made import BulkOperation
from plugin_server.demo.shopify_shop.search import Searchable

BULKS = Catalogue(
    "bulkOperations",
    lambda shop: shop.bulks.values(),
    lambda _shop: {
        "id": Searchable("number", lambda one: one.id),
        "status": Searchable("states", lambda one: [one.status]),
        "operation_type": Searchable("states", lambda _one: ["query"]),
        "created_at": Searchable("time", lambda one: one.created_at),
    },
    {"ID": lambda one: one.id, "CREATED_AT": lambda one: one.created_at, "STATUS": lambda one: one.status,
     "COMPLETED_AT": lambda one: one.completed_at or one.created_at},
)  # fmt: skip


def file_url(context: Context, one: BulkOperation) -> str | None:
    """Where the JSONL lies: a signed address that wants no token."""
    if not one.has_file:
        return None
    return f"{context.shop.base}/bulk/{one.id}.jsonl?signature={context.shop.shop_id:x}{one.id:x}"


fields(
    "QueryRoot",
    {
        "bulkOperation": lambda _root, context, id: context.shop.bulks.get(number(id, "BulkOperation") or 0),
        "bulkOperations": lambda _root, context, **args: connection(BULKS, context, **args),
        "currentBulkOperation": lambda _root, context, type="QUERY": (
            max(context.shop.bulks.values(), key=lambda one: one.id, default=None) if type == "QUERY" else None
        ),
    },
)
fields(
    "BulkOperation",
    {
        "id": lambda one, _: gid("BulkOperation", one.id),
        "type": lambda _one, _: "QUERY",
        "objectCount": lambda one, _: one.object_count,
        "rootObjectCount": lambda one, _: one.root_count,
        "fileSize": lambda one, _: one.size if one.has_file else None,
        "url": lambda one, context: None if one.partial else file_url(context, one),
        "partialDataUrl": lambda one, context: file_url(context, one) if one.partial else None,
    },
)
