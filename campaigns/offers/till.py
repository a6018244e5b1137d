"""What a shop's till makes of a code and a basket: the rules of both platforms, as recorded, over our own words.

This is what examples promise; tests hold the demo shops' checkouts to it, sum by sum. Money in minor units; ``step`` is
the smallest sum that the shop counts in (100 for a shop that shows whole rupiah).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from campaigns.offers.realisation import Able, Terms
from campaigns.offers.ware import Ware
from connectors.types import DiscountKind, minor_units


@dataclass(frozen=True, slots=True)
class Line:
    """So many pieces of one thing in a basket; of a pack, so many packs."""

    ware: Ware
    count: int

    @property
    def worth(self) -> int:
        """At full price."""
        return self.ware.price_minor * self.count


@dataclass(frozen=True, slots=True)
class Till:
    """How a shop counts: its abilities, its currency and the smallest sum it counts in."""

    able: Able
    currency: str
    step: int = 1


def given(terms: Terms, value: Decimal, lines: Sequence[Line], till: Till) -> int | None:
    """What the code takes off the goods; None where the till refuses it. ``value``: the reader's percent or sum."""
    if terms.kind is DiscountKind.BUY_GET:
        return _buy_get(terms, lines)
    reached = [line for line in lines if reaches(terms.products, terms.reach.variants, terms.reach.categories, line)]
    asked = reached if till.able.by_line else lines
    if not reached or sum(line.worth for line in asked) < terms.minimum_minor:
        return None
    if terms.kind is DiscountKind.FREE_SHIPPING:
        return 0
    if terms.kind is DiscountKind.PERCENTAGE:
        return _percent(value, _units(reached, terms.reach.times), till)
    amount = minor_units(value, till.currency)
    if terms.products or terms.reach.variants or terms.reach.categories:
        return sum(min(amount, line.ware.price_minor) * line.count for line in _units(reached, terms.reach.times or 1))
    return min(amount, sum(line.worth for line in reached))


def reaches(products: Sequence[str], variants: Sequence[str], categories: Sequence[str], line: Line) -> bool:
    """True where the code is for this line's goods; without any named it is for all."""
    ware = line.ware
    if not (products or variants or categories):
        return True
    own = {ware.external_id, ware.parent}
    return bool(own & set(products)) or ware.external_id in variants or bool(set(ware.categories) & set(categories))


def _units(lines: Sequence[Line], times: int) -> list[Line]:
    """The pieces that the code reaches, the dearest first; all of them with 0."""
    if not times:
        return list(lines)
    reached, left = [], times
    for line in sorted(lines, key=lambda line: -line.ware.price_minor):
        count = min(line.count, left)
        left -= count
        if count:
            reached.append(Line(line.ware, count))
    return reached


def _percent(value: Decimal, lines: Sequence[Line], till: Till) -> int:
    if till.able.by_line:
        return sum(_whole(line.worth * value / 100, till.step, ROUND_FLOOR) for line in lines)
    return _whole(sum(line.worth for line in lines) * value / 100, till.step, ROUND_HALF_UP)


def _whole(amount: Decimal, step: int, rounding: str) -> int:
    return int((amount / step).to_integral_value(rounding=rounding)) * step


def _buy_get(terms: Terms, lines: Sequence[Line]) -> int | None:
    """Bought first: goods that could not be got before those that could, the dearest first. Got: the cheapest left."""
    reach = terms.reach
    pieces = [line for line in lines for _ in range(line.count)]
    pieces.sort(key=lambda line: (_got(terms, line), -line.ware.price_minor))
    off = 0
    for _ in range(reach.times or 1_000):
        bought = _bought(terms, pieces)
        left = list(pieces)
        for piece in bought:
            left.remove(piece)
        got = sorted((piece for piece in left if _got(terms, piece)), key=lambda line: line.ware.price_minor)
        if not bought or len(got) < reach.get:
            break
        for piece in got[: reach.get]:
            left.remove(piece)
            price = piece.ware.price_minor
            off += min(price, reach.each_minor) if reach.each_minor else int(price * terms.value / 100)
        pieces = left
    return off or None


def _got(terms: Terms, line: Line) -> bool:
    return reaches(terms.reach.get_products, terms.reach.get_variants, (), line)


def _bought(terms: Terms, pieces: Sequence[Line]) -> list[Line]:
    """The pieces that fulfil the buying half; none where there are too few."""
    fitting = [one for one in pieces if reaches(terms.products, terms.reach.variants, terms.reach.categories, one)]
    if terms.reach.buy:
        return fitting[: terms.reach.buy] if len(fitting) >= terms.reach.buy else []
    bought: list[Line] = []
    for piece in fitting:
        if sum(one.ware.price_minor for one in bought) >= terms.minimum_minor:
            break
        bought.append(piece)
    return bought if sum(one.ware.price_minor for one in bought) >= terms.minimum_minor else []
