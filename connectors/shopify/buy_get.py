"""Personal codes that count pieces: buy so many (or for so much), get so many others for less (BXGY).

Shopify gives what is got to the cheapest fitting pieces of the basket, and puts nothing into it by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.shopify.discount_goods import goods_of, items, told_goods
from connectors.shopify.values import is_number, part
from connectors.types import CodeSpec, Money

Json = Mapping[str, Any]
MOST_PIECES = 99_999


def refusal(spec: CodeSpec) -> str:
    """Why these terms must not be sent, as a sentence; empty where they may."""
    reach = spec.reach
    named = (*spec.product_external_ids, *reach.variants, *reach.categories, *reach.get_products, *reach.get_variants)
    if any(not is_number(number) for number in named):
        return "A product id is not a number."
    if not (reach.get_products or reach.get_variants):
        return "Say which products the buyer gets: Shopify does not take all of them."
    if not 0 < reach.get <= MOST_PIECES or not 0 <= reach.buy <= MOST_PIECES:
        return "The numbers of pieces are between 1 and 99,999."
    if bool(reach.buy) == bool(spec.minimum_minor):
        return "Say how many pieces the buyer must buy, or for how much, one of the two."
    if reach.buy and not (spec.product_external_ids or reach.variants or reach.categories):
        return "Say which products the buyer must buy: Shopify does not count pieces of all goods."
    if reach.times < 1:
        return "Say how often the offer may be used in one order."
    if not reach.each_minor and not 0 < spec.value <= 100:
        return "A discount is more than 0 and at most 100 percent."
    return ""


def terms(spec: CodeSpec) -> dict[str, Any]:
    """The part of the input that says what is bought and got."""
    reach = spec.reach
    least = {"quantity": str(reach.buy)} if reach.buy else {"amount": str(_amount(spec.minimum_minor, spec))}
    effect = (
        {"amount": str(_amount(reach.each_minor, spec))}
        if reach.each_minor
        else {"percentage": float(spec.value / 100)}
    )
    return {
        "customerBuys": {
            "items": items(spec.product_external_ids, reach.variants, reach.categories),
            "value": least,
        },
        "customerGets": {
            "items": items(reach.get_products, reach.get_variants, ()),
            "value": {"discountOnQuantity": {"quantity": str(reach.get), "effect": effect}},
        },
        "usesPerOrderLimit": reach.times,
    }


def same(discount: Json, spec: CodeSpec) -> dict[str, bool]:
    """What a discount of the shop has in common with what was asked, by name."""
    reach, buys, gets = spec.reach, part(discount, "customerBuys"), part(discount, "customerGets")
    value = part(gets, "value")
    return {
        "bought goods": goods_of(part(buys, "items"))
        == told_goods(spec.product_external_ids, reach.variants, reach.categories),
        "bought pieces": _least(part(buys, "value"), spec),
        "products": goods_of(part(gets, "items")) == told_goods(reach.get_products, reach.get_variants, ()),
        "pieces": _number(part(value, "quantity").get("quantity")) == reach.get,
        "amount": _effect(part(value, "effect"), spec),
        "uses in an order": discount.get("usesPerOrderLimit") == reach.times,
    }


def _least(told: Json, spec: CodeSpec) -> bool:
    if spec.reach.buy:
        return told.get("__typename") == "DiscountQuantity" and _number(told.get("quantity")) == spec.reach.buy
    same = _number(told.get("amount")) == _amount(spec.minimum_minor, spec)
    return told.get("__typename") == "DiscountPurchaseAmount" and same


def _effect(told: Json, spec: CodeSpec) -> bool:
    if spec.reach.each_minor:
        money = part(told, "amount")
        right = money.get("currencyCode") == spec.currency
        return right and _number(money.get("amount")) == _amount(spec.reach.each_minor, spec)
    share = _number(told.get("percentage"))
    # The share travels as a binary fraction.
    return share is not None and abs(share - spec.value / 100) < Decimal("0.0000001")


def _amount(minor: int, spec: CodeSpec) -> Decimal:
    return Money(minor, spec.currency).amount


def _number(value: Any) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
