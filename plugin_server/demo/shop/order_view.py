"""How an order looks over REST. Stored amounts may be finer than what is shown; the total never shrinks by refunds."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal

from plugin_server.demo.shop.answers import JsonObject, links
from plugin_server.demo.shop.clock import gmt_text, local_text
from plugin_server.demo.shop.model import (
    BILLING_FIELDS,
    SHIPPING_FIELDS,
    Address,
    CostLine,
    CouponLine,
    Line,
    Meta,
    Order,
    Refund,
)
from plugin_server.demo.shop.state import ShopState

_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)


def money(amount: Decimal, places: int) -> str:
    """``"27500"`` or ``"27500.00"``: rounded half up, never ``-0``."""
    rounded = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return str(abs(rounded) if rounded == 0 else rounded)


def trimmed(amount: Decimal) -> str:
    """At most two decimals and no idle zeros: ``"1666.67"``, ``"10000"``."""
    text = money(amount, 2)
    return text.rstrip("0").rstrip(".")


def number(amount: Decimal) -> int | float:
    """A JSON number: whole where it is whole."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def metas(entries: list[Meta], *, shown: bool = False) -> list[JsonObject]:
    """meta_data as listed; lines of orders also carry the display forms (``shown``)."""
    if not shown:
        return [{"id": entry.id, "key": entry.key, "value": entry.value} for entry in entries]
    return [
        {
            "id": entry.id,
            "key": entry.key,
            "value": entry.value,
            "display_key": entry.key if entry.key != "ukuran" else "Ukuran",
            "display_value": entry.value,
        }
        for entry in entries
    ]


class OrderView:
    """Renders the orders of one shop."""

    def __init__(self, shop: ShopState) -> None:
        self._shop = shop

    def text(self, order: Order) -> str:
        """The order as JSON text with the shop's own decimals, from the cache where it is still true."""
        cached = self._shop.rendered.get(order.id)
        if cached is None:
            cached = self._shop.rendered[order.id] = json.dumps(self.full(order, self._shop.decimals))
        return cached

    def tax(self, amount: Decimal) -> Decimal:
        """The tax on one line, rounded as the shop rounds each line."""
        return self._shop.round(amount * self._shop.tax_rate / _HUNDRED)

    def _taxed(self, order: Order) -> list[Decimal]:
        return [line.total for line in order.lines] + [fee.total for fee in order.fee_lines]

    def _cart_tax(self, order: Order) -> Decimal:
        return sum((self.tax(amount) for amount in self._taxed(order)), Decimal(0))

    def total(self, order: Order) -> Decimal:
        """What was to be paid, with tax and shipping, before refunds."""
        shipping = sum((line.total for line in order.shipping_lines), Decimal(0))
        return sum(self._taxed(order), Decimal(0)) + self._cart_tax(order) + shipping

    def full(self, order: Order, places: int) -> JsonObject:
        """The whole order with money at ``places`` decimals."""
        body = {**self._head(order), **self._amounts(order, places), **self._people(order), **self._course(order)}
        body |= {
            "meta_data": metas(order.meta),
            "line_items": [self._line(line, places) for line in order.lines],
            "tax_lines": self._tax_lines(order, places),
            "shipping_lines": [self._shipping(line, places) for line in order.shipping_lines],
            "fee_lines": [self._fee(line, places) for line in order.fee_lines],
            "coupon_lines": [self._coupon(line, places) for line in order.coupon_lines],
            "refunds": [
                {"id": refund.id, "reason": refund.reason, "total": money(-refund.amount, places)}
                for refund in order.refunds
            ],
            **self._foot(order),
        }
        return {**body, **order.overrides, "_links": self._links(order)}

    def _head(self, order: Order) -> JsonObject:
        zone = self._shop.zone
        return {
            "id": order.id,
            "parent_id": 0,
            "status": order.status,
            "currency": order.currency,
            "version": self._shop.woocommerce,
            "prices_include_tax": False,
            "date_created": local_text(order.created, zone),
            "date_modified": local_text(order.modified, zone),
        }

    def _amounts(self, order: Order, places: int) -> JsonObject:
        off = sum((line.subtotal - line.total for line in order.lines), Decimal(0))
        off_tax = sum((self.tax(line.subtotal) - self.tax(line.total) for line in order.lines), Decimal(0))
        cart_tax = self._cart_tax(order)
        return {
            "discount_total": money(off, places),
            "discount_tax": money(off_tax, places),
            "shipping_total": money(sum((line.total for line in order.shipping_lines), Decimal(0)), places),
            "shipping_tax": money(Decimal(0), places),
            "cart_tax": money(cart_tax, places),
            "total": money(self.total(order), places),
            "total_tax": money(cart_tax, places),
        }

    def _people(self, order: Order) -> JsonObject:
        return {
            "customer_id": order.customer_id,
            "order_key": order.key,
            "billing": address(order.billing, BILLING_FIELDS),
            "shipping": address(order.shipping, SHIPPING_FIELDS),
            "payment_method": order.payment,
            "payment_method_title": order.payment_title,
            "transaction_id": "",
            "customer_ip_address": "",
            "customer_user_agent": "",
            "created_via": order.created_via,
            "customer_note": order.note,
        }

    def _course(self, order: Order) -> JsonObject:
        zone = self._shop.zone
        return {
            "date_completed": local_text(order.completed, zone),
            "date_paid": local_text(order.paid, zone),
            "cart_hash": "",
            "number": str(order.id),
        }

    def _foot(self, order: Order) -> JsonObject:
        owing = order.status in {"pending", "failed", "checkout-draft"} and self.total(order) > 0
        return {
            "payment_url": f"{self._shop.base}/checkout/order-pay/{order.id}/?pay_for_order=true&key={order.key}",
            "is_editable": order.status in {"pending", "on-hold", "auto-draft"},
            "needs_payment": owing,
            "needs_processing": any(line.product_id in self._shop.products for line in order.lines),
            "date_created_gmt": gmt_text(order.created),
            "date_modified_gmt": gmt_text(order.modified),
            "date_completed_gmt": gmt_text(order.completed),
            "date_paid_gmt": gmt_text(order.paid),
            "currency_symbol": "Rp" if order.currency == "IDR" else order.currency,
        }

    def _links(self, order: Order) -> JsonObject:
        found = links(self._shop.base, f"orders/{order.id}")
        found["email_templates"] = [{"embeddable": True, "href": f"{found['self'][0]['href']}/actions/email_templates"}]
        if order.customer_id:
            found["customer"] = [{"href": f"{self._shop.base}/wp-json/wc/v3/customers/{order.customer_id}"}]
        return found

    def _line(self, line: Line, places: int) -> JsonObject:
        known = line.product_id in self._shop.products
        unit = (line.total / line.quantity).quantize(_CENT, ROUND_HALF_UP) if line.quantity else Decimal(0)
        option = [Meta(line.id * 10, "ukuran", line.option)] if line.option else []
        return {
            "id": line.id,
            "name": line.name,
            "product_id": line.product_id if known else 0,
            "variation_id": line.variation_id if known and line.variation_id in self._shop.products else 0,
            "quantity": line.quantity,
            "tax_class": "",
            "subtotal": money(line.subtotal, places),
            "subtotal_tax": money(self.tax(line.subtotal), places),
            "total": money(line.total, places),
            "total_tax": money(self.tax(line.total), places),
            "taxes": self._taxes(line.total, line.subtotal, places),
            "meta_data": metas(option, shown=True),
            "sku": line.sku if known else None,
            "global_unique_id": "" if known else None,
            "price": number(unit),
            "image": {"id": 0 if line.variation_id or not known else "", "src": ""},
            "parent_name": line.parent_name,
        }

    def _taxes(self, total: Decimal, subtotal: Decimal, places: int) -> list[JsonObject]:
        if not self._shop.tax_rate:
            return []
        return [{"id": 1, "total": money(self.tax(total), places), "subtotal": money(self.tax(subtotal), places)}]

    def _tax_lines(self, order: Order, places: int) -> list[JsonObject]:
        if not self._shop.tax_rate:
            return []
        return [
            {
                "id": order.id * 10,
                "rate_code": "ID-PPN-1",
                "rate_id": 1,
                "label": "PPN",
                "compound": False,
                "tax_total": money(self._cart_tax(order), places),
                "shipping_tax_total": money(Decimal(0), places),
                "rate_percent": number(self._shop.tax_rate),
                "meta_data": [],
            }
        ]

    def _shipping(self, line: CostLine, places: int) -> JsonObject:
        return {
            "id": line.id,
            "method_title": line.title,
            "method_id": line.method,
            "instance_id": "1",
            "total": money(line.total, places),
            "total_tax": money(Decimal(0), places),
            "taxes": [],
            "tax_status": "taxable",
            "meta_data": [],
        }

    def _fee(self, line: CostLine, places: int) -> JsonObject:
        return {
            "id": line.id,
            "name": line.title,
            "tax_class": "",
            "tax_status": "none",
            "amount": "",
            "total": money(line.total, places),
            "total_tax": money(self.tax(line.total), places),
            "taxes": [{**one, "subtotal": ""} for one in self._taxes(line.total, line.total, places)],
            "meta_data": [],
        }  # fmt: skip

    def _coupon(self, line: CouponLine, places: int) -> JsonObject:
        kind = None if line.discount_type == "fixed_cart" else line.discount_type
        told = [line.coupon_id, line.code, kind, number(line.amount), *([True] if line.free_shipping else [])]
        info = json.dumps(told, separators=(",", ":"))
        discount = line.discount if line.discount == line.discount.to_integral_value() else None
        return {
            "id": line.id,
            "code": line.code,
            "discount": money(discount, places) if discount is not None else trimmed(line.discount),
            "discount_tax": money(self.tax(line.discount), places),
            "meta_data": metas([Meta(line.id * 10, "coupon_info", info)], shown=True),
            "discount_type": line.discount_type,
            "nominal_amount": number(line.amount),
            "free_shipping": line.free_shipping,
        }

    def refund(self, order: Order, refund: Refund, places: int) -> JsonObject:
        """One refund as /orders/ID/refunds shows it: a positive amount, returned lines with negative figures."""
        path = f"orders/{order.id}/refunds"
        lines = [self._returned(order, refund, places)] if refund.line_id else []
        return {
            "id": refund.id,
            "date_created": local_text(refund.created, self._shop.zone),
            "date_created_gmt": gmt_text(refund.created),
            "amount": money(refund.amount, places),
            "reason": refund.reason,
            "refunded_by": 1,
            "refunded_payment": False,
            "meta_data": metas([Meta(refund.id * 10, "_refund_type", "full" if refund.full else "partial")]),
            "line_items": [line for line in lines if line],
            "shipping_lines": self._shipped_back(order, refund, places),
            "tax_lines": [],
            "fee_lines": [],
            "_links": links(
                self._shop.base, f"{path}/{refund.id}", allow=("GET", "DELETE"), up=f"orders/{order.id}"
            ),
        }  # fmt: skip

    def _shipped_back(self, order: Order, refund: Refund, places: int) -> list[JsonObject]:
        if not refund.shipping or not order.shipping_lines:
            return []
        line = order.shipping_lines[0]
        return [self._shipping(CostLine(refund.id * 10 + 2, line.title, -refund.shipping, line.method), places)]

    def _returned(self, order: Order, refund: Refund, places: int) -> JsonObject:
        line = next((line for line in order.lines if line.id == refund.line_id), None)
        if line is None:
            return {}
        amount = -refund.line_total
        shown = self._line(Line(refund.id * 10, line.name, line.product_id, line.variation_id, -refund.quantity or -1,
                                amount, amount, line.sku, line.parent_name), places)  # fmt: skip
        origin = metas([Meta(refund.id * 10 + 1, "_refunded_item_id", str(line.id))], shown=True)
        return {**shown, "meta_data": origin}


def address(given: Address, fields: tuple[str, ...]) -> Address:
    """All fields of an address, empty where nothing was given."""
    return {name: given.get(name, "") for name in fields}
