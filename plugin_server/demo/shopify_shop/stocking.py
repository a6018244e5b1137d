"""Fills a Shopify double with generated data: the same people and orders as every other demo shop of that seed."""

from __future__ import annotations

import hashlib
from datetime import datetime
from decimal import Decimal

from plugin_server.demo.generator_goods import coming
from plugin_server.demo.generator_types import ShopData, ShopOrder, ShopPerson, ShopProduct, ShopRefund, Standing
from plugin_server.demo.shopify_shop.gids import FIRST, gid
from plugin_server.demo.shopify_shop.model import (
    Address,
    Checkout,
    Collection,
    Customer,
    LineItem,
    Metafield,
    Order,
    Product,
    Refund,
    RefundLine,
    Variant,
)
from plugin_server.demo.shopify_shop.model_made import Discount, RedeemCode
from plugin_server.demo.shopify_shop.state import ShopState

FACTS = "tangga"
"""The namespace in which the shop's keeper notes memberships, who brought whom, and days of supply.

Birthdays are where Shopify's own definition has them: ``facts.birth_date``.
"""
_CONSENT = {
    "subscribed": ("SUBSCRIBED", "CONFIRMED_OPT_IN"),
    "pending": ("PENDING", "CONFIRMED_OPT_IN"),
    "unsubscribed": ("UNSUBSCRIBED", "CONFIRMED_OPT_IN"),
}
_FINANCIAL = {"completed": "PAID", "processing": "PAID", "refunded": "REFUNDED", "failed": "VOIDED",
              "cancelled": "VOIDED"}  # fmt: skip


def customer_number(id: int) -> int:
    """The id of a generated customer in this shop."""
    return FIRST["Customer"] + id


def stock(shop: ShopState, data: ShopData) -> None:
    """Put the generated shop on the shelves. Suspects are left out: the shop does not know them."""
    shop.opened = min(product.created for product in data.products)
    for category in data.categories:
        shop.place(Collection(FIRST["Collection"] + category.id, category.name, category.slug, shop.opened))
    for product in (*data.products, soon := coming(data.products, data.now)):
        _place_product(shop, product)
    shop.products[FIRST["Product"] + soon.id].status = "UNLISTED"
    for coupon in data.coupons:
        value = {"percentage": coupon.amount / 100} if coupon.percent else {"amount": Decimal(coupon.amount)}
        shop.place(
            Discount(
                FIRST["Discount"] + coupon.id, "Basic", False, coupon.code.upper(), coupon.created, None,
                coupon.created, coupon.created, {"all": "ALL"}, gets={"value": value, "items": {"all": True}},
                codes=[RedeemCode(FIRST["DiscountRedeemCode"] + coupon.id, coupon.code.upper())],
            )
        )  # fmt: skip
    last = {order.customer_id: order.modified for order in data.orders}
    for person in data.people:
        if person.customer_id is not None and person.standing is not Standing.SUSPECT:
            _place_customer(shop, person, last.get(person.customer_id))
    for order in data.orders:
        _place_order(shop, order, data.people[order.person])


def _place_product(shop: ShopState, product: ShopProduct) -> None:
    id = FIRST["Product"] + product.id
    sizes = [(size.id, size.option, size.sku, size.price, size.unit_cost) for size in product.variations]
    sizes = sizes or [(product.id, "Default Title", product.sku, product.price, product.unit_cost)]
    variants = [
        Variant(FIRST["ProductVariant"] + own, id, title, sku, Decimal(price), Decimal(cost), at)
        for at, (own, title, sku, price, cost) in enumerate(sizes, 1)
    ]
    shop.place(
        Product(
            id, product.name, product.slug, product.created, product.created, product_type=product.family.value,
            description=product.blurb, collection_ids=[FIRST["Collection"] + one for one in product.category_ids],
            variants=variants,
        )
    )  # fmt: skip
    if product.days_of_supply is not None:
        note(shop, gid("Product", id), "days_of_supply", str(product.days_of_supply), "number_integer")


def note(shop: ShopState, owner: str, key: str, value: str, kind: str, *, space: str = FACTS) -> None:
    """Hang a metafield of the shop's keeper on something."""
    shop.place(Metafield(shop.next_id("Metafield"), owner, space, key, value, kind, shop.opened, shop.opened))


def _address(person: ShopPerson, id: int) -> Address:
    return Address(FIRST["MailingAddress"] + id, person.address, person.city, person.state, person.postcode, "ID",
                   _phone(person.phone), f"{person.first_name} {person.last_name}".strip())  # fmt: skip


def _phone(local: str) -> str:
    """Numbers as Shopify keeps them: E.164."""
    return f"+62{local[1:]}" if local.startswith("0") else local


def _place_customer(shop: ShopState, person: ShopPerson, seen: datetime | None) -> None:
    id = customer_number(person.customer_id or 0)
    created = person.registered or shop.opened
    state, level = _CONSENT[person.consent.state] if person.consent else ("NOT_SUBSCRIBED", "SINGLE_OPT_IN")
    shop.place(
        Customer(
            id, person.email, created, max(created, seen or created), person.first_name or None,
            person.last_name or None,
            _phone(person.phone) or None, person.language, email_state=state, email_level=level,
            email_updated_at=person.consent.at if person.consent else None,
            address=_address(person, person.customer_id or 0),
        )
    )  # fmt: skip
    owner = gid("Customer", id)
    if person.birthday:
        note(shop, owner, "birth_date", person.birthday.isoformat(), "date", space="facts")
    if person.member_since and person.member_number:
        note(shop, owner, "member_since", person.member_since.isoformat(), "date")
        note(shop, owner, "member_number", person.member_number, "single_line_text_field")
    if person.referred_by:
        note(shop, owner, "referred_by", str(customer_number(person.referred_by)), "single_line_text_field")


def _lines(shop: ShopState, order: ShopOrder) -> list[LineItem]:
    lines = []
    for line in order.lines:
        product = shop.products[FIRST["Product"] + line.product_id]
        variant = shop.variants[FIRST["ProductVariant"] + (line.variation_id or line.product_id)]
        lines.append(
            LineItem(
                shop.next_id("LineItem"), product.title, product.id, variant.id, variant.sku, line.quantity,
                Decimal(line.subtotal) / line.quantity, Decimal(line.subtotal - line.total),
                None if variant.title == "Default Title" else variant.title,
            )
        )  # fmt: skip
    return lines


def _place_order(shop: ShopState, order: ShopOrder, person: ShopPerson) -> None:
    customer = customer_number(order.customer_id) if order.customer_id else None
    token = hashlib.blake2b(f"order {order.id}".encode(), digest_size=16).hexdigest()
    if order.status == "checkout-draft":
        shop.place(
            Checkout(
                FIRST["AbandonedCheckout"] + order.id, token, order.created, order.modified, order.email, customer,
                lines=_lines(shop, order), codes=[order.coupon.upper()] if order.coupon else [],
            )
        )  # fmt: skip
        return
    off = order.modified if order.status in {"failed", "cancelled"} else None
    placed = Order(
        FIRST["Order"] + order.id, order.id, order.created, order.created, order.modified, order.email, customer,
        _FINANCIAL[order.status], "FULFILLED" if order.completed else "UNFULFILLED", _lines(shop, order),
        Decimal(order.shipping), codes=[order.coupon.upper()] if order.coupon else [], cancelled_at=off,
        cancel_reason=("DECLINED" if order.status == "failed" else "CUSTOMER") if off else None,
        closed_at=order.completed or off, phone=_phone(person.phone) or None, locale=person.language,
        address=_address(person, FIRST["Order"] + order.id), token=token,
    )  # fmt: skip
    if order.referred_by:
        placed.attributes["tangga_referred_by"] = str(customer_number(order.referred_by))
    if order.consent:
        placed.accepts_marketing = order.consent.state == "subscribed"
    for one in order.refunds:
        placed.refunds.append(_refund(placed, one, full=order.status == "refunded"))
        if placed.financial == "PAID":
            placed.financial = "PARTIALLY_REFUNDED"
    shop.place(placed)


def _refund(order: Order, given: ShopRefund, *, full: bool) -> Refund:
    """What came back: everything, one line, or a mere sum."""
    refund = Refund(FIRST["Refund"] + given.id, order.id, given.at, given.at, given.reason)
    returned = order.lines if full else [order.lines[given.line]] if given.line is not None else []
    for at, line in enumerate(returned):
        id = FIRST["RefundLineItem"] + given.id * 100 + at
        refund.lines.append(RefundLine(id, line.id, line.quantity, line.discounted))
        line.removed = line.quantity
    if full:
        refund.shipping = order.shipping
    elif not returned:
        refund.adjustment = Decimal(given.amount)
    return refund
