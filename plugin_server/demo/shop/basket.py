"""A shopper's basket and what it costs, with and without a code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from plugin_server.demo.shop import coupon_rules
from plugin_server.demo.shop.answers import JsonObject
from plugin_server.demo.shop.model import Line, Product
from plugin_server.demo.shop.order_writing import line_of
from plugin_server.demo.shop.state import ShopState

FREE_SHIPPING_FROM = Decimal(250_000)
SHIPPING = Decimal(15_000)
MOST_OF_ONE = 99


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket costs. ``refused`` says why the code was not taken; ``code`` is the one that was."""

    lines: tuple[tuple[Product, Line], ...]
    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    code: str | None = None
    refused: coupon_rules.Refused | None = None

    @property
    def total(self) -> Decimal:
        """To be paid."""
        return self.subtotal - self.discount + self.shipping


def sellable(shop: ShopState, id: int) -> Product | None:
    """The product or variation a shopper can buy under that id."""
    product = shop.products.get(id)
    if product is None or product.status != "publish" or product.kind == "variable":
        return None
    return product


def quote(shop: ShopState, basket: Mapping[str, int], *, code: str = "", email: str | None = None) -> Quote:
    """Price a basket of {product id: quantity}. A code is held to the rules of the block checkout."""
    lines = []
    for id, quantity in basket.items():
        product = sellable(shop, int(id))
        if product is not None and quantity > 0:
            lines.append((product, line_of(shop, product, min(quantity, MOST_OF_ONE))))
    goods = [line for _, line in lines]
    subtotal = sum((line.subtotal for line in goods), Decimal(0))
    discount, taken, refused, free = Decimal(0), None, None, False
    if code and goods:
        try:
            coupon = coupon_rules.find(shop, code)
            coupon_rules.check(shop, coupon, goods, coupon_rules.Shopper(email))
            discount = sum(coupon_rules.discounts(shop, coupon, goods), Decimal(0))
            taken, free = coupon.code, coupon.free_shipping
        except coupon_rules.Refused as error:
            refused = error
    shipping = Decimal(0) if free or not goods or subtotal - discount >= FREE_SHIPPING_FROM else SHIPPING
    return Quote(tuple(lines), subtotal, discount, shipping, taken, refused)


def order_request(priced: Quote, *, name: str, email: str) -> JsonObject:
    """The order that a quote becomes, in the words of REST."""
    first, _, last = name.partition(" ")
    where = {"first_name": first, "last_name": last, "country": "ID"}
    return {
        "status": "processing",
        "set_paid": True,
        "billing": {**where, "email": email},
        "shipping": where,
        "payment_method": "qris",
        "payment_method_title": "QRIS",
        "line_items": [{"product_id": product.id, "quantity": line.quantity} for product, line in priced.lines],
        "shipping_lines": [{"method_id": "flat_rate", "method_title": "JNE Reguler", "total": str(priced.shipping)}]
        if priced.shipping
        else [],
        "coupon_lines": [{"code": priced.code}] if priced.code else [],
    }
