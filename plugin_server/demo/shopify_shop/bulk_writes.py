"""Starting and cancelling bulk operations."""

from __future__ import annotations

from typing import Any

from plugin_server.demo.shopify_shop.fields import Context, field_of
from plugin_server.demo.shopify_shop.gids import number


@field_of("Mutation", "bulkOperationRunQuery")
def _run(_root: object, context: Context, query: str, groupObjects: bool = False) -> dict[str, Any]:
    made, errors = context.shop.bulk_runner.start(query, grouped=groupObjects)
    return {"bulkOperation": made, "userErrors": errors}


@field_of("Mutation", "bulkOperationCancel")
def _cancel(_root: object, context: Context, id: str) -> dict[str, Any]:
    found = context.shop.bulks.get(number(id, "BulkOperation") or 0)
    if found is None:
        return {"userErrors": [{"field": ["id"], "message": "Bulk operation does not exist"}]}
    return {"bulkOperation": found, "userErrors": context.shop.bulk_runner.cancel(found)}
