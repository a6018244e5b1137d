"""A shopper's basket and what it costs, with and without a code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from plugin_server.demo.shop import coupon_rules
from plugin_server.demo.shop.answers import JsonObject
from plugin_server.demo.shop.model import Coupon, Line, Product
from plugin_server.demo.shop.order_writing import line_of
from plugin_server.demo.shop.state import ShopState

FREE_SHIPPING_FROM = Decimal(250_000)
SHIPPING = Decimal(15_000)
MOST_OF_ONE = 99


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket costs. ``refused`` says why a code was not taken; ``codes`` are those that were."""

    lines: tuple[tuple[Product, Line], ...]
    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    codes: tuple[str, ...] = ()
    refused: coupon_rules.Refused | None = None

    @property
    def code(self) -> str | None:
        """The codes that count, as one word."""
        return ", ".join(self.codes) or None

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
    """Price a basket of {product id: quantity}. Codes (commas between) meet the rules of the block checkout."""
    lines = []
    for id, quantity in basket.items():
        product = sellable(shop, int(id))
        if product is not None and quantity > 0:
            lines.append((product, line_of(shop, product, min(quantity, MOST_OF_ONE))))
    goods = [line for _, line in lines]
    subtotal = sum((line.subtotal for line in goods), Decimal(0))
    taken, refused = _taken(shop, goods, code, coupon_rules.Shopper(email)) if code and goods else ([], None)
    paid = [replace(line) for line in goods]
    for coupon in taken:
        for line, off in zip(paid, coupon_rules.discounts(shop, coupon, paid), strict=True):
            line.total -= off
    discount = subtotal - sum((line.total for line in paid), Decimal(0))
    free = any(coupon.free_shipping for coupon in taken)
    shipping = Decimal(0) if free or not goods or subtotal - discount >= FREE_SHIPPING_FROM else SHIPPING
    codes = tuple(coupon.code for coupon in taken)
    return Quote(tuple(lines), subtotal, discount, shipping, codes, refused)


_IN_TURN = {"fixed_product": 1, "percent": 2, "fixed_cart": 3}


def _taken(
    shop: ShopState, goods: list[Line], code: str, shopper: coupon_rules.Shopper
) -> tuple[list[Coupon], coupon_rules.Refused | None]:
    """The coupons that hold, entered one after another; one for itself alone throws out those before it."""
    taken: list[Coupon] = []
    for word in filter(None, re.split(r"[,\s]+", code)):
        try:
            coupon = coupon_rules.find(shop, word)
            coupon_rules.check(shop, coupon, goods, shopper)
            if any(one.individual_use for one in taken):
                alone = taken[0].code
                said = f"Sorry, coupon &quot;{alone}&quot; has already been applied and cannot be used in conjunction "
                raise coupon_rules.Refused("alone", f"{said}with other coupons.")
        except coupon_rules.Refused as error:
            return [], error
        taken = [coupon] if coupon.individual_use else [*taken, coupon]
    # Pieces first, shares next, sums last: the shop's own order, whatever was entered first.
    return sorted(taken, key=lambda one: _IN_TURN.get(one.discount_type, 3)), None


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
        "coupon_lines": [{"code": code} for code in priced.codes],
    }
