"""Bodies of webhooks: the REST shape with numeric ids, snake_case and times in the shop's zone."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from plugin_server.demo.shopify_shop.discount_fields import node_view
from plugin_server.demo.shopify_shop.gids import gid
from plugin_server.demo.shopify_shop.model import Address, Checkout, Customer, LineItem, Order, Product, Refund, Variant
from plugin_server.demo.shopify_shop.model_made import BulkOperation, Discount
from plugin_server.demo.shopify_shop.state import ShopState

Body = dict[str, Any]


def when(shop: ShopState, moment: datetime | None) -> str | None:
    """``2026-11-22T13:36:42+07:00``."""
    return None if moment is None else moment.astimezone(ZoneInfo(shop.zone)).isoformat(timespec="seconds")


def _price(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _set(shop: ShopState, amount: Decimal) -> Body:
    money = {"amount": _price(amount), "currency_code": shop.currency}
    return {"shop_money": money, "presentment_money": money}


def _address(address: Address | None) -> Body | None:
    if address is None:
        return None
    first, _, last = address.name.partition(" ")
    return {
        "first_name": first, "last_name": last, "name": address.name, "address1": address.address1, "address2": None,
        "city": address.city, "province": address.province_code, "province_code": address.province_code,
        "zip": address.zip, "country": "Indonesia", "country_code": address.country_code, "phone": address.phone,
        "company": None,
    }  # fmt: skip


def _line(shop: ShopState, line: LineItem) -> Body:
    return {
        "id": line.id, "admin_graphql_api_id": gid("LineItem", line.id), "title": line.title, "name": line.title,
        "variant_title": line.variant_title, "quantity": line.quantity,
        "current_quantity": line.quantity - line.removed,
        "sku": line.sku, "product_id": line.product_id, "variant_id": line.variant_id, "vendor": shop.name,
        "price": _price(line.unit_price), "price_set": _set(shop, line.unit_price),
        "total_discount": _price(line.discount), "total_discount_set": _set(shop, line.discount), "gift_card": False,
        "product_exists": line.product_id in shop.products, "properties": [], "tax_lines": [],
    }  # fmt: skip


def _parcel(shop: ShopState, order: Order) -> Body:
    sent, touched = order.sent_at or order.closed_at or order.updated_at, order.updated_at
    carried = None if order.tracking == "FULFILLED" else order.tracking.lower()
    times = {"created_at": when(shop, sent), "updated_at": when(shop, touched)}
    return {"status": "success", "shipment_status": carried, **times}


def order_body(shop: ShopState, order: Order) -> Body:
    """An order as ``orders/*`` tells it; since 2026-04 without ``checkout_id``."""
    customer = shop.customers.get(order.customer_id or 0)
    return {
        "id": order.id, "admin_graphql_api_id": gid("Order", order.id), "app_id": 580111, "name": f"#{order.number}",
        "number": order.number - 1000, "order_number": order.number, "token": order.token, "test": order.test,
        "email": order.email or "", "contact_email": order.email, "phone": order.phone,
        "buyer_accepts_marketing": order.accepts_marketing, "confirmed": True, "currency": shop.currency,
        "presentment_currency": shop.currency, "customer_locale": order.locale,
        "created_at": when(shop, order.created_at), "processed_at": when(shop, order.processed_at),
        "updated_at": when(shop, order.updated_at), "cancelled_at": when(shop, order.cancelled_at),
        "cancel_reason": (order.cancel_reason or "").lower() or None, "closed_at": when(shop, order.closed_at),
        "financial_status": order.financial.lower(),
        "fulfillment_status": "fulfilled" if order.fulfillment == "FULFILLED" else None,
        "fulfillments": [_parcel(shop, order)] if order.fulfillment == "FULFILLED" else [],
        "total_price": _price(order.total), "total_price_set": _set(shop, order.total),
        "subtotal_price": _price(order.goods), "subtotal_price_set": _set(shop, order.goods),
        "total_discounts": _price(order.discounts), "total_discounts_set": _set(shop, order.discounts),
        "total_shipping_price_set": _set(shop, order.shipping), "total_tax": _price(order.tax),
        "total_tax_set": _set(shop, order.tax), "source_name": order.source, "tags": ", ".join(order.tags),
        "note": order.note,
        "note_attributes": [{"name": key, "value": value} for key, value in order.attributes.items()],
        "discount_codes": [
            {"code": code, "amount": _price(order.discounts), "type": "fixed_amount"} for code in order.codes
        ],
        "landing_site": order.landing_page, "billing_address": _address(order.address),
        "shipping_address": _address(order.address), "customer": customer_body(shop, customer) if customer else None,
        "line_items": [_line(shop, line) for line in order.lines],
        "refunds": [refund_body(shop, refund, order) for refund in order.refunds], "payment_gateway_names": ["manual"],
    }  # fmt: skip


def refund_body(shop: ShopState, refund: Refund, order: Order) -> Body:
    """A refund as ``refunds/create`` tells it; line subtotals are JSON numbers there."""
    lines = {line.id: line for line in order.lines}
    return {
        "id": refund.id, "admin_graphql_api_id": gid("Refund", refund.id), "order_id": order.id,
        "created_at": when(shop, refund.created_at), "processed_at": when(shop, refund.processed_at),
        "note": refund.note, "restock": True, "duties": [],
        "refund_shipping_lines": [
            {"id": refund.id * 10 + 1, "subtotal_amount_set": _set(shop, refund.shipping)}
        ] if refund.shipping else [],
        "refund_line_items": [
            {
                "id": one.id, "quantity": one.quantity, "line_item_id": one.line_id, "restock_type": "return",
                "subtotal": float(one.subtotal), "total_tax": 0, "subtotal_set": _set(shop, one.subtotal),
                "line_item": _line(shop, lines[one.line_id]),
            }
            for one in refund.lines
        ],
        "order_adjustments": [
            {"id": refund.id * 10, "amount": _price(-refund.adjustment), "kind": "refund_discrepancy",
             "reason": "Refund discrepancy"}
        ] if refund.adjustment else [],
        "transactions": [{"id": refund.id * 10 + 2, "kind": "refund", "status": "success",
                          "amount": _price(refund.total), "currency": shop.currency}],
    }  # fmt: skip


def customer_body(shop: ShopState, customer: Customer) -> Body:
    """A customer as told since 2025-01: no tags, no consent, no counts."""
    return {
        "id": customer.id, "admin_graphql_api_id": gid("Customer", customer.id), "email": customer.email,
        "first_name": customer.first_name, "last_name": customer.last_name, "phone": customer.phone,
        "created_at": when(shop, customer.created_at), "updated_at": when(shop, customer.updated_at),
        "state": customer.state.lower(), "note": customer.note, "verified_email": customer.verified_email,
        "multipass_identifier": None, "tax_exempt": False, "currency": shop.currency, "addresses": [],
        "tax_exemptions": [], "default_address": _address(customer.address),
    }  # fmt: skip


def _variant_body(shop: ShopState, product: Product, variant: Variant) -> Body:
    return {
        "id": variant.id, "admin_graphql_api_id": gid("ProductVariant", variant.id), "product_id": product.id,
        "title": variant.title, "sku": variant.sku, "price": _price(variant.price), "position": variant.position,
        "inventory_quantity": variant.stock, "created_at": when(shop, product.created_at),
        "updated_at": when(shop, product.updated_at), "option1": variant.title,
    }  # fmt: skip


def product_body(shop: ShopState, product: Product) -> Body:
    """A product as ``products/*`` tells it."""
    return {
        "id": product.id, "admin_graphql_api_id": gid("Product", product.id), "title": product.title,
        "handle": product.handle, "body_html": product.description, "product_type": product.product_type,
        "vendor": product.vendor, "status": product.status.lower(), "tags": ", ".join(product.tags),
        "created_at": when(shop, product.created_at), "updated_at": when(shop, product.updated_at),
        "published_at": when(shop, product.created_at) if product.sold else None,
        "variants": [_variant_body(shop, product, variant) for variant in product.variants],
        "variant_gids": [
            {"admin_graphql_api_id": gid("ProductVariant", variant.id), "updated_at": when(shop, product.updated_at)}
            for variant in product.variants
        ],
        "options": [], "images": [], "image": None, "media": [],
    }  # fmt: skip


def checkout_body(shop: ShopState, checkout: Checkout) -> Body:
    """A checkout as told since 2026-04: found by its ``token``, without an ``id``."""
    worth = sum((line.unit_price * line.quantity for line in checkout.lines), Decimal(0))
    return {
        "token": checkout.token, "cart_token": checkout.token, "email": checkout.email, "name": f"#{checkout.id}",
        "created_at": when(shop, checkout.created_at), "updated_at": when(shop, checkout.updated_at),
        "completed_at": when(shop, checkout.completed_at), "currency": shop.currency,
        "presentment_currency": shop.currency, "total_price": _price(worth), "subtotal_price": _price(worth),
        "line_items": [_line(shop, line) for line in checkout.lines],
        "discount_codes": [{"code": code} for code in checkout.codes], "source_name": "web",
        "customer": None,
    }  # fmt: skip


def consent_body(shop: ShopState, customer: Customer) -> Body:
    """``customers_email_marketing_consent/update``."""
    told = {
        "state": customer.email_state.lower(),
        "opt_in_level": (customer.email_level or "").lower() or None,
        "consent_updated_at": when(shop, customer.email_updated_at),
    }
    return {"customer_id": customer.id, "email_address": customer.email, "email_marketing_consent": told}


def bulk_body(shop: ShopState, one: BulkOperation) -> Body:
    """``bulk_operations/finish``: lower case, and no address of the file."""
    return {
        "admin_graphql_api_id": gid("BulkOperation", one.id), "completed_at": when(shop, one.completed_at),
        "created_at": when(shop, one.created_at), "error_code": (one.error_code or "").lower() or None,
        "status": one.status.lower(), "type": "query",
    }  # fmt: skip


def discount_body(shop: ShopState, discount: Discount) -> Body:
    """``discounts/*``."""
    return {
        "admin_graphql_api_id": gid(node_view(discount).kind, discount.id), "title": discount.title,
        "status": "ACTIVE", "created_at": when(shop, discount.created_at),
        "updated_at": when(shop, discount.updated_at),
    }  # fmt: skip


def shop_body(shop: ShopState, _subject: object = None) -> Body:
    """``app/uninstalled`` and ``shop/update``."""
    return {
        "id": shop.shop_id, "name": shop.name, "email": shop.email, "domain": shop.domain,
        "myshopify_domain": shop.domain, "currency": shop.currency, "iana_timezone": shop.zone, "country_code": "ID",
        "plan_name": "basic",
    }  # fmt: skip
