"""WooCommerce's orders and customers in our words, by table. Unreadable rows raise ``BadPayload`` naming the place.

``now`` bounds what times can be true. The caller decides what a fault costs: a walk lists it and goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from connectors.addresses import web_address
from connectors.base import AT_THE_TILL
from connectors.errors import BadPayload
from connectors.refunds import shipping_in_sum
from connectors.types import Customer, Order, OrderLine, OrderStatus, Refund, minor_units
from connectors.woocommerce.values import (
    Row,
    currency,
    day,
    decimal,
    email,
    identity,
    instant,
    meta,
    moment,
    money,
    obj,
    objects,
    part,
    reference,
    text,
    title,
)

STATUSES = {
    "auto-draft": OrderStatus.DRAFT,
    "draft": OrderStatus.DRAFT,
    "checkout-draft": OrderStatus.DRAFT,
    "pending": OrderStatus.PENDING,
    "on-hold": OrderStatus.PENDING,
    "processing": OrderStatus.PAID,
    "completed": OrderStatus.COMPLETED,
    "refunded": OrderStatus.REFUNDED,
    "cancelled": OrderStatus.CANCELLED,
    "failed": OrderStatus.FAILED,
    "trash": OrderStatus.TRASHED,
}
UNPAID = {"checkout-draft": timedelta(days=1), AT_THE_TILL: timedelta(days=30)}
# Placed, and paid by hand later: a transfer, a cheque, money at the door. Plugins put such an order into "pending" too.
BY_HAND = {"bacs", "cheque", "cod"}
PAID = {OrderStatus.PAID, OrderStatus.COMPLETED, OrderStatus.REFUNDED}
CONSENT = {
    **dict.fromkeys(("subscribed", "yes", "1", "true", "on"), "subscribed"),
    **dict.fromkeys(("unsubscribed", "no", "0", "false", "off"), "unsubscribed"),
    "pending": "pending",
}
# People who run the shop are not its customers, though WordPress keeps them in the same list.
STAFF = {"administrator", "shop_manager", "editor", "author", "contributor"}
MAILCHIMP = "mailchimp_woocommerce_is_subscribed"
# How the two most used payment plugins mark an order paid with play money.
TEST_MARKS = (("_wcpay_mode", "test"), ("_ppcp_paypal_payment_mode", "sandbox"))
LANGUAGE_KEYS = ("tangga_language", "wpml_language", "trp_language")
ORDER_FIELDS = (
    "id,number,status,currency,total,discount_total,shipping_total,total_tax,customer_id,billing,date_created_gmt,"
    "date_modified_gmt,date_paid_gmt,date_completed_gmt,created_via,payment_method,meta_data,line_items,coupon_lines,"
    "refunds,needs_payment,payment_url"
)
REFUND_FIELDS = "id,date_created_gmt,line_items,shipping_lines,fee_lines"
CUSTOMER_FIELDS = "id,email,first_name,last_name,role,billing,date_created_gmt,date_modified_gmt,meta_data"


@dataclass(frozen=True, slots=True)
class RefundTold:
    """What only the list of refunds tells of one: when it was made, and what of it was for shipping and for goods.

    ``shipping`` is without its tax, as the order's own; ``named`` all that is for goods, fees and shipping, with tax.
    """

    at: datetime
    shipping: Decimal = Decimal(0)
    named: Decimal = Decimal(0)


def order(raw: object, *, now: datetime, refunds_told: Mapping[str, RefundTold] | None = None) -> Order:
    """One order from REST or webhook JSON.

    ``refunds_told`` (by refund id) comes from the list of refunds; without it ``refunded_at`` is None, which means "not
    told", never "not refunded".
    """
    row = obj(raw, "order")
    number = identity(row, "order")
    path = f"orders/{number}"
    code = currency(row, path)
    placed = moment(row, "date_created_gmt", path, now)
    if placed is None:
        raise BadPayload("The order has no time.", path=f"{path}.date_created_gmt")
    total = money(row, "total", code, path, required=True)
    if total < 0:
        raise BadPayload("The total of an order cannot be negative: correct it in the shop.", path=f"{path}.total")
    status, raw_status, paid = _status(row, path, now)
    billing, extra = part(row, "billing"), meta(row)
    return Order(
        external_id=number,
        number=text(row, "number", 60) or number,
        status=status,
        raw_status=raw_status,
        paid=paid,
        placed_at=placed,
        updated_at=moment(row, "date_modified_gmt", path, now),
        currency=code,
        total_minor=total,
        customer_external_id=reference(row, "customer_id"),
        email=email(billing),
        name=_full_name(billing),
        phone=text(billing, "phone", 60) or None,
        country=_country(billing),
        language=_language(extra),
        discount_minor=money(row, "discount_total", code, path),
        shipping_minor=money(row, "shipping_total", code, path),
        tax_minor=money(row, "total_tax", code, path),
        coupon_codes=_codes(row, path),
        lines=tuple(_line(line, place, code) for line, place in objects(row, "line_items", path)),
        refunds=_refunds(row, path, code, refunds_told or {}, total),
        source=text(row, "created_via", 60) or None,
        referred_by=extra.get("tangga_referred_by") or extra.get("_tangga_referred_by") or None,
        test=any(extra.get(key) == word for key, word in TEST_MARKS),
        consent=_consent(extra.get("_tangga_consent")) or _stated_consent(extra)[0],
        # A shop completes an order when it has left the house; WooCommerce keeps nothing nearer to its arrival.
        delivered_at=moment(row, "date_completed_gmt", path, now),
        way_back=_way_back(row, raw_status, path, now),
    )


def customer(raw: object, *, now: datetime) -> Customer:
    """One account from REST or webhook JSON.

    Our own meta data (the rung) is not part of it: when a write of ours comes back, only ``updated_at`` differs.
    """
    row = obj(raw, "customer")
    number = identity(row, "customer")
    path = f"customers/{number}"
    billing, extra = part(row, "billing"), meta(row)
    consent, source = _stated_consent(extra)
    return Customer(
        external_id=number,
        email=email(row) or email(billing),
        first_name=text(row, "first_name") or text(billing, "first_name"),
        last_name=text(row, "last_name") or text(billing, "last_name"),
        phone=text(billing, "phone", 60) or None,
        country=_country(billing),
        language=_language(extra),
        created_at=moment(row, "date_created_gmt", path, now),
        updated_at=moment(row, "date_modified_gmt", path, now),
        birthday=day(extra.get("tangga_birthday")),
        consent=consent,
        consent_at=instant(extra.get("tangga_consent_at"), now) if consent else None,
        consent_source=source,
        member_since=day(extra.get("tangga_member_since")),
        member_number=extra.get("tangga_member_number") or None,
        referred_by=extra.get("tangga_referred_by") or None,
    )


def is_staff(raw: object) -> bool:
    """True for an account of somebody who runs the shop."""
    return isinstance(raw, dict) and raw.get("role") in STAFF


def _status(row: Row, path: str, now: datetime) -> tuple[OrderStatus, str, bool]:
    """(our status, the shop's own word, paid?). A state of the shop's own making is paid if it has a payment time."""
    raw = text(row, "status", 60).removeprefix("wc-")
    if not raw:
        raise BadPayload("The order has no status.", path=f"{path}.status")
    status = STATUSES.get(raw, OrderStatus.UNKNOWN)
    if status is OrderStatus.UNKNOWN:
        return status, raw, moment(row, "date_paid_gmt", path, now) is not None
    if raw == "pending" and text(row, "payment_method", 60) not in BY_HAND:
        raw = AT_THE_TILL
    return status, raw, status in PAID


def _way_back(row: Row, raw_status: str, path: str, now: datetime) -> tuple[str, datetime] | None:
    """Where an order can be paid that still waits for its money. A shop throws a draft away when it is a day old."""
    kept, url = UNPAID.get(raw_status), web_address(text(row, "payment_url", 2000))
    changed = moment(row, "date_modified_gmt", path, now) or moment(row, "date_created_gmt", path, now)
    return (url, changed + kept) if kept and url and changed and row.get("needs_payment") is not False else None


def _line(row: Row, path: str, code: str) -> OrderLine:
    total = money(row, "total", code, path)
    before = money(row, "subtotal", code, path)
    return OrderLine(
        external_id=identity(row, path),
        title=title(row, "name"),
        quantity=_quantity(row, path),
        total_minor=total,
        product_external_id=reference(row, "product_id"),
        variant_external_id=reference(row, "variation_id"),
        sku=text(row, "sku", 100) or None,
        discount_minor=max(before - total, 0),
    )


def _quantity(row: Row, path: str) -> Decimal:
    value = row.get("quantity")
    return Decimal(0) if value in (None, "") else decimal(value, f"{path}.quantity")


def refund_told(row: Row, now: datetime) -> RefundTold | None:
    """A row of the list of refunds; None where it tells no time."""
    made = moment(row, "date_created_gmt", "refunds", now)
    if made is None:
        return None
    # A refund's lines are negative.
    shipping = _lines_worth(row, ("shipping_lines",), ("total",))
    named = _lines_worth(row, ("line_items", "shipping_lines", "fee_lines"), ("total", "total_tax"))
    return RefundTold(made, abs(shipping), abs(named))


def _lines_worth(row: Row, kinds: Sequence[str], fields: Sequence[str]) -> Decimal:
    lines = (pair for kind in kinds for pair in objects(row, kind, "refunds"))
    return sum((decimal(line.get(name) or 0, place) for line, place in lines for name in fields), Decimal(0))


def _refunds(row: Row, path: str, code: str, told: Mapping[str, RefundTold], total: int) -> tuple[Refund, ...]:
    """The refunds with what of them was for shipping: as the shop names it, and of mere sums their share."""
    found: list[tuple[Refund, int]] = []
    for item, place in objects(row, "refunds", path):
        number = identity(item, place)
        # Inside an order the total is negative, in the list of refunds the amount is positive. We keep it positive.
        name = "total" if item.get("total") not in (None, "") else "amount"
        amount, known = abs(money(item, name, code, place, required=True)), told.get(number)
        if known is None:
            found.append((Refund(number, amount), amount))
            continue
        shipping = min(amount, minor_units(known.shipping, code))
        named = max(minor_units(known.named, code), shipping)
        found.append((Refund(number, amount, known.at, shipping), max(amount - named, 0)))
    return _with_sums(found, total, money(row, "shipping_total", code, path)) if found else ()


def _with_sums(found: Sequence[tuple[Refund, int]], total: int, shipping: int) -> tuple[Refund, ...]:
    """The refunds, each given with what of it names nothing, with their shares in the shipping."""
    told = sum(refund.shipping_minor for refund, _ in found)
    back = sum(refund.amount_minor - loose for refund, loose in found)
    sums, shared, refunds = 0, 0, list[Refund]()
    for refund, loose in found:
        sums += loose
        share = shipping_in_sum(sums, total=total, back=back + sums, shipping=shipping, shipping_back=told) - shared
        shared += share
        refunds.append(replace(refund, shipping_minor=refund.shipping_minor + share) if share else refund)
    return tuple(refunds)


def _codes(row: Row, path: str) -> tuple[str, ...]:
    found = (text(line, "code", 100).lower() for line, _ in objects(row, "coupon_lines", path))
    return tuple(dict.fromkeys(code for code in found if code))


def _full_name(billing: Row) -> str | None:
    return f"{text(billing, 'first_name')} {text(billing, 'last_name')}".strip() or None


def _country(billing: Row) -> str | None:
    code = text(billing, "country", 2).upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def _language(extra: Mapping[str, str]) -> str | None:
    for key in LANGUAGE_KEYS:
        code = extra.get(key, "").replace("_", "-").partition("-")[0].lower()
        if 2 <= len(code) <= 3 and code.isascii() and code.isalpha():
            return code
    return None


def _consent(word: str | None) -> str | None:
    return CONSENT.get(word.strip().lower()) if word else None


def _stated_consent(extra: Mapping[str, str]) -> tuple[str | None, str | None]:
    """(consent, where it comes from). Never assumed: without a word about it, both are None."""
    own = _consent(extra.get("tangga_consent"))
    if own:
        return own, extra.get("tangga_consent_source") or None
    other = _consent(extra.get(MAILCHIMP))
    return other, "mailchimp" if other else None
