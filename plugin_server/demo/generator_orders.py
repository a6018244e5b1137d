"""Baskets and orders: what is bought, how it is paid, what goes wrong with it, and what is sent back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from plugin_server.demo.generator_types import (
    Consent,
    Family,
    ShopCoupon,
    ShopLine,
    ShopOrder,
    ShopProduct,
    ShopRefund,
)

_FREE_SHIPPING_FROM = 250_000
_SHIPPING = 15_000
_DISCOUNTED = 0.30
_REFUNDED = {Family.FASHION: 0.04, Family.SUPPLEMENT: 0.01}
# Cash on delivery fails at the door more often than a transfer is called off.
_UNPAID = {"cod": ("failed", 0.08), "bacs": ("cancelled", 0.03), "qris": ("cancelled", 0.03)}


@dataclass(frozen=True, slots=True)
class _Sku:
    product_id: int
    variation_id: int
    price: int


@dataclass(frozen=True, slots=True)
class Buying:
    """Who orders what kind of thing when: the input to one order. ``email`` is as typed."""

    person: int
    customer_id: int
    email: str
    family: Family
    at: datetime
    worth: float
    nth: int
    referred_by: int | None
    consent: Consent | None


class Counter:
    """Takes orders; ids are given later, in the order of time."""

    def __init__(self, rng: Random, products: tuple[ShopProduct, ...], coupons: tuple[ShopCoupon, ...]) -> None:
        self._rng = rng
        self._coupons = coupons
        self._shelf = {family: _shelf(products, family) for family in Family}

    def sell(self, buying: Buying, now: datetime) -> list[ShopOrder]:
        """The order of one purchase, and now and then the failed attempt before it."""
        rng = self._rng
        payment = rng.choices(("bacs", "cod", "qris"), (45, 30, 25))[0]
        order = self._order(buying, payment, now)
        status, chance = _UNPAID[payment]
        if rng.random() >= chance:
            return [order]
        tried = order.created - timedelta(minutes=rng.randint(20, 2_000))
        attempt = replace(
            order, status=status, created=tried, modified=tried + timedelta(minutes=15), paid=None, completed=None,
            refunds=(), referred_by=None,
        )  # fmt: skip
        return [attempt, order]

    def abandon(self, buying: Buying) -> ShopOrder:
        """A basket left behind at the checkout."""
        lines = self._basket(buying.family, buying.worth, None)
        return ShopOrder(
            0, buying.person, buying.customer_id, buying.email, "checkout-draft", buying.at, buying.at, "", lines
        )

    def _order(self, buying: Buying, payment: str, now: datetime) -> ShopOrder:
        rng = self._rng
        coupon = rng.choice(self._coupons) if rng.random() < _DISCOUNTED else None
        lines = self._basket(buying.family, buying.worth, coupon)
        goods = sum(line.total for line in lines)
        paid = min(buying.at + timedelta(minutes=rng.randint(1, 40)), now)
        sent = buying.at + timedelta(hours=rng.randint(20, 90))
        completed = sent if sent <= now else None
        order = ShopOrder(
            id=0,
            person=buying.person,
            customer_id=buying.customer_id,
            email=buying.email,
            status="completed" if completed else "processing",
            created=buying.at,
            modified=completed or paid,
            payment=payment,
            lines=lines,
            shipping=0 if goods >= _FREE_SHIPPING_FROM else _SHIPPING,
            coupon=coupon.code if coupon else None,
            paid=paid,
            completed=completed,
            referred_by=buying.referred_by if buying.nth == 1 else None,
            consent=buying.consent if buying.customer_id == 0 else None,
        )
        if completed and rng.random() < _REFUNDED[buying.family]:
            return self._refunded(order, completed, buying.nth, now)
        return order

    def _refunded(self, order: ShopOrder, sent: datetime, nth: int, now: datetime) -> ShopOrder:
        """Send something back: one line, a sum for the trouble, or (never the first order) everything."""
        rng = self._rng
        at = sent + timedelta(hours=rng.randint(12, 200))
        if at > now:
            return order
        kind = rng.random()
        if nth > 1 and kind < 0.3:
            refund = ShopRefund(0, at, order.total, "Pesanan dikembalikan")
            return replace(order, status="refunded", modified=at, refunds=(refund,))
        if len(order.lines) > 1 and kind < 0.8:
            line = rng.randrange(len(order.lines))
            refund = ShopRefund(0, at, order.lines[line].total, "Ukuran tidak cocok", line)
        else:
            refund = ShopRefund(0, at, max(5_000, order.total // 10 // 1_000 * 1_000), "Kompensasi")
        return replace(order, modified=at, refunds=(refund,))

    def _basket(self, family: Family, worth: float, coupon: ShopCoupon | None) -> tuple[ShopLine, ...]:
        """SKUs whose sum comes near ``worth`` after the discount; at least one, at most twelve different ones."""
        rng = self._rng
        shelf = self._shelf[family]
        left = worth / (1 - coupon.amount / 100) if coupon and coupon.percent else worth
        picked: dict[_Sku, int] = {}
        while len(picked) < 12:
            affordable = [sku for sku in shelf if sku.price <= left + 15_000]
            if not affordable:
                break
            sku = rng.choice(affordable)
            picked[sku] = picked.get(sku, 0) + 1
            left -= sku.price
        if not picked:
            picked[min(shelf, key=lambda sku: sku.price)] = 1
        return _priced(picked, coupon)


def _shelf(products: tuple[ShopProduct, ...], family: Family) -> list[_Sku]:
    shelf: list[_Sku] = []
    for product in products:
        if product.family is family:
            shelf += [_Sku(product.id, size.id, size.price) for size in product.variations]
            if not product.variations:
                shelf.append(_Sku(product.id, 0, product.price))
    return shelf


def _priced(picked: dict[_Sku, int], coupon: ShopCoupon | None) -> tuple[ShopLine, ...]:
    lines = []
    amount_left = 0 if coupon is None or coupon.percent else coupon.amount
    for sku, quantity in picked.items():
        subtotal = sku.price * quantity
        discount = subtotal * coupon.amount // 100 if coupon and coupon.percent else min(amount_left, subtotal)
        amount_left -= 0 if coupon and coupon.percent else discount
        lines.append(ShopLine(sku.product_id, sku.variation_id, quantity, subtotal, subtotal - discount))
    return tuple(lines)
