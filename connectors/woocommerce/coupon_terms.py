"""What a personal code must be worth, and whether a coupon of the shop is exactly that.

A shop drops what it does not like without a word: an invalid address makes a coupon open to all, a bare date ends it a
day early, a thousands separator divides its worth by a thousand. So a spec is refused before it is sent, and what the
shop made of it is compared field by field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.code_worth import CENT, worth_refusal
from connectors.types import CodeSpec, DiscountKind, Money

MARK = "tangga_offer"
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,49}")
# The narrowest of what mail systems and WordPress take: whatever passes here, the shop keeps as a restriction.
LOCAL = r"[A-Za-z0-9!#$%&'+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'+/=?^_`{|}~-]+)*"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS = re.compile(rf"(?=.{{6,254}}$)(?=[^@]{{1,64}}@){LOCAL}@(?:{LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")


def refusal(spec: CodeSpec, *, currency: str, now: datetime) -> str:
    """Why this spec must not be sent, as a sentence; empty where it may. ``currency`` is the shop's."""
    if not CODE.fullmatch(spec.code):
        return "A code has 3 to 50 letters, digits, - or _."
    if not ADDRESS.fullmatch(spec.email):
        return "The e-mail address is not one the shop would keep, and without it the code would be open to everybody."
    if spec.expires_at.tzinfo is None or spec.expires_at <= now:
        return "The code would have expired already."
    if spec.usage_limit < 1:
        return "A usage limit of 0 means no limit to the shop. Give at least 1."
    if any(not (number.isascii() and number.isdigit()) for number in (*_goods(spec), *spec.reach.categories)):
        return "A product id is not a number."
    if spec.kind is DiscountKind.BUY_GET:
        return "This shop cannot count pieces. Offer a pack of them instead."
    return worth_refusal(spec, currency)


def amount(spec: CodeSpec) -> Decimal:
    """The coupon's amount: percent points or major units; 0 for free shipping alone."""
    return Decimal(0) if spec.kind is DiscountKind.FREE_SHIPPING else spec.value


def body(spec: CodeSpec) -> dict[str, Any]:
    """The coupon to ask the shop for. Amounts are plain text with two decimals, the end is UTC with its Z."""
    asked = {
        "code": spec.code.lower(),
        "discount_type": _type(spec),
        "amount": f"{amount(spec):.2f}",
        "free_shipping": spec.kind is DiscountKind.FREE_SHIPPING,
        "email_restrictions": [spec.email.lower()],
        "date_expires": f"{_end(spec):%Y-%m-%dT%H:%M:%S}Z",
        "usage_limit": spec.usage_limit,
        "individual_use": not spec.combines,
        "minimum_amount": f"{_minimum(spec):.2f}",
        "product_ids": sorted(int(number) for number in _goods(spec)),
        "limit_usage_to_x_items": _items(spec),
        "description": spec.description[:500],
        "meta_data": [{"key": MARK, "value": spec.code.lower()}],
    }
    categories = sorted(int(number) for number in spec.reach.categories)
    return asked | {"product_categories": categories} if categories else asked


def differences(coupon: Mapping[str, Any], spec: CodeSpec, asked: Mapping[str, Any] | None = None) -> list[str]:
    """The fields in which the shop's ``coupon`` is not what ``spec`` asked for; empty where it is the same offer.

    ``asked`` is the spec's ``body`` where it is at hand.
    """
    wanted = asked or body(spec)
    told = {
        "code": str(coupon.get("code", "")).lower() == wanted["code"],
        "status": coupon.get("status", "publish") == "publish",
        "discount_type": coupon.get("discount_type") == wanted["discount_type"],
        "amount": _number(coupon.get("amount")) == amount(spec),
        "free_shipping": bool(coupon.get("free_shipping")) == wanted["free_shipping"],
        "email_restrictions": _emails(coupon) == wanted["email_restrictions"],
        "date_expires": _same_end(coupon, spec),
        "usage_limit": coupon.get("usage_limit") == spec.usage_limit,
        "individual_use": bool(coupon.get("individual_use")) != spec.combines,
        "minimum_amount": _number(coupon.get("minimum_amount")) == _minimum(spec),
        "product_ids": _ids(coupon, "product_ids") == wanted["product_ids"],
        "product_categories": _ids(coupon, "product_categories") == wanted.get("product_categories", []),
        "limit_usage_to_x_items": (coupon.get("limit_usage_to_x_items") or None) == wanted["limit_usage_to_x_items"],
    }
    return [name for name, same in told.items() if not same]


def is_ours(coupon: Mapping[str, Any], spec: CodeSpec) -> bool:
    """True where we made this coupon for this very code: it carries our mark."""
    entries = coupon.get("meta_data")
    return any(
        isinstance(entry, dict) and entry.get("key") == MARK and entry.get("value") == spec.code.lower()
        for entry in (entries if isinstance(entries, list) else [])
    )


def _type(spec: CodeSpec) -> str:
    if spec.kind is not DiscountKind.FIXED:
        return "percent"
    return "fixed_product" if _goods(spec) or spec.reach.categories else "fixed_cart"


def _goods(spec: CodeSpec) -> tuple[str, ...]:
    # The shop keeps sizes of a product among the products.
    return (*spec.product_external_ids, *spec.reach.variants)


def _items(spec: CodeSpec) -> int | None:
    # An amount off a product counts for each piece in the cart: ten pieces would make the code worth ten times as much.
    return spec.reach.times or (1 if _type(spec) == "fixed_product" else None)


def _end(spec: CodeSpec) -> datetime:
    return spec.expires_at.astimezone(UTC).replace(microsecond=0)


def _minimum(spec: CodeSpec) -> Decimal:
    return Money(spec.minimum_minor, spec.currency).amount.quantize(CENT)


def _same_end(coupon: Mapping[str, Any], spec: CodeSpec) -> bool:
    try:
        told = datetime.fromisoformat(str(coupon.get("date_expires_gmt"))).replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(told - _end(spec)) <= timedelta(seconds=1)


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _emails(coupon: Mapping[str, Any]) -> list[str]:
    found = coupon.get("email_restrictions")
    return [str(address).lower() for address in found] if isinstance(found, list) else []


def _ids(coupon: Mapping[str, Any], name: str) -> list[int]:
    found = coupon.get(name)
    return sorted(number for number in found if isinstance(number, int)) if isinstance(found, list) else []
