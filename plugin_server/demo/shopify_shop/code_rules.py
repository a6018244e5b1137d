"""The judge at the till: whether a code holds for a basket and a shopper, and what it takes off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from plugin_server.demo.shopify_shop.discount_fields import status_of
from plugin_server.demo.shopify_shop.model import NOTHING, LineItem
from plugin_server.demo.shopify_shop.model_made import Discount, RedeemCode
from plugin_server.demo.shopify_shop.state import ShopState


class Refused(Exception):
    """A code that does not hold.

    ``kind`` is unknown, email, expired, limit, minimum, goods or alone; ``bound`` an amount.
    """

    def __init__(self, kind: str, bound: Decimal = NOTHING) -> None:
        super().__init__(kind)
        self.kind = kind
        self.bound = bound


@dataclass(frozen=True, slots=True)
class Taken:
    """What a code takes off each line, in their order, and whether the shipping is free."""

    discount: Discount
    code: RedeemCode
    off: tuple[Decimal, ...]
    free_shipping: bool = False


def judge(shop: ShopState, code: str, lines: Sequence[LineItem], *, email: str | None, shipping: Decimal) -> Taken:
    """Apply a code to undiscounted lines. Raises ``Refused``."""
    found = shop.discount_of(code)
    if found is None:
        raise Refused("unknown")
    discount, redeem = found
    if status_of(discount, shop.now()) != "ACTIVE":
        raise Refused("expired")
    _check_shopper(shop, discount, redeem, email)
    if discount.form == "FreeShipping":
        _check_minimum(discount, lines)
        if discount.maximum_shipping is not None and shipping > discount.maximum_shipping:
            raise Refused("goods")
        return Taken(discount, redeem, tuple(NOTHING for _ in lines), free_shipping=True)
    if discount.form == "Bxgy":
        return Taken(discount, redeem, tuple(_bxgy(shop, discount, lines)))
    entitled = [_entitled(shop, discount.gets["items"], line) for line in lines]
    if not any(entitled):
        raise Refused("goods")
    _check_minimum(discount, [line for line, good in zip(lines, entitled, strict=True) if good])
    return Taken(discount, redeem, tuple(_basic(discount.gets["value"], lines, entitled)))


MOST_CODES = 5
"""Codes for goods that an order takes; one for its shipping may come beside them."""


def together(
    shop: ShopState, codes: str, lines: Sequence[LineItem], *, email: str | None, shipping: Decimal
) -> tuple[Taken, ...]:
    """Several codes, entered one after another: each must be allowed beside all others. Raises ``Refused``."""
    taken: list[Taken] = []
    for word in filter(None, re.split(r"[,\s]+", codes)):
        one = judge(shop, word, lines, email=email, shipping=shipping)
        if any(not (_beside(one, other) and _beside(other, one)) for other in taken):
            raise Refused("alone")
        taken.append(one)
    if sum(not one.free_shipping for one in taken) > MOST_CODES or len(taken) > MOST_CODES + 1:
        raise Refused("alone")
    return tuple(taken)


def _class(one: Taken) -> str:
    if one.free_shipping:
        return "shippingDiscounts"
    whole = one.discount.form == "Basic" and one.discount.gets["items"].get("all")
    return "orderDiscounts" if whole else "productDiscounts"


def _beside(one: Taken, other: Taken) -> bool:
    return bool(one.discount.combines.get(_class(other)))


def off_lines(taken: Sequence[Taken], lines: Sequence[LineItem]) -> list[Decimal]:
    """What all take off each line: of those on products the best, then those on the order of what is left."""
    off = [NOTHING for _ in lines]
    for one in taken:
        if _class(one) == "productDiscounts":
            off = [max(pair) for pair in zip(off, one.off, strict=True)]
    for one in taken:
        if _class(one) == "orderDiscounts":
            worth = [line.unit_price * line.quantity - less for line, less in zip(lines, off, strict=True)]
            more = _worth_off(one.discount.gets["value"], worth, [line.quantity for line in lines])
            off = [less + extra for less, extra in zip(off, more, strict=True)]
    return off


def _check_shopper(shop: ShopState, discount: Discount, code: RedeemCode, email: str | None) -> None:
    who = (email or "").strip().lower()
    customer = shop.customer_by_email(who) if who else None
    if "customers" in discount.context and (customer is None or customer.id not in discount.context["customers"]):
        raise Refused("email")
    if "segments" in discount.context:
        raise Refused("email")
    # The limit counts per code where many codes share a discount.
    if discount.usage_limit is not None and len(code.uses) >= discount.usage_limit:
        raise Refused("limit")
    if discount.once_per_customer and who and any(who in one.uses.values() for one in discount.codes):
        raise Refused("limit")


def _check_minimum(discount: Discount, lines: Sequence[LineItem]) -> None:
    if "subtotal" in discount.minimum:
        bound = Decimal(discount.minimum["subtotal"])
        if sum((line.unit_price * line.quantity for line in lines), NOTHING) < bound:
            raise Refused("minimum", bound)
    if "quantity" in discount.minimum and sum(line.quantity for line in lines) < int(discount.minimum["quantity"]):
        raise Refused("goods")


def _entitled(shop: ShopState, items: dict[str, Any], line: LineItem) -> bool:
    if items.get("all"):
        return True
    product = shop.products.get(line.product_id or 0)
    groups = set(product.collection_ids) if product else set()
    return (
        line.product_id in items.get("products", ())
        or line.variant_id in items.get("variants", ())
        or bool(groups & set(items.get("collections", ())))
    )


def _basic(value: dict[str, Any], lines: Sequence[LineItem], entitled: Sequence[bool]) -> list[Decimal]:
    worth = [line.unit_price * line.quantity if good else NOTHING for line, good in zip(lines, entitled, strict=True)]
    return _worth_off(value, worth, [line.quantity for line in lines])


def _worth_off(value: dict[str, Any], worth: Sequence[Decimal], pieces: Sequence[int]) -> list[Decimal]:
    if "percentage" in value:
        share = Decimal(str(value["percentage"]))
        return [(one * share).quantize(Decimal(1), ROUND_FLOOR) for one in worth]
    amount = Decimal(value["amount"])
    if value.get("each"):
        return [min(amount * count, one) for count, one in zip(pieces, worth, strict=True)]
    total, left, off = sum(worth, NOTHING), min(amount, sum(worth, NOTHING)), []
    if not total:
        return [NOTHING for _ in worth]
    for one in worth:
        part = min(one, left, (min(amount, total) * one / total).quantize(Decimal(1), ROUND_FLOOR) + 1)
        off.append(part)
        left -= part
    return off


def _bxgy(shop: ShopState, discount: Discount, lines: Sequence[LineItem]) -> list[Decimal]:
    """Pieces bought first, dearest first; what is left and entitled is given, cheapest first."""
    pieces = sorted(
        ((line.unit_price, at) for at, line in enumerate(lines) for _ in range(line.quantity)), reverse=True
    )
    wanted, gets = discount.buys["value"], discount.gets["value"]
    rounds = discount.uses_per_order or 1_000
    off = [NOTHING for _ in lines]
    for _ in range(rounds):
        bought = _pick(shop, discount, lines, pieces, wanted)
        left = pieces.copy()
        for piece in bought:
            left.remove(piece)
        given = [piece for piece in reversed(left) if _entitled(shop, discount.gets["items"], lines[piece[1]])]
        given = given[: int(gets["quantity"])]
        if not bought or len(given) < int(gets["quantity"]):
            break
        for piece in given:
            left.remove(piece)
        pieces = left
        for price, at in given:
            effect = gets["effect"]
            share = Decimal(str(effect["percentage"])) if "percentage" in effect else None
            off[at] += price * share if share is not None else min(price, Decimal(effect["amount"]))
    if not any(off):
        raise Refused("goods")
    return off


def _pick(
    shop: ShopState, discount: Discount, lines: Sequence[LineItem], pieces: list[tuple[Decimal, int]],
    wanted: dict[str, Any],
) -> list[tuple[Decimal, int]]:  # fmt: skip
    """The pieces that fulfil the buying half, none where there are too few."""
    fitting = [piece for piece in pieces if _entitled(shop, discount.buys["items"], lines[piece[1]])]
    # Pieces that could be given for less are counted as bought only where the others do not do.
    fitting.sort(key=lambda piece: _entitled(shop, discount.gets["items"], lines[piece[1]]))
    if "quantity" in wanted:
        count = int(wanted["quantity"])
        return fitting[:count] if len(fitting) >= count else []
    bought, spent = [], NOTHING
    for piece in fitting:
        if spent >= Decimal(wanted["amount"]):
            break
        bought.append(piece)
        spent += piece[0]
    return bought if spent >= Decimal(wanted["amount"]) else []
