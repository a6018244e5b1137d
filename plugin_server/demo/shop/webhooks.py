"""/webhooks: registering, pausing, reviving, deleting. The secret is never told again."""

from __future__ import annotations

from flask import Blueprint, current_app

from plugin_server.demo.shop.answers import Answer, JsonObject, RestError, links, missing_param
from plugin_server.demo.shop.clock import gmt_text, local_text
from plugin_server.demo.shop.delivery import Delivery
from plugin_server.demo.shop.listing import chosen, flag_param, id_list, list_param, page_answer
from plugin_server.demo.shop.model import Webhook
from plugin_server.demo.shop.routes import address_of, body, floor, query, rest
from plugin_server.demo.shop.state import ShopState

webhooks = Blueprint("webhooks", __name__)

HOOKS = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "customer.created": ["user_register", "woocommerce_created_customer", "woocommerce_new_customer"],
    "customer.updated": ["profile_update", "woocommerce_update_customer"],
    "customer.deleted": ["delete_user"],
    "product.created": [
        "woocommerce_process_product_meta", "woocommerce_new_product", "woocommerce_new_product_variation",
    ],
    "product.updated": [
        "woocommerce_process_product_meta", "woocommerce_update_product", "woocommerce_update_product_variation",
    ],
    "product.deleted": ["wp_trash_post"],
    "product.restored": ["untrashed_post"],
    "coupon.created": ["woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"],
    "coupon.updated": ["woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"],
    "coupon.deleted": ["wp_trash_post"],
    "coupon.restored": ["untrashed_post"],
}  # fmt: skip


def webhook_view(shop: ShopState, webhook: Webhook) -> JsonObject:
    """A webhook as JSON, without its secret and its failure count."""
    resource, _, event = webhook.topic.partition(".")
    return {
        "id": webhook.id,
        "name": webhook.name,
        "status": webhook.status,
        "topic": webhook.topic,
        "resource": resource,
        "event": event,
        "hooks": HOOKS[webhook.topic],
        "delivery_url": webhook.delivery_url,
        "date_created": local_text(webhook.created, shop.zone),
        "date_created_gmt": gmt_text(webhook.created),
        "date_modified": local_text(webhook.modified, shop.zone),
        "date_modified_gmt": gmt_text(webhook.modified),
        "_links": links(shop.base, f"webhooks/{webhook.id}"),
    }


def _the_webhook(id: int) -> Webhook:
    found = floor().shop.webhooks.get(id)
    if found is None:
        raise RestError(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
    return found


def _delivery() -> Delivery:
    found: Delivery = current_app.extensions["delivery"]
    return found


def _valid_url(given: object) -> str:
    if not str(given).startswith(("http://", "https://")):
        message = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise RestError(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", message)
    return str(given)


def _valid_topic(given: object) -> str:
    if given not in HOOKS:
        message = "Webhook topic is required and must be valid."
        raise RestError(400, "woocommerce_rest_shop_webhook_invalid_topic", message)
    return str(given)


@rest(webhooks, "GET", "/webhooks", "view")
def list_webhooks() -> Answer:
    """One page of webhooks, newest first."""
    asked, shop = query(), floor().shop
    rows = sorted(shop.webhooks.values(), key=lambda row: row.id, reverse=asked.get("order", "desc") == "desc")
    if asked.get("status", "all") != "all":
        rows = [row for row in rows if row.status == asked["status"]]
    if asked.get("search"):
        rows = [row for row in rows if asked["search"].lower() in row.name.lower()]
    if wanted := set(id_list(asked, "include")):
        rows = [row for row in rows if row.id in wanted]
    return page_answer(rows, lambda row: webhook_view(shop, row), address_of("webhooks"), asked)


@rest(webhooks, "GET", "/webhooks/<int:id>", "view")
def get_webhook(id: int) -> Answer:
    """One webhook."""
    return Answer(chosen(webhook_view(floor().shop, _the_webhook(id)), list_param(query(), "_fields")))


@rest(webhooks, "POST", "/webhooks", "create", locked=False)
def create_webhook() -> Answer:
    """A new webhook. It is pinged before this answers, and exists however the ping went."""
    shop, given = floor().shop, body()
    if "delivery_url" not in given:
        raise missing_param("delivery_url")
    topic, url = _valid_topic(given.get("topic")), _valid_url(given["delivery_url"])
    with shop.lock:
        now = shop.now()
        name = str(given.get("name") or f"Webhook created on {now:%b %d, %Y @ %I:%M %p}")
        webhook = Webhook(max(shop.webhooks, default=0) + 1, name, topic, url, str(given.get("secret", "")), now)
        webhook.status = str(given.get("status") or "active")
        shop.save(webhook)
        shown = webhook_view(shop, webhook)
    _delivery().ping(webhook)
    return Answer(shown, 201, {"Location": address_of(f"webhooks/{webhook.id}")})


@rest(webhooks, "PUT", "/webhooks/<int:id>", "edit")
def update_webhook(id: int) -> Answer:
    """Change a webhook; making it active again does not forget its failures."""
    shop, webhook, given = floor().shop, _the_webhook(id), body()
    if "topic" in given:
        webhook.topic = _valid_topic(given["topic"])
    if "delivery_url" in given:
        webhook.delivery_url = _valid_url(given["delivery_url"])
    webhook.name = str(given.get("name", webhook.name))
    webhook.status = str(given.get("status", webhook.status))
    webhook.secret = str(given.get("secret", webhook.secret))
    webhook.modified = shop.now()
    shop.save(webhook)
    return Answer(webhook_view(shop, webhook))


@rest(webhooks, "DELETE", "/webhooks/<int:id>", "delete")
def delete_webhook(id: int) -> Answer:
    """For ever, and only with force=true."""
    shop, webhook = floor().shop, _the_webhook(id)
    if not flag_param(query(), "force"):
        raise RestError(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
    gone = webhook_view(shop, webhook)
    shop.remove(webhook)
    return Answer(gone)
