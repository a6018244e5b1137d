"""What the routes of one running shop share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, current_app, request

from plugin_server.demo.shopify_shop.bulk import Bulks
from plugin_server.demo.shopify_shop.delivery import Deliveries
from plugin_server.demo.shopify_shop.executor import Gate
from plugin_server.demo.shopify_shop.faults import Faults, WebhookFaults, spoiled
from plugin_server.demo.shopify_shop.state import ShopState


@dataclass(slots=True)
class Shopfloor:
    """The shop, its GraphQL gate, its bulk queue and its planned accidents."""

    shop: ShopState
    gate: Gate
    bulks: Bulks
    faults: Faults
    webhook_faults: WebhookFaults
    deliveries: Deliveries

    def spoil(self, label: str, answer: Callable[[], Response]) -> Response | None:
        """The spoiled answer where a fault is planned for this request, else None."""
        fault = self.faults.next_for(request.method, label)
        return None if fault is None else spoiled(fault, answer)


def floor() -> Shopfloor:
    """The shop this request is for."""
    found: Shopfloor = current_app.extensions["shopify_shop"]
    return found
