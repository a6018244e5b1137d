"""Abandoned checkouts: what was in the basket, whose it is, and the address that brings it back.

Elsewhere such a basket is an order that waits for its money; here it never becomes one. So it is told as an unpaid
order of its own, a draft: it takes no code and no money, and is gone once the buyer came back and paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from connectors.addresses import web_address
from connectors.base import BASKET
from connectors.errors import BadPayload
from connectors.shopify.values import currency, language, moment, money, number_of, obj, part, reference, rows, text
from connectors.types import Order, OrderLine, OrderStatus

KEPT = timedelta(days=30)
"""How long we send people back to a basket; the shop keeps it longer than anybody wants it."""


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """One line of an abandoned checkout; ``total_minor`` before discounts."""

    title: str
    quantity: int
    total_minor: int
    product_external_id: str | None
    variant_external_id: str | None
    sku: str | None
    image_url: str | None


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout that was begun; ``completed_at`` is set where it became an order after all.

    ``recovery_url`` opens the basket again: it is as good as a log-in, so it goes to its owner alone.
    """

    external_id: str
    created_at: datetime
    updated_at: datetime | None
    completed_at: datetime | None
    recovery_url: str
    customer_external_id: str | None
    email: str | None
    language: str | None
    currency: str
    total_minor: int
    discount_codes: tuple[str, ...]
    lines: tuple[CheckoutLine, ...]


def checkout(raw: object, *, now: datetime) -> Checkout:
    """One abandoned checkout from GraphQL. Raises ``BadPayload``."""
    row = obj(raw, "checkout")
    number = number_of(row.get("id"))
    path = f"checkouts/{number or '?'}"
    created = moment(row, "createdAt", path, now)
    if number is None or created is None:
        raise BadPayload("The checkout has no id or no time.", path=path)
    code = currency(part(part(row, "totalPriceSet"), "shopMoney"), "currencyCode", path)
    owner = part(row, "customer")
    email = text(part(owner, "defaultEmailAddress"), "emailAddress", 320)
    return Checkout(
        external_id=number,
        created_at=created,
        updated_at=moment(row, "updatedAt", path, now),
        completed_at=moment(row, "completedAt", path, now),
        recovery_url=web_address(text(row, "abandonedCheckoutUrl", 2000)),
        customer_external_id=reference(row, "customer", "Customer"),
        email=email or None,
        language=language(text(owner, "locale", 20)),
        currency=code,
        total_minor=money(row, "totalPriceSet", code, path),
        discount_codes=tuple(code for code in rows(row, "discountCodes", path) if isinstance(code, str)),
        lines=tuple(_line(item, code, path) for item in rows(row, "lineItems", path)),
    )


def unpaid(found: Checkout) -> Order | None:
    """The checkout as an order that was begun and not paid; None where nobody is known to have begun it."""
    if not (found.customer_external_id or found.email):
        return None
    open_still = found.completed_at is None
    return Order(
        external_id=f"{BASKET}{found.external_id}",
        number=f"#{found.external_id}",
        status=OrderStatus.DRAFT if open_still else OrderStatus.TRASHED,
        raw_status="abandoned checkout" if open_still else "recovered checkout",
        paid=False,
        placed_at=found.created_at,
        updated_at=found.updated_at,
        currency=found.currency,
        total_minor=found.total_minor,
        customer_external_id=found.customer_external_id,
        email=found.email,
        language=found.language,
        coupon_codes=tuple(dict.fromkeys(code.strip().lower()[:255] for code in found.discount_codes)),
        lines=tuple(
            OrderLine(
                external_id=str(place),
                title=line.title,
                quantity=Decimal(line.quantity),
                total_minor=line.total_minor,
                product_external_id=line.product_external_id,
                variant_external_id=line.variant_external_id,
                sku=line.sku,
            )
            for place, line in enumerate(found.lines)
        ),
        source="checkout",
        way_back=(found.recovery_url, found.created_at + KEPT) if open_still and found.recovery_url else None,
    )


def _line(raw: object, code: str, path: str) -> CheckoutLine:
    row = obj(raw, path)
    quantity = row.get("quantity")
    return CheckoutLine(
        title=text(row, "title"),
        quantity=quantity if isinstance(quantity, int) else 0,
        total_minor=money(row, "originalTotalPriceSet", code, path),
        product_external_id=reference(row, "product", "Product"),
        variant_external_id=reference(row, "variant", "ProductVariant"),
        sku=text(row, "sku", 100) or None,
        image_url=text(part(row, "image"), "url", 2000) or None,
    )
