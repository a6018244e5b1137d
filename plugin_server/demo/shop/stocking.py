"""Fills a shop with generated data."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, time
from decimal import Decimal

from plugin_server.demo.generator_goods import coming
from plugin_server.demo.generator_types import ShopData, ShopOrder, ShopPerson, ShopProduct, Standing
from plugin_server.demo.shop.model import (
    Address,
    Category,
    CostLine,
    Coupon,
    CouponLine,
    Customer,
    Line,
    Meta,
    Order,
    Product,
    Refund,
    Review,
)
from plugin_server.demo.shop.state import ShopState

_PAYMENTS = {"bacs": "Transfer bank", "cod": "Bayar di tempat", "qris": "QRIS"}


def stock(shop: ShopState, data: ShopData) -> None:
    """Put the generated shop on the shelves. Suspects are left out: the shop does not know them."""
    for category in data.categories:
        shop.place(Category(category.id, category.name, category.slug, category.parent))
    for product in (*data.products, soon := coming(data.products, data.now)):
        _place_product(shop, product)
    shop.products[soon.id].visibility = "hidden"
    for coupon in data.coupons:
        kind = "percent" if coupon.percent else "fixed_cart"
        shop.place(Coupon(coupon.id, coupon.code, coupon.created, coupon.created, Decimal(coupon.amount),
                          discount_type=kind))  # fmt: skip
    shop.place(Customer(1, "pemilik@tokosenja.test", _opening(data), role="administrator", username="admin"))
    bought = Counter(order.customer_id for order in data.orders if order.counts)
    last = {order.customer_id: order.modified for order in data.orders}
    for person in data.people:
        if person.customer_id is not None and person.standing is not Standing.SUSPECT:
            _place_customer(shop, person, paying=bought[person.customer_id] > 0, seen=last.get(person.customer_id))
    row_id = 0
    for order in data.orders:
        row_id = _place_order(shop, order, data.people[order.person], row_id)
    for review in data.reviews:
        shop.place(Review(review.id, review.product_id, review.reviewer, review.email, review.rating, review.text,
                          review.at, verified=True))  # fmt: skip


def _opening(data: ShopData) -> datetime:
    return min(product.created for product in data.products)


def _place_product(shop: ShopState, product: ShopProduct) -> None:
    meta = [Meta(product.id * 10, "tangga_unit_cost", str(product.unit_cost))]
    if product.days_of_supply is not None:
        meta.append(Meta(product.id * 10 + 1, "tangga_days_of_supply", str(product.days_of_supply)))
    shop.place(
        Product(
            product.id, product.name, product.slug, product.sku, Decimal(product.price), product.created,
            product.created, kind="variable" if product.variations else "simple",
            category_ids=list(product.category_ids), variation_ids=[size.id for size in product.variations],
            short_description=product.blurb, meta=meta,
        )
    )  # fmt: skip
    for size in product.variations:
        shop.place(
            Product(
                size.id, product.name, f"{product.slug}-{size.option.lower()}", size.sku, Decimal(size.price),
                product.created, product.created, kind="variation", parent_id=product.id, option=size.option,
                meta=[Meta(size.id * 10, "tangga_unit_cost", str(size.unit_cost))],
            )
        )  # fmt: skip


def _billing(person: ShopPerson, email: str) -> Address:
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "address_1": person.address,
        "city": person.city,
        "state": person.state,
        "postcode": person.postcode,
        "country": "ID",
        "email": email,
        "phone": person.phone,
    }


def _facts(person: ShopPerson) -> dict[str, str]:
    """What the shop's keeper noted about a person, by meta key."""
    facts = {"tangga_language": person.language}
    if person.consent:
        facts["tangga_consent"] = person.consent.state
        facts["tangga_consent_at"] = f"{person.consent.at.astimezone(UTC).isoformat()[:19]}Z"
        facts["tangga_consent_source"] = person.consent.source
    if person.birthday:
        facts["tangga_birthday"] = person.birthday.isoformat()
    if person.member_since and person.member_number:
        facts["tangga_member_since"] = person.member_since.isoformat()
        facts["tangga_member_number"] = person.member_number
    if person.referred_by:
        facts["tangga_referred_by"] = str(person.referred_by)
    return facts


def _place_customer(shop: ShopState, person: ShopPerson, *, paying: bool, seen: datetime | None) -> None:
    id, created = person.customer_id or 0, person.registered or datetime.combine(datetime.now(UTC), time(), UTC)
    meta = [Meta(id * 20 + at, key, value) for at, (key, value) in enumerate(_facts(person).items())]
    shop.place(
        Customer(
            id, person.email, created, max(created, seen or created), person.first_name, person.last_name,
            username=f"{person.email.partition('@')[0]}{id}", billing=_billing(person, person.email), paying=paying,
            meta=meta,
        )
    )  # fmt: skip


def _place_order(shop: ShopState, order: ShopOrder, person: ShopPerson, row_id: int) -> int:
    """Place one order; gives the last row id used."""
    lines = []
    for line in order.lines:
        row_id += 1
        product, size = shop.products[line.product_id], shop.products.get(line.variation_id)
        name = f"{product.name} - {size.option}" if size else product.name
        lines.append(
            Line(row_id, name, line.product_id, line.variation_id, line.quantity, Decimal(line.subtotal),
                 Decimal(line.total), (size or product).sku, product.name if size else None,
                 size.option if size else None)
        )  # fmt: skip
    billing = _billing(person, order.email)
    key = hashlib.blake2b(f"order {order.id}".encode(), digest_size=7).hexdigest()[:13]
    placed = Order(
        order.id, order.status, order.created, order.modified, customer_id=order.customer_id, billing=billing,
        shipping={name: value for name, value in billing.items() if name != "email"}, payment=order.payment,
        payment_title=_PAYMENTS.get(order.payment, ""), key=f"wc_order_{key}", paid=order.paid,
        completed=order.completed, lines=lines,
    )  # fmt: skip
    if order.shipping:
        row_id += 1
        placed.shipping_lines.append(CostLine(row_id, "JNE Reguler", Decimal(order.shipping), "flat_rate"))
    if order.coupon:
        row_id += 1
        _use_code(shop, placed, order.coupon, row_id)
    placed.refunds = [
        Refund(one.id, one.at, Decimal(one.amount), one.reason, order.status == "refunded",
               lines[one.line].id if one.line is not None else None,
               lines[one.line].quantity if one.line is not None else 0,
               lines[one.line].total if one.line is not None else Decimal(0))
        for one in order.refunds
    ]  # fmt: skip
    placed.meta = _order_meta(order)
    shop.place(placed)
    return row_id


def _use_code(shop: ShopState, order: Order, code: str, row_id: int) -> None:
    coupon = shop.coupons[shop.codes[code]]
    off = sum((line.subtotal - line.total for line in order.lines), Decimal(0))
    order.coupon_lines.append(CouponLine(row_id, code, off, coupon.id, coupon.discount_type, coupon.amount))
    if order.paid is not None:
        who = str(order.customer_id) if order.customer_id else order.billing["email"].lower()
        coupon.uses[order.id] = who


def _order_meta(order: ShopOrder) -> list[Meta]:
    facts: dict[str, str] = {}
    if order.referred_by:
        facts["tangga_referred_by"] = str(order.referred_by)
    if order.consent:
        facts["_tangga_consent"] = order.consent.state
        facts["_tangga_consent_at"] = f"{order.consent.at.astimezone(UTC).isoformat()[:19]}Z"
        facts["_tangga_consent_source"] = order.consent.source
    return [Meta(order.id * 10 + at, key, value) for at, (key, value) in enumerate(facts.items())]
