"""Example baskets, before launch: what the shopper pays in this shop, what that costs the owner, what is left.

Pure and in minor units. A basket is filled as the shopper is told to fill it: with packs where the offer is carried out
by packs, with the gift in it once it is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from campaigns.offers.margin import back
from campaigns.offers.offer import (
    BuyGet,
    Cashback,
    FreeShipping,
    Gift,
    Offer,
    QuantityPrice,
    deepest,
    minimum_of,
    refs_of,
)
from campaigns.offers.realisation import Goods, Realisation
from campaigns.offers.till import Line, Till, given
from campaigns.offers.ware import Ware
from connectors.offer_types import Pack
from connectors.types import minor_units

SIZES = (1, 2, 3, 6)
MOST = 400
"""Pieces beyond which no example is made."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a shop's examples are made of: the goods of the offer, what it sells most, and something else.

    ``margin`` is the shop's usual share, for goods without a cost of their own; ``shipping_minor`` its usual shipping.
    """

    goods: Goods
    usual: Ware
    other: Ware | None = None
    margin: Decimal | None = None
    shipping_minor: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """One basket. ``pieces`` are those of the goods meant, ``others`` of something else beside them.

    ``full_minor`` is its price without the offer, ``pays_minor`` with it, ``gives_minor`` what it costs the owner
    (for cashback and shipping beyond what is paid for the goods). ``left_minor`` is what remains after the cost of
    goods and the gift of the offer; None where no cost is known. ``holds`` is False where the shop refuses the code.
    """

    lines: tuple[Line, ...]
    pieces: int
    others: int
    full_minor: int
    pays_minor: int
    gives_minor: int
    left_minor: int | None
    holds: bool


def examples(offer: Offer, realisation: Realisation, shelf: Shelf, till: Till) -> list[Example]:
    """Baskets of 1, 2, 3 and 6 pieces and of the size that the offer asks for, each with and without other goods."""
    if realisation.refused:
        return []
    main = _main(offer, shelf)
    found = []
    for pieces in _sizes(offer, main, till):
        for others in (0, 1) if shelf.other else (0,):
            lines = _basket(offer, realisation, shelf, main, pieces, others, till)
            found.append(_example(offer, realisation, shelf, lines, (pieces, others), till))
    return found


def _main(offer: Offer, shelf: Shelf) -> Ware:
    refs = [] if isinstance(offer, Gift) else refs_of(offer)
    return shelf.goods[refs[0]] if refs else shelf.usual


def _sizes(offer: Offer, main: Ware, till: Till) -> list[int]:
    own: list[int] = []
    if isinstance(offer, QuantityPrice):
        own = [offer.pieces, offer.pieces * offer.times, offer.pieces * (offer.times + 1)]
    elif isinstance(offer, BuyGet):
        once = offer.buy if offer.get_products else offer.buy + offer.get
        own = [once, once * offer.times]
    elif minimum := minor_units(minimum_of(offer), till.currency):
        own = [-(-minimum // main.price_minor)] if main.price_minor else []
    return sorted({*SIZES, *(size for size in own if size <= MOST)})


def _basket(
    offer: Offer, realisation: Realisation, shelf: Shelf, main: Ware, pieces: int, others: int, till: Till
) -> list[Line]:
    lines = _packed(realisation.packs[0], main, pieces) if realisation.packs else [Line(main, pieces)]
    if shelf.other and others:
        lines.append(Line(shelf.other, others))
    if isinstance(offer, Gift) and sum(one.worth for one in lines) >= minor_units(offer.spend, till.currency):
        lines.append(Line(shelf.goods[offer.product], 1))
    if isinstance(offer, BuyGet) and offer.get_products and not realisation.packs and pieces >= offer.buy:
        free = offer.get * min(pieces // offer.buy, offer.times)
        lines.append(Line(shelf.goods[offer.get_products[0]], free))
    return [line for line in lines if line.count]


def _packed(pack: Pack, main: Ware, pieces: int) -> list[Line]:
    """As many packs as fit, and single pieces for the rest. A pack of several things counts the main one."""
    each = pack.parts[0][1]
    return [Line(pack_ware(pack), pieces // each), Line(main, pieces % each)]


def pack_ware(pack: Pack) -> Ware:
    """A pack as goods, by its SKU: the shop has not made it yet."""
    return Ware(pack.sku, pack.sku, pack.title, pack.price_minor, pack.cost_minor)


def _example(
    offer: Offer, realisation: Realisation, shelf: Shelf, lines: Sequence[Line], size: tuple[int, int], till: Till
) -> Example:
    full = sum(line.worth for line in lines)
    off, beyond = _taken(offer, realisation, shelf, lines, till)
    cost = _cost(lines, shelf)
    gives = (off or 0) + beyond
    left = None if cost is None else full - gives - cost
    return Example(tuple(lines), *size, full, full - (off or 0), gives, left, off is not None)


def _taken(
    offer: Offer, realisation: Realisation, shelf: Shelf, lines: Sequence[Line], till: Till
) -> tuple[int | None, int]:
    """What is taken off the goods (None where nothing holds), and what is given beyond them."""
    full = sum(line.worth for line in lines)
    if isinstance(offer, Cashback):
        holds = full >= minor_units(offer.minimum or 0, till.currency)
        return (0, back(offer, till.currency, full)) if holds else (None, 0)
    if realisation.terms is None:
        return 0, 0
    terms = realisation.terms
    if realisation.packs:
        terms = replace(terms, products=tuple(pack.sku for pack in realisation.packs))
    value = deepest(offer) if terms.by_rung else terms.value
    off = given(terms, value, lines, till)
    return off, shelf.shipping_minor if isinstance(offer, FreeShipping) and off is not None else 0


def _cost(lines: Sequence[Line], shelf: Shelf) -> int | None:
    total = Decimal(0)
    for line in lines:
        if line.ware.cost_minor is not None:
            total += line.ware.cost_minor * line.count
        elif shelf.margin is not None:
            total += line.worth * (1 - shelf.margin)
        else:
            return None
    return int(total.to_integral_value(rounding=ROUND_HALF_UP))
