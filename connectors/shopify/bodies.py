"""An order, or a customer, as a webhook's body tells it, in the shape in which the API would.

Bodies are in the older REST form. They are used where reading afresh could find nothing: without ``read_all_orders``
Shopify shows an order for 60 days only, and still tells when an older one is changed or refunded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.errors import BadPayload
from connectors.shopify import mapping
from connectors.shopify.values import decimal, number_of, part, rows
from connectors.types import Customer

Json = Mapping[str, Any]
MONEY = {
    "totalPriceSet": "total_price_set",
    "currentTotalPriceSet": "current_total_price_set",
    "totalDiscountsSet": "total_discounts_set",
    "totalShippingPriceSet": "total_shipping_price_set",
    "totalTaxSet": "total_tax_set",
}
PATH = "body"


def order_row(body: Json) -> dict[str, Any]:
    """The body of an order's webhook as ``mapping.order`` reads it. Raises ``BadPayload``."""
    buyer = number_of(part(body, "customer").get("id"))
    refunds = [_refund(row) for row in rows(body, "refunds", PATH) if isinstance(row, dict)]
    back = sum((Decimal(row["totalRefundedSet"]["shopMoney"]["amount"]) for row in refunds), Decimal(0))
    return {
        "id": f"gid://shopify/Order/{number_of(body.get('id'))}",
        "name": body.get("name"),
        "createdAt": body.get("created_at"),
        "processedAt": body.get("processed_at"),
        "updatedAt": body.get("updated_at"),
        "cancelledAt": body.get("cancelled_at"),
        "test": body.get("test"),
        "email": body.get("email") or body.get("contact_email"),
        "phone": body.get("phone"),
        "displayFinancialStatus": str(body.get("financial_status") or "").upper() or None,
        "currencyCode": body.get("currency"),
        "customerLocale": body.get("customer_locale"),
        "customerAcceptsMarketing": body.get("buyer_accepts_marketing"),
        "customer": {"id": buyer} if buyer else None,
        "billingAddress": _address(part(body, "billing_address")),
        "shippingAddress": _address(part(body, "shipping_address")),
        "customAttributes": [
            {"key": row.get("name"), "value": row.get("value")}
            for row in rows(body, "note_attributes", PATH)
            if isinstance(row, dict)
        ],
        "discountCodes": [row.get("code") for row in rows(body, "discount_codes", PATH) if isinstance(row, dict)],
        "sourceName": body.get("source_name"),
        "displayFulfillmentStatus": str(body.get("fulfillment_status") or "").upper() or None,
        "fulfillments": [_parcel(row) for row in rows(body, "fulfillments", PATH) if isinstance(row, dict)],
        "refunds": refunds,
        "totalRefundedSet": _bag(back),
        "totalRefundedShippingSet": _bag(_shipping_back(body)),
        "refundDiscrepancySet": _bag(_discrepancy(body)),
        "totalReceivedSet": _received(body),
        "lineItems": [_line(row, body) for row in rows(body, "line_items", PATH) if isinstance(row, dict)],
        **{name: _set(body, old) for name, old in MONEY.items()},
    }


def _parcel(row: Json) -> dict[str, Any]:
    # A body does not say when a parcel came, and ``updated_at`` moves with whatever anybody writes to it, months later
    # too: the moment it was sent off stands for both.
    return {
        "status": str(row.get("status") or "").upper(),
        "displayStatus": str(row.get("shipment_status") or "").upper(),
        "createdAt": row.get("created_at"),
        "deliveredAt": None,
    }


def customer(body: Json, *, now: datetime) -> Customer | None:
    """Who the body of a customer's webhook is about, as far as it tells: neither consent nor tags nor our metafields.

    Only to be compared with what is known; None where the body cannot be read or tells no time.
    """
    row = {
        "id": f"gid://shopify/Customer/{number_of(body.get('id'))}",
        "firstName": body.get("first_name"),
        "lastName": body.get("last_name"),
        "defaultEmailAddress": {"emailAddress": body.get("email")},
        "defaultPhoneNumber": {"phoneNumber": body.get("phone")},
        "defaultAddress": {"countryCodeV2": part(body, "default_address").get("country_code")},
        "updatedAt": body.get("updated_at"),
    }
    try:
        found = mapping.customer(row, now=now)
    except BadPayload:
        return None
    return found if found.updated_at else None


def _received(body: Json) -> dict[str, Any] | None:
    """What came in: what is left of the order less what is still owed. None where the body tells either not."""
    left, owed = part(part(body, "current_total_price_set"), "shop_money").get("amount"), body.get("total_outstanding")
    if left is None or owed is None:
        return None
    return _bag(decimal(left, PATH) - decimal(owed, PATH))


def _address(row: Json) -> dict[str, Any]:
    return {"name": row.get("name"), "countryCodeV2": row.get("country_code"), "phone": row.get("phone")}


def _bag(amount: Decimal) -> dict[str, Any]:
    return {"shopMoney": {"amount": str(amount)}}


def _set(row: Json, name: str) -> dict[str, Any] | None:
    money = part(part(row, name), "shop_money")
    return {"shopMoney": {"amount": money["amount"]}} if "amount" in money else None


def _refund(row: Json) -> dict[str, Any]:
    paid = [
        decimal(one.get("amount"), f"{PATH}.refunds")
        for one in rows(row, "transactions", PATH)
        if isinstance(one, dict) and one.get("kind") == "refund" and one.get("status") == "success"
    ]
    number = number_of(row.get("id"))
    return {
        "id": f"gid://shopify/Refund/{number}",
        "createdAt": row.get("created_at"),
        "processedAt": row.get("processed_at"),
        "totalRefundedSet": _bag(sum(paid, Decimal(0))),
    }


def _shipping_back(body: Json) -> Decimal:
    """What went back for shipping, as the refunds list it."""
    lines = (
        part(part(line, "subtotal_amount_set"), "shop_money").get("amount")
        for refund in rows(body, "refunds", PATH)
        if isinstance(refund, dict)
        for line in rows(refund, "refund_shipping_lines", PATH)
        if isinstance(line, dict)
    )
    return sum((decimal(one, f"{PATH}.refunds") for one in lines if one is not None), Decimal(0))


def _discrepancy(body: Json) -> Decimal:
    """What the refunds keep (or, below zero, give) beyond the lines and the shipping that they name."""
    found = (
        decimal(one.get(name) or 0, f"{PATH}.refunds")
        for refund in rows(body, "refunds", PATH)
        if isinstance(refund, dict)
        for one in rows(refund, "order_adjustments", PATH)
        if isinstance(one, dict) and one.get("kind") == "refund_discrepancy"
        for name in ("amount", "tax_amount")
    )
    return sum(found, Decimal(0))


def _line(row: Json, body: Json) -> dict[str, Any]:
    quantity = row.get("quantity")
    before = decimal(row.get("price"), f"{PATH}.line_items") * (quantity if isinstance(quantity, int) else 0)
    off = _total(row, "discount_allocations", "amount") or decimal(row.get("total_discount") or 0, f"{PATH}.line_items")
    tax = _total(row, "tax_lines", "price") if body.get("taxes_included") is True else Decimal(0)
    product, variant = number_of(row.get("product_id")), number_of(row.get("variant_id"))
    return {
        "id": f"gid://shopify/LineItem/{number_of(row.get('id'))}",
        "title": row.get("title"),
        "variantTitle": row.get("variant_title"),
        "sku": row.get("sku"),
        "quantity": quantity,
        "product": {"id": product} if product else None,
        "variant": {"id": variant} if variant else None,
        "priceAfterAllDiscountsBeforeTaxesSet": _bag(before - off - tax),
        "totalDiscountSet": _bag(off),
    }


def _total(row: Json, name: str, field: str) -> Decimal:
    found = (decimal(one.get(field), f"{PATH}.line_items") for one in rows(row, name, PATH) if isinstance(one, dict))
    return sum(found, Decimal(0))
