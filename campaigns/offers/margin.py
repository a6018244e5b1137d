"""What an offer costs, and whether anything is left of the margin. Money in minor units, shares as fractions of 1.

With d the share given away and m the margin before, so much more must be sold to earn the same: d ÷ (m − d); and so
many of the orders with the offer must be extra ones: d ÷ m.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from campaigns.offers.offer import (
    BringAFriend,
    BuyGet,
    Cashback,
    EarlyAccess,
    Fixed,
    FreeShipping,
    Gift,
    Offer,
    QuantityPrice,
    TeamDeal,
    deepest,
    inside,
    minimum_of,
    value_of,
)
from campaigns.offers.ware import Ware
from connectors.types import minor_units

_ZERO, _ONE = Decimal(0), Decimal(1)
ENOUGH: Final = Decimal("0.8")
"""With unit costs for a smaller share of the sales than this, a margin is a guess."""


@dataclass(frozen=True, slots=True)
class Trade:
    """What is known of the shop's trade: average order and shipping (minor units), margin share and its coverage.

    ``margin`` is 1 − cost ÷ price over what was sold and has a unit cost; None where no unit cost is known.
    ``covered`` is the share of sales that has one, 1 where nothing was sold. ``goods`` are those that the offer names,
    by its own words for them.
    """

    average_order_minor: int
    average_shipping_minor: int
    margin: Decimal | None
    covered: Decimal
    goods: Mapping[str, Ware] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The margin guard's finding. ``uplift`` is how much more must be sold to earn the same; ``extra`` which share of
    the orders with the offer must be ones that would not have come without it. ``covered`` is the share of sales that
    the margin rests on; 1 where the goods of the offer have costs of their own."""

    ok: bool
    sentence: str
    discount: Decimal
    margin: Decimal | None
    uplift: Decimal | None
    extra: Decimal | None = None
    covered: Decimal = _ONE
    mend: str = ""

    @property
    def refusal(self) -> str:
        """The sentence with how to mend it."""
        return f"{self.sentence} {self.mend}".rstrip()

    @property
    def guessed(self) -> bool:
        """Whether the margin rests on too few of the sales to be relied upon."""
        return self.margin is not None and self.covered < ENOUGH


@dataclass(frozen=True, slots=True)
class Deal:
    """One use of an offer at list prices: what its goods are worth, what is given, what they cost the shop."""

    worth_minor: int
    given_minor: int
    cost_minor: Decimal | None

    @property
    def depth(self) -> Decimal:
        """The share of the worth that is given away."""
        return min(Decimal(self.given_minor) / self.worth_minor, _ONE) if self.worth_minor else _ZERO


def liability(
    offer: Offer, currency: str, average_minor: int, *, rung: str | None = None, trade: Trade | None = None
) -> int:
    """What one code of the offer is expected to cost if used, in minor units; at least 1 so that budgets always end.

    ``average_minor`` is the customer's usual order (for free shipping: the shop's usual shipping). Kinds that name
    goods need ``trade`` with those; they count for as often as one order may use them.
    """
    if isinstance(offer, TeamDeal):
        shipping = trade.average_shipping_minor if trade and offer.gives == "free_shipping" else 0
        return offer.seats * liability(inside(offer), currency, shipping or average_minor)
    if isinstance(offer, BringAFriend):
        basis = max(average_minor, minor_units(minimum_of(offer), currency))
        return max(offer.friends * _share(basis, offer.percent + (offer.own or _ZERO)), 1)
    if isinstance(offer, FreeShipping):
        return max(average_minor, 1)
    if isinstance(offer, Fixed):
        return minor_units(value_of(offer, rung) or 0, currency)
    if isinstance(offer, QuantityPrice | BuyGet | Gift):
        given = max((deal.given_minor for deal in deals(offer, currency, trade)), default=0)
        return max(given * getattr(offer, "times", 1), 1)
    basis = max(average_minor, minor_units(minimum_of(offer), currency))
    if isinstance(offer, Cashback):
        return max(back(offer, currency, basis), 1)
    return max(_share(basis, value_of(offer, rung) or _ZERO), 1)


def _share(basis: int, percent: Decimal) -> int:
    return int((Decimal(basis) * percent / 100).to_integral_value(rounding=ROUND_HALF_UP))


def back(offer: Cashback, currency: str, basis: int) -> int:
    """What an order of ``basis`` minor units brings back."""
    amount = None if offer.amount is None else minor_units(offer.amount, currency)
    most = None if offer.most is None else minor_units(offer.most, currency)
    return back_of(offer.percent, amount, most, basis)


def back_of(percent: Decimal | None, amount_minor: int | None, most_minor: int | None, basis: int) -> int:
    """``amount_minor``, or ``percent`` of ``basis`` up to ``most_minor``; never more than ``basis``."""
    found = amount_minor if amount_minor is not None else _share(basis, percent or _ZERO)
    return min(found, basis if most_minor is None else most_minor, basis)


def deals(offer: Offer, currency: str, trade: Trade | None) -> list[Deal]:
    """One use of the offer with each of the goods it names that have a price; empty for kinds that name none."""
    goods = trade.goods if trade else {}
    usual = trade.margin if trade else None
    named = [goods[ref] for ref in getattr(offer, "products", ()) if ref in goods]
    if isinstance(offer, QuantityPrice):
        price = minor_units(offer.price, currency)
        return [_deal([(one, offer.pieces)], max(one.price_minor * offer.pieces - price, 0), usual) for one in named]
    if isinstance(offer, BuyGet):
        others = [goods[ref] for ref in offer.get_products if ref in goods]
        pairs = [(one, got) for one in named for got in (others if offer.get_products else [one])]
        return [_deal([(one, offer.buy), (got, offer.get)], got.price_minor * offer.get, usual) for one, got in pairs]
    if isinstance(offer, Gift) and offer.product in goods:
        gift, spent = goods[offer.product], minor_units(offer.spend, currency)
        other = Ware("", "", "", spent, None if usual is None else int(spent * (1 - usual)))
        return [_deal([(other, 1), (gift, 1)], gift.price_minor, usual)]
    return []


def _deal(parts: list[tuple[Ware, int]], given: int, usual: Decimal | None) -> Deal:
    """Goods without a cost of their own are taken to cost what the shop's goods do on the whole."""
    cost: Decimal | None = _ZERO
    for one, pieces in parts:
        each = _cost(one, usual)
        cost = None if cost is None or each is None else cost + each * pieces
    return Deal(sum(one.price_minor * pieces for one, pieces in parts), given, cost)


def _cost(one: Ware, usual: Decimal | None) -> Decimal | None:
    if one.cost_minor is not None:
        return Decimal(one.cost_minor)
    return None if usual is None else one.price_minor * (1 - usual)


def depth(offer: Offer, currency: str, trade: Trade) -> Decimal:
    """The share of an order that the offer gives away: the deepest that its minimum, rungs and goods let happen."""
    offer = inside(offer)
    if isinstance(offer, QuantityPrice | BuyGet | Gift):
        return max((deal.depth for deal in deals(offer, currency, trade)), default=_ZERO)
    if isinstance(offer, Fixed | FreeShipping) or (isinstance(offer, Cashback) and offer.amount is not None):
        return _of_a_small_order(offer, currency, trade)
    if isinstance(offer, Cashback):
        return (offer.percent or _ZERO) / 100
    return deepest(offer) / 100


def _of_a_small_order(offer: Fixed | FreeShipping | Cashback, currency: str, trade: Trade) -> Decimal:
    basis = Decimal(minor_units(minimum_of(offer), currency) or trade.average_order_minor)
    given = trade.average_shipping_minor
    if isinstance(offer, Fixed):
        given = minor_units(deepest(offer), currency)
    elif isinstance(offer, Cashback):
        given = back(offer, currency, int(basis))
    return min(Decimal(given) / basis, _ONE) if basis else _ZERO


def judge(offer: Offer, currency: str, trade: Trade) -> Verdict:
    """Whether the offer leaves something of the margin, in a sentence that says what it would take."""
    if isinstance(offer, EarlyAccess) and offer.value is None:
        return Verdict(True, "Nothing is given away: the goods keep their price.", _ZERO, trade.margin, _ZERO, _ZERO)
    d, m = _worst(offer, currency, trade)
    if m is None:
        return Verdict(True, "No unit costs are known, so nobody can say what this offer leaves you.", d, None, None)
    known = _ONE if m != trade.margin else trade.covered
    if d >= m:
        sentence = f"You give away {_percent(d)} of an order but earn {_percent(m)}: every order would lose money."
        mend = "Give less, raise the minimum, or set margin_floor to null and say why in margin_reason."
        return Verdict(False, sentence, d, m, None, covered=known, mend=mend)
    uplift, extra = d / (m - d), d / m
    sentence = f"Giving {_percent(d)} of a margin of {_percent(m)} pays off from {_percent(uplift)} more sales on."
    share = f"{_percent(extra)} of the orders with it must be ones that would not have come without it."
    return Verdict(True, f"{sentence} {share}", d, m, uplift, extra, known)


def _worst(offer: Offer, currency: str, trade: Trade) -> tuple[Decimal, Decimal | None]:
    """Depth and margin of the use that leaves least; without goods of its own, of an order as usual."""
    found = [
        (deal.depth, None if deal.cost_minor is None else 1 - deal.cost_minor / deal.worth_minor)
        for deal in deals(offer, currency, trade)
        if deal.worth_minor
    ]
    if not found:
        return depth(offer, currency, trade), _margin(offer, trade)
    return max(found, key=lambda one: one[0] - (one[1] if one[1] is not None else _ONE))


def _margin(offer: Offer, trade: Trade) -> Decimal | None:
    """Of the goods that the offer is for, the thinnest; of all goods where it names none."""
    named = [trade.goods[ref] for ref in getattr(offer, "products", ()) if ref in trade.goods]
    costs = [(one, _cost(one, trade.margin)) for one in named if one.price_minor]
    return min((1 - cost / one.price_minor for one, cost in costs if cost is not None), default=trade.margin)


def _percent(share: Decimal) -> str:
    return f"{(share * 100).quantize(Decimal('0.1'))} %".replace(".0 %", " %")
