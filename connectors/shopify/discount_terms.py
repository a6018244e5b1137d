"""What a personal code must be worth, and whether a discount of the shop is exactly that.

A personal code belongs to one customer of the shop (``context.customers``): without one Shopify would let everybody use
it. So a spec without a known customer is refused, and what the shop made of it is read back and compared in all that
gives it worth: the person, the amount, what it is taken off, the minimum, the number of uses, the end, and with what
else it may be combined.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.code_worth import worth_refusal
from connectors.shopify import buy_get
from connectors.shopify.discount_goods import goods_of, items, told_goods
from connectors.shopify.values import gid, is_number, number_of, part, rows
from connectors.types import CodeSpec, DiscountKind, Money

Json = Mapping[str, Any]

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,254}")
TAG = "tangga"
"""Marks a discount as ours; a shop's own discount of the same code is left alone."""
PERSONAL = "tangga-personal"
"""Marks a personal code, so that none is ever taken for an offer to many, or the other way round."""
ALONE = {"orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": False}
"""A personal code is worth what its offer says, and no more by standing beside another."""
EARLIER = timedelta(minutes=5)
MOST_PRODUCTS = 50
FORMS = {DiscountKind.FREE_SHIPPING: "DiscountCodeFreeShipping", DiscountKind.BUY_GET: "DiscountCodeBxgy"}
BASIC = "DiscountCodeBasic"


def refusal(spec: CodeSpec, *, currency: str, now: datetime) -> str:
    """Why this spec must not be sent, as a sentence; empty where it may. ``currency`` is the shop's."""
    if not CODE.fullmatch(spec.code):
        return "A code has 3 to 255 letters, digits, - or _."
    if "@" not in spec.email:
        return "There is no e-mail address, and without a customer the code would be open to everybody."
    if spec.expires_at.tzinfo is None or spec.expires_at <= now:
        return "The code would have expired already."
    if spec.usage_limit < 1:
        return "A usage limit of 0 means no limit. Give at least 1."
    if fault := buy_get.refusal(spec) if spec.kind is DiscountKind.BUY_GET else _goods_refusal(spec):
        return fault
    return worth_refusal(spec, currency)


def _goods_refusal(spec: CodeSpec) -> str:
    reach, own = spec.reach, (*spec.product_external_ids, *spec.reach.variants)
    if len(own) > MOST_PRODUCTS:
        return f"A code can be for {MOST_PRODUCTS} products at most. Use a collection for more."
    if any(not is_number(number) for number in (*own, *reach.categories)):
        return "A product id is not a number."
    if own and reach.categories:
        return "Shopify takes products or collections, not both."
    return ""


def body(spec: CodeSpec, customer: str, *, now: datetime) -> dict[str, Any]:
    """The discount to ask the shop for, bound to the customer of this number."""
    common: dict[str, Any] = {
        "title": title(spec),
        "code": spec.code.upper(),
        # A little earlier, so that a clock behind ours does not hold the code back.
        "startsAt": written(now - EARLIER),
        "endsAt": written(spec.expires_at),
        "usageLimit": spec.usage_limit,
        "appliesOncePerCustomer": spec.usage_limit == 1,
        "context": {"customers": {"add": [gid("Customer", customer)]}},
        "combinesWith": combinations(spec),
        "tags": [TAG, PERSONAL],
    }
    if spec.kind is DiscountKind.BUY_GET:
        return common | buy_get.terms(spec)
    if spec.minimum_minor:
        least = Money(spec.minimum_minor, spec.currency).amount
        common["minimumRequirement"] = {"subtotal": {"greaterThanOrEqualToSubtotal": str(least)}}
    if spec.kind is DiscountKind.FREE_SHIPPING:
        return common | {"destination": {"all": True}}
    return common | {"customerGets": {"value": _value(spec), "items": _items(spec)}}


def combinations(spec: CodeSpec) -> dict[str, bool]:
    """With what else the code may be used in one order. Shopify never lets two discounts of shipping add up."""
    if not spec.combines:
        return ALONE
    return {name: name != "shippingDiscounts" or spec.kind is not DiscountKind.FREE_SHIPPING for name in ALONE}


def title(spec: CodeSpec) -> str:
    """How the discount is called in the shop's admin."""
    return f"Tangga {spec.description} {spec.code.upper()}".replace("  ", " ")[:255]


def written(moment: datetime) -> str:
    """An instant as Shopify takes it: UTC, whole seconds."""
    return f"{moment.astimezone(UTC).replace(microsecond=0):%Y-%m-%dT%H:%M:%SZ}"


def _value(spec: CodeSpec) -> dict[str, Any]:
    if spec.kind is DiscountKind.PERCENTAGE:
        return {"percentage": float(spec.value / 100)}
    # Once for the whole basket: an amount off each piece would be worth more the more is bought.
    return {"discountAmount": {"amount": str(spec.value), "appliesOnEachItem": False}}


def _items(spec: CodeSpec) -> dict[str, Any]:
    return items(spec.product_external_ids, spec.reach.variants, spec.reach.categories)


def is_personal(discount: Json) -> bool:
    """True where we made this discount as a personal code: it carries our tag for those."""
    return PERSONAL in (discount.get("tags") or ())


def differences(discount: Json, spec: CodeSpec, customer: str) -> list[str]:
    """In what the shop's ``discount`` is not what ``spec`` asked for; empty where it is the same offer."""
    told = {
        "kind": discount.get("__typename") == FORMS.get(spec.kind, BASIC),
        "code": _codes(discount) == [spec.code.upper()],
        "customer": _customers(discount) == [customer],
        "usage limit": discount.get("usageLimit") == spec.usage_limit,
        "end": _same_end(discount, spec),
        "combinations": {name: bool(part(discount, "combinesWith").get(name)) for name in ALONE} == combinations(spec),
    }
    gets = part(discount, "customerGets")
    if spec.kind is DiscountKind.BUY_GET:
        return [name for name, same in {**told, **buy_get.same(discount, spec)}.items() if not same]
    told["minimum"] = _minimum(discount) == _wanted_minimum(spec)
    if spec.kind is not DiscountKind.FREE_SHIPPING:
        told["amount"] = _same_value(part(gets, "value"), spec)
        wanted = told_goods(spec.product_external_ids, spec.reach.variants, spec.reach.categories)
        told["products"] = goods_of(part(gets, "items")) == wanted
    return [name for name, same in told.items() if not same]


def _codes(discount: Json) -> list[str]:
    count = part(discount, "codesCount").get("count")
    found = [str(code.get("code")).upper() for code in rows(discount, "codes", "discount") if isinstance(code, dict)]
    return [*found, "more"] if isinstance(count, int) and count > len(found) else found


def _customers(discount: Json) -> list[str]:
    context = part(discount, "context")
    if context.get("__typename") != "DiscountCustomers":
        return ["everybody"]
    found = rows(context, "customers", "discount")
    return [number_of(one.get("id"), "Customer") or "?" for one in found if isinstance(one, dict)]


def _same_end(discount: Json, spec: CodeSpec) -> bool:
    try:
        told = datetime.fromisoformat(str(discount.get("endsAt")))
    except ValueError:
        return False
    if told.tzinfo is None:
        return False
    return abs(told - spec.expires_at.astimezone(UTC).replace(microsecond=0)) <= timedelta(seconds=1)


def _wanted_minimum(spec: CodeSpec) -> tuple[str, Decimal | None, str]:
    if not spec.minimum_minor:
        return ("", None, "")
    return ("DiscountMinimumSubtotal", Money(spec.minimum_minor, spec.currency).amount, spec.currency)


def _minimum(discount: Json) -> tuple[str, Decimal | None, str]:
    least = part(discount, "minimumRequirement")
    money = part(least, "greaterThanOrEqualToSubtotal")
    return (str(least.get("__typename") or ""), _number(money.get("amount")), str(money.get("currencyCode") or ""))


def _same_value(value: Json, spec: CodeSpec) -> bool:
    if spec.kind is DiscountKind.PERCENTAGE:
        told = _number(value.get("percentage"))
        # The share travels as a binary fraction.
        return told is not None and abs(told - spec.value / 100) < Decimal("0.0000001")
    money = part(value, "amount")
    same = _number(money.get("amount")) == spec.value and money.get("currencyCode") == spec.currency
    return same and value.get("appliesOnEachItem") is False


def _number(value: Any) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
