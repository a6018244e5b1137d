"""What the platform tells an app outside the shop's daily business: uninstalling, and the three duties of privacy."""

from __future__ import annotations

from collections.abc import Iterable

from plugin_server.demo.shopify_shop.delivery import COMPLIANCE
from plugin_server.demo.shopify_shop.model import Customer
from plugin_server.demo.shopify_shop.model_made import Subscription
from plugin_server.demo.shopify_shop.state import ShopState


def declare(shop: ShopState, uri: str, topics: Iterable[str] = ()) -> None:
    """Subscribe as the app's configuration does: for the compliance topics always, for ``topics`` as well."""
    for topic in dict.fromkeys((*COMPLIANCE, "APP_UNINSTALLED", *topics)):
        shop.save(Subscription(shop.next_id("WebhookSubscription"), topic, uri, shop.now(), shop.now(), declared=True))


def _person(shop: ShopState, customer: Customer) -> dict[str, object]:
    return {"shop_id": shop.shop_id, "shop_domain": shop.domain,
            "customer": {"id": customer.id, "email": customer.email, "phone": customer.phone}}  # fmt: skip


def request_data(shop: ShopState, customer: Customer) -> None:
    """A customer asked what is known about them."""
    orders = [order.id for order in shop.orders_of(customer.id)]
    told = {"orders_requested": orders, "data_request": {"id": shop.next_id("DataRequest")}}
    shop.tell("CUSTOMERS_DATA_REQUEST", {**_person(shop, customer), **told})


def redact_customer(shop: ShopState, customer: Customer) -> None:
    """A customer asked to be forgotten."""
    orders = [order.id for order in shop.orders_of(customer.id)]
    shop.tell("CUSTOMERS_REDACT", {**_person(shop, customer), "orders_to_redact": orders})


def redact_shop(shop: ShopState) -> None:
    """48 hours after the app was removed."""
    shop.tell("SHOP_REDACT", {"shop_id": shop.shop_id, "shop_domain": shop.domain})


def uninstall(shop: ShopState) -> None:
    """The merchant removes the app: tokens die at once, then the app is told; its own subscriptions go."""
    shop.grants.uninstall()
    shop.tell("APP_UNINSTALLED", shop)
    for one in [one for one in shop.subscriptions.values() if not one.declared]:
        shop.remove(one)


def change_scopes(shop: ShopState, scopes: Iterable[str]) -> None:
    """The merchant granted other rights."""
    before = shop.grants.scopes
    shop.grants.install(scopes)
    shop.tell("APP_SCOPES_UPDATE", (before, shop.grants.scopes))
