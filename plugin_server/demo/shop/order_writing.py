"""Creating and changing orders over REST, as strictly and as loosely as the real thing does it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from plugin_server.demo.shop import coupon_rules
from plugin_server.demo.shop.answers import JsonObject, RestError, invalid_param, not_one_of
from plugin_server.demo.shop.meta_writing import write_meta
from plugin_server.demo.shop.model import (
    BILLING_FIELDS,
    ORDER_STATUSES,
    SHIPPING_FIELDS,
    USING_STATUSES,
    Address,
    CostLine,
    Coupon,
    CouponLine,
    Line,
    Meta,
    Order,
    Product,
)
from plugin_server.demo.shop.order_view import OrderView
from plugin_server.demo.shop.state import ShopState

_PAID_STATUSES = {"processing", "completed"}
_EMAIL = re.compile(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")


def validate(given: JsonObject) -> None:
    """Refuse parameters of the wrong form; this comes before anything is looked up."""
    status = given.get("status")
    if status is not None and status not in ORDER_STATUSES:
        raise not_one_of("status", "status", ORDER_STATUSES)
    customer = given.get("customer_id") or 0
    if isinstance(customer, bool) or not str(customer).isdigit():
        message = "customer_id is not of type integer."
        raise invalid_param("customer_id", message, "rest_invalid_type", {"param": "customer_id"})
    billing = given.get("billing") or {}
    if "email" in billing and not _EMAIL.match(str(billing["email"])):
        raise invalid_param("billing", "Invalid email address.", "rest_invalid_email")


def order_key() -> str:
    """The secret part of an order's payment address."""
    return f"wc_order_{secrets.token_hex(7)[:13]}"


class OrderWriter:
    """Writes the orders of one shop and tells the webhooks."""

    def __init__(self, shop: ShopState, view: OrderView) -> None:
        self._shop = shop
        self._view = view

    def create(self, given: JsonObject, *, via: str = "rest-api", draft: Order | None = None) -> Order:
        """A new order. A refused code raises and leaves the order behind as checkout-draft.

        ``draft`` is the checkout-draft that becomes this order, keeping its id and the time of its creation.
        """
        validate(given)
        self._check_customer(given)
        now = self._shop.now()
        order = Order(draft.id if draft else self._shop.next_id(), "pending", draft.created if draft else now, now,
                      currency=self._shop.currency, created_via=via, key=order_key())  # fmt: skip
        self._fill(order, given)
        try:
            self._apply_codes(order, given)
        except coupon_rules.Refused as refused:
            order.status = "checkout-draft"
            self._announce(order, "order.created", "order.updated")
            raise RestError(
                400, "woocommerce_rest_invalid_coupon", refused.message, new_draft_order_id=order.id
            ) from None  # fmt: skip
        status = given.get("status") or "pending"
        self.set_status(order, "processing" if given.get("set_paid") and status == "pending" else status)
        self._announce(order, *([] if draft else ["order.created"]), "order.updated")
        return order

    def update(self, order: Order, given: JsonObject) -> Order:
        """Change an order; date_created is read-only and ignored."""
        validate(given)
        self._check_customer(given)
        restored = order.status == "trash"
        before = self._touchable(order)
        self._fill(order, given)
        try:
            if given.get("coupon_lines") is not None:
                self._apply_codes(order, given)
        except coupon_rules.Refused as refused:
            self._shop.save(order)
            raise RestError(400, "woocommerce_rest_invalid_coupon", refused.message) from None
        if given.get("set_paid") and order.paid is None:
            self.set_status(order, "processing")
        if given.get("status"):
            self.set_status(order, given["status"])
        if not self._shop.legacy or before != self._touchable(order):
            order.modified = max(self._shop.now(), order.modified)
        self._announce(order, *([] if restored else ["order.updated"]))
        return order

    def trash(self, order: Order) -> None:
        """Into the trash: codes are given back, date_modified moves, order.deleted is sent."""
        now = self._shop.now()
        stamp = str(int(now.timestamp()))
        order.meta.append(Meta(self._shop.next_meta_id(), "_wp_trash_meta_status", f"wc-{order.status}"))
        order.meta.append(Meta(self._shop.next_meta_id(), "_wp_trash_meta_time", stamp))
        order.status = "trash"
        order.modified = max(now, order.modified)
        self.release_codes(order)
        self._announce(order, "order.deleted")

    def set_status(self, order: Order, status: str) -> None:
        """Move an order to a status, with the dates and code counts that follow from it."""
        now = self._shop.now()
        order.status = status
        if status in _PAID_STATUSES and order.paid is None:
            order.paid = now
        if status == "completed":
            order.completed = order.completed or now
        self._count_codes(order)
        buyer = self._shop.customers.get(order.customer_id)
        if buyer is not None and status in _PAID_STATUSES and not buyer.paying:
            buyer.paying = True
            self._shop.save(buyer)

    def release_codes(self, order: Order) -> None:
        """Give back the codes an order held."""
        for coupon in self._shop.coupons.values():
            if order.id in coupon.uses:
                del coupon.uses[order.id]
                self._shop.save(coupon)

    def _count_codes(self, order: Order) -> None:
        if order.status not in USING_STATUSES:
            self.release_codes(order)
            return
        who = coupon_rules.Shopper(order.billing.get("email"), order.customer_id).name
        for line in order.coupon_lines:
            coupon = self._shop.coupons.get(line.coupon_id)
            if coupon is not None and order.id not in coupon.uses:
                coupon.uses[order.id] = who
                self._shop.save(coupon)

    def _announce(self, order: Order, *topics: str) -> None:
        self._shop.save(order)
        for topic in topics:
            self._shop.tell(topic, order.id)
        if topics and order.customer_id and order.status in _PAID_STATUSES:
            self._shop.tell("customer.updated", order.customer_id)

    def _touchable(self, order: Order) -> tuple[object, ...]:
        """What makes the posts table store an order anew; meta data does not."""
        return (order.status, order.note, order.customer_id, dict(order.billing), dict(order.shipping), order.payment,
                len(order.lines), order.paid)  # fmt: skip

    def _check_customer(self, given: JsonObject) -> None:
        customer = int(given.get("customer_id") or 0)
        if customer and customer not in self._shop.customers:
            raise RestError(400, "woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")

    def _fill(self, order: Order, given: JsonObject) -> None:
        order.currency = str(given.get("currency") or order.currency)
        order.customer_id = int(given.get("customer_id") or order.customer_id)
        order.note = str(given.get("customer_note", order.note))
        order.payment = str(given.get("payment_method", order.payment))
        order.payment_title = str(given.get("payment_method_title", order.payment_title))
        order.billing = _address(order.billing, given.get("billing"), BILLING_FIELDS)
        order.shipping = _address(order.shipping, given.get("shipping"), SHIPPING_FIELDS)
        for item in given.get("line_items") or ():
            order.lines.append(self._line(item))
        for item in given.get("shipping_lines") or ():
            order.shipping_lines.append(
                CostLine(self._shop.next_row_id(), str(item.get("method_title", "")), _amount(item.get("total")),
                         str(item.get("method_id", "")))
            )  # fmt: skip
        for item in given.get("fee_lines") or ():
            order.fee_lines.append(
                CostLine(self._shop.next_row_id(), str(item.get("name", "")), _amount(item.get("total")))
            )  # fmt: skip
        write_meta(self._shop, order.meta, given.get("meta_data"), hidden=True)

    def _line(self, item: Mapping[str, Any]) -> Line:
        asked = int(item.get("variation_id") or item.get("product_id") or 0)
        product = self._shop.products.get(asked)
        quantity = int(item.get("quantity", 1))
        if product is None:
            subtotal = _amount(item.get("subtotal"))
            return Line(self._shop.next_row_id(), str(item.get("name", "")), 0, 0, quantity, subtotal,
                        _amount(item.get("total", subtotal)))  # fmt: skip
        line = line_of(self._shop, product, quantity)
        line.subtotal = _amount(item["subtotal"]) if "subtotal" in item else line.subtotal
        line.total = _amount(item["total"]) if "total" in item else line.subtotal
        return line

    def _apply_codes(self, order: Order, given: JsonObject) -> None:
        """Put the codes of ``coupon_lines`` on the order, one after another; discounts that were given are ignored."""
        shopper = coupon_rules.Shopper(order.billing.get("email"), order.customer_id)
        held = {line.code for line in order.coupon_lines}
        for item in given.get("coupon_lines") or ():
            code = str(item.get("code", "")).strip().lower()
            if code in held:
                continue
            coupon = coupon_rules.find(self._shop, code)
            coupon_rules.check(self._shop, coupon, order.lines, shopper, spare=order.id)
            apply_code(self._shop, order, coupon)


def apply_code(shop: ShopState, order: Order, coupon: Coupon) -> None:
    """Take the code's discount off the lines and note it on the order."""
    taken = coupon_rules.discounts(shop, coupon, order.lines)
    for line, discount in zip(order.lines, taken, strict=True):
        line.total -= discount
    order.coupon_lines.append(
        CouponLine(shop.next_row_id(), coupon.code, sum(taken, Decimal(0)), coupon.id, coupon.discount_type,
                   coupon.amount, coupon.free_shipping)
    )  # fmt: skip


def line_of(shop: ShopState, product: Product, quantity: int) -> Line:
    """A line of ``quantity`` of a product or variation at its price."""
    parent = shop.products.get(product.parent_id)
    worth = product.price * quantity
    return Line(
        id=shop.next_row_id(),
        name=f"{parent.name} - {product.option}" if parent else product.name,
        product_id=parent.id if parent else product.id,
        variation_id=product.id if parent else 0,
        quantity=quantity,
        subtotal=worth,
        total=worth,
        sku=product.sku,
        parent_name=parent.name if parent else None,
        option=product.option,
    )


def _address(old: Address, given: Mapping[str, Any] | None, fields: tuple[str, ...]) -> Address:
    new = {name: str(value) for name, value in (given or {}).items() if name in fields}
    return {**old, **new}


def _amount(given: Any) -> Decimal:
    try:
        amount = Decimal(str(given if given is not None else 0))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)
