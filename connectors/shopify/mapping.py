"""Shopify's orders and customers in our words, by table. Unreadable rows raise ``BadPayload`` naming the place.

Personal data may be missing anywhere: Shopify hides it from apps that are not approved for it. ``now`` bounds what
times can be true. The caller decides what a fault costs: a walk lists it and goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from connectors.errors import BadPayload
from connectors.refunds import shipping_in_sum
from connectors.shopify.values import (
    Row,
    country,
    currency,
    day,
    identity,
    language,
    meta,
    moment,
    money,
    number_of,
    obj,
    part,
    reference,
    rows,
    text,
)
from connectors.types import Customer, Order, OrderLine, OrderStatus, Refund

# (what the order is, whether it was paid). Paid in part is not paid: an order counts once all of it came in.
STATUSES = {
    "AUTHORIZED": (OrderStatus.PENDING, False),
    "EXPIRED": (OrderStatus.FAILED, False),
    "PAID": (OrderStatus.PAID, True),
    "PARTIALLY_PAID": (OrderStatus.PENDING, False),
    "PARTIALLY_REFUNDED": (OrderStatus.PAID, True),
    "PENDING": (OrderStatus.PENDING, False),
    "REFUNDED": (OrderStatus.REFUNDED, True),
    "VOIDED": (OrderStatus.CANCELLED, False),
}
CONSENT = {"SUBSCRIBED": "subscribed", "UNSUBSCRIBED": "unsubscribed", "PENDING": "pending"}
REFERRED_BY = "tangga_referred_by"
SENT = frozenset({"", "FULFILLED", "MARKED_AS_FULFILLED", "SUBMITTED", "DELIVERED", "PICKED_UP"})
"""What a parcel is called that nobody tracks, or that has come."""
LOST = frozenset({"LOST", "ACCEPTED"})
"""How a chargeback ends whose money the shop does not see again."""
CHARGED_BACK = "-chargeback"
"""How the id of a refund ends that stands for money which the buyer's bank took back."""
REST = "-rest"
"""How the id of a refund ends that stands for money which no refund of the order accounts for."""


def order(raw: object, *, now: datetime, lines: Sequence[Any] | None = None) -> Order:
    """One order from GraphQL. ``lines`` are its line items where they were read apart (bulk, very long orders).

    What the buyer's bank took back, and the shop lost or left, is money given back: Shopify goes on to call it paid.

    ``total_minor`` is what was agreed, and does not shrink when money goes back; refunds stand beside it. Where goods
    were taken off by an edit and nothing was paid back for them, the total is what is left: it was never owed.
    """
    row = obj(raw, "order")
    number = identity(row, "Order", "orders")
    path = f"orders/{number}"
    code = currency(row, "currencyCode", path)
    status, raw_status, paid = _status(row, path, code, now)
    refunds = _refunds(row, path, code, now)
    billing, shipping = part(row, "billingAddress"), part(row, "shippingAddress")
    items = rows(row, "lineItems", path) if lines is None else lines
    total = _total(row, path, code, refunds)
    if status is OrderStatus.PAID and _charged_back(row, path):
        rest = total - sum(refund.amount_minor for refund in refunds)
        refunds += (Refund(f"{number}{CHARGED_BACK}", rest),) if rest > 0 else ()
        status, raw_status = OrderStatus.REFUNDED, f"charged back {raw_status}"
    return Order(
        external_id=number,
        number=text(row, "name", 60) or f"#{number}",
        status=status,
        raw_status=raw_status,
        paid=paid,
        placed_at=_placed(row, path, now),
        updated_at=moment(row, "updatedAt", path, now),
        currency=code,
        total_minor=total,
        customer_external_id=reference(row, "customer", "Customer"),
        email=_email(text(row, "email", 320)),
        name=text(billing, "name") or text(shipping, "name") or None,
        phone=text(row, "phone", 60) or text(billing, "phone", 60) or None,
        country=country(billing) or country(shipping),
        language=language(text(row, "customerLocale", 20)),
        discount_minor=money(row, "totalDiscountsSet", code, path),
        shipping_minor=money(row, "totalShippingPriceSet", code, path),
        tax_minor=money(row, "totalTaxSet", code, path),
        coupon_codes=_codes(row, path),
        lines=tuple(_line(item, path, index, code) for index, item in enumerate(items)),
        refunds=refunds,
        source=text(row, "sourceName", 60) or None,
        referred_by=meta(row, "referredBy") or _attribute(row, REFERRED_BY, path),
        test=row.get("test") is True,
        # The box at the till, ticked. Not ticked says nothing: a subscriber need not tick it again.
        consent="subscribed" if row.get("customerAcceptsMarketing") is True else None,
        delivered_at=_delivered(row, path, now),
    )


def customer(raw: object, *, now: datetime) -> Customer:
    """One customer from GraphQL. Consent is that of the default e-mail address, the only one Shopify mails to."""
    row = obj(raw, "customer")
    number = identity(row, "Customer", "customers")
    path = f"customers/{number}"
    mail = part(row, "defaultEmailAddress")
    consent = CONSENT.get(text(mail, "marketingState", 20))
    level = text(mail, "marketingOptInLevel", 40).lower()
    return Customer(
        external_id=number,
        email=_email(text(mail, "emailAddress", 320)),
        first_name=text(row, "firstName"),
        last_name=text(row, "lastName"),
        phone=text(part(row, "defaultPhoneNumber"), "phoneNumber", 60) or None,
        country=country(part(row, "defaultAddress")),
        language=language(text(row, "locale", 20)),
        created_at=moment(row, "createdAt", path, now),
        updated_at=moment(row, "updatedAt", path, now),
        birthday=day(meta(row, "birthday")),
        consent=consent,
        consent_at=moment(mail, "marketingUpdatedAt", path, now) if consent else None,
        consent_source=f"shopify {level}".strip() if consent else None,
        member_since=day(meta(row, "memberSince")),
        member_number=meta(row, "memberNumber") or None,
        referred_by=meta(row, "referredBy") or None,
        tags=tuple(tag for tag in row.get("tags") or () if isinstance(tag, str)),
    )


def _status(row: Row, path: str, code: str, now: datetime) -> tuple[OrderStatus, str, bool]:
    """(our status, Shopify's own word, paid?). A cancelled order is cancelled, whatever was paid for it.

    What was paid in full stays paid where an edit put more on it that is yet to come in.
    """
    raw = text(row, "displayFinancialStatus", 60)
    # An order of no money at all has no financial status; it is as good as paid, and counts for nothing anyway.
    status, paid = STATUSES.get(raw, (OrderStatus.UNKNOWN, False)) if raw else (OrderStatus.PAID, True)
    agreed = money(row, "totalPriceSet", code, path) if raw == "PARTIALLY_PAID" else 0
    if agreed > 0 and money(row, "totalReceivedSet", code, path) >= agreed:
        status, paid = OrderStatus.PAID, True
    if moment(row, "cancelledAt", path, now) is not None:
        return OrderStatus.CANCELLED, f"cancelled {raw}".strip().lower(), paid
    return status, raw.lower() or "none", paid


def _placed(row: Row, path: str, now: datetime) -> datetime:
    placed = moment(row, "processedAt", path, now) or moment(row, "createdAt", path, now)
    if placed is None:
        raise BadPayload("The order has no time.", path=f"{path}.processedAt")
    return placed


def _total(row: Row, path: str, code: str, refunds: tuple[Refund, ...]) -> int:
    agreed = money(row, "totalPriceSet", code, path)
    if agreed < 0:
        raise BadPayload("The total of an order cannot be negative.", path=f"{path}.totalPriceSet")
    back = sum(refund.amount_minor for refund in refunds)
    if part(row, "currentTotalPriceSet") and row.get("cancelledAt") is None:
        # What is left of the order by Shopify's own count; more than agreed minus refunds is an edit not yet paid.
        left = money(row, "currentTotalPriceSet", code, path)
        return min(agreed, left + back)
    return agreed


def _refunds(row: Row, path: str, code: str, now: datetime) -> tuple[Refund, ...]:
    """The refunds that moved money. Where the order names more money than its refunds do, the rest is one more."""
    found = [
        _refund(item, f"{path}.refunds[{index}]", code, now) for index, item in enumerate(rows(row, "refunds", path))
    ]
    told = money(row, "totalRefundedSet", code, path)
    if not (found or told):
        return ()
    rest = told - sum(refund.amount_minor for refund in found)
    if rest > 0:
        found.append(Refund(f"{identity(row, 'Order', path)}{REST}", rest))
    moved = [refund for refund in found if refund.amount_minor > 0]
    return _for_shipping(moved, _shipping_back(row, path, code, sum(refund.amount_minor for refund in moved)))


def _shipping_back(row: Row, path: str, code: str, back: int) -> int:
    """What of ``back`` was for shipping: what is named so, and the share in what names neither goods nor shipping.

    The discrepancy is below zero by what was given back beyond the lines and the shipping that refunds name.
    """
    named = money(row, "totalRefundedShippingSet", code, path)
    loose = min(max(-money(row, "refundDiscrepancySet", code, path), 0), back - named)
    total, shipping = (money(row, name, code, path) for name in ("totalPriceSet", "totalShippingPriceSet"))
    return named + shipping_in_sum(loose, total=total, back=back, shipping=shipping, shipping_back=named)


def _for_shipping(refunds: Sequence[Refund], shipping: int) -> tuple[Refund, ...]:
    """The refunds with what of them was for shipping. Shopify tells the sum: the newest are taken to hold it."""
    told, left = list[Refund](), max(shipping, 0)
    for refund in reversed(refunds):
        part = min(left, refund.amount_minor)
        told.append(replace(refund, shipping_minor=part) if part else refund)
        left -= part
    return tuple(reversed(told))


def _charged_back(row: Row, path: str) -> bool:
    found = (obj(one, f"{path}.disputes") for one in rows(row, "disputes", path))
    return any(one.get("initiatedAs") == "CHARGEBACK" and one.get("status") in LOST for one in found)


def _refund(raw: object, path: str, code: str, now: datetime) -> Refund:
    row = obj(raw, path)
    amount = money(row, "totalRefundedSet", code, path)
    at = moment(row, "processedAt", path, now) or moment(row, "createdAt", path, now)
    return Refund(identity(row, "Refund", path), amount, at)


def _line(raw: object, path: str, index: int, code: str) -> OrderLine:
    try:
        row: Any = raw
        product, variant, amount, off = row["product"], row["variant"], row[_AMOUNT], row[_TAKEN_OFF]
        goods = _goods_known(
            row["title"], row["variantTitle"], row["sku"], row["quantity"], product and product["id"],
            variant and variant["id"], amount["shopMoney"]["amount"], off["shopMoney"]["amount"], code,
        )  # fmt: skip
        return OrderLine(identity(row, "LineItem", path), *goods)
    except (KeyError, TypeError, BadPayload):
        # Something is missing or out of the ordinary: looked at field by field, so that a fault names its place.
        path = f"{path}.lineItems[{index}]"
        row = obj(raw, path)
        return OrderLine(identity(row, "LineItem", path), *_goods(row, path, code))


_AMOUNT, _TAKEN_OFF = "priceAfterAllDiscountsBeforeTaxesSet", "totalDiscountSet"
_Goods = tuple[str, Decimal, int, str | None, str | None, str | None, int]
"""A line but for its id."""


@lru_cache(maxsize=1 << 13, typed=True)
def _goods_known(
    title: Any, of_variant: Any, sku: Any, quantity: Any, product: Any, variant: Any, amount: Any, off: Any, code: str
) -> _Goods:
    """The same goods are bought again and again for the same price: most lines have been read before."""
    row = {
        "title": title, "variantTitle": of_variant, "sku": sku, "quantity": quantity, "product": {"id": product},
        "variant": {"id": variant}, _AMOUNT: {"shopMoney": {"amount": amount}},
        _TAKEN_OFF: {"shopMoney": {"amount": off}},
    }  # fmt: skip
    return _goods(row, "", code)


def _goods(row: Row, path: str, code: str) -> _Goods:
    quantity = row.get("quantity")
    if not isinstance(quantity, int) or isinstance(quantity, bool):
        raise BadPayload("This is not a quantity.", path=f"{path}.quantity")
    title, variant = text(row, "title"), text(row, "variantTitle")
    return (
        f"{title} - {variant}"[:200] if variant and variant != "Default Title" else title,
        Decimal(quantity),
        money(row, _AMOUNT, code, path),
        reference(row, "product", "Product"),
        reference(row, "variant", "ProductVariant"),
        text(row, "sku", 100) or None,
        money(row, _TAKEN_OFF, code, path),
    )


def _delivered(row: Row, path: str, now: datetime) -> datetime | None:
    """When the last parcel arrived; when it was sent off, where no carrier tells more. None while one is on its way."""
    if row.get("displayFulfillmentStatus") != "FULFILLED":
        return None
    last: datetime | None = None
    for one in rows(row, "fulfillments", path):
        parcel = one if isinstance(one, dict) else obj(one, f"{path}.fulfillments")
        if parcel.get("status") != "SUCCESS":
            continue
        came = moment(parcel, "deliveredAt", path, now)
        if came is None and text(parcel, "displayStatus", 40) in SENT:
            came = moment(parcel, "createdAt", path, now)
        if came is None:
            return None
        last = came if last is None or came > last else last
    return last


def _codes(row: Row, path: str) -> tuple[str, ...]:
    found = (code.strip().lower()[:255] for code in rows(row, "discountCodes", path) if isinstance(code, str))
    return tuple(dict.fromkeys(code for code in found if code))


def _attribute(row: Row, key: str, path: str) -> str | None:
    """What a theme wrote to the cart under ``key``."""
    for entry in rows(row, "customAttributes", path):
        if isinstance(entry, dict) and entry.get("key") == key:
            return text(entry, "value") or None
    return None


def _email(value: str) -> str | None:
    return value if "@" in value else None


def order_of(raw: object) -> str | None:
    """The number of the order in a raw row, however bad the rest of it is."""
    return number_of(raw.get("id"), "Order") if isinstance(raw, dict) else None


def customer_of(raw: object) -> str | None:
    """The number of the customer in a raw row."""
    return number_of(raw.get("id"), "Customer") if isinstance(raw, dict) else None
