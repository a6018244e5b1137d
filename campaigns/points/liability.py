"""What points still owe: their part of the sales that earned them, recognised as they are spent.

IFRS 15 (B39–B43, example 52; PSAK 115): the price of a sale is shared between goods and points by their stand-alone
prices, and the points' part becomes revenue in the proportion of points spent to points expected to be spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


@dataclass(frozen=True, slots=True)
class Shared:
    """A sale shared between goods and points, minor units; the two add up to the sale."""

    goods_minor: int
    points_minor: int


def share_price(sales_minor: int, points_worth_minor: int) -> Shared:
    """Share ``sales_minor`` between goods (at their price) and points at ``points_worth_minor``.

    ``points_worth_minor`` is points × value × expected redemption. 100,000 of sales with points worth 9,500 are
    91,324 and 8,676.
    """
    whole = sales_minor + points_worth_minor
    if whole <= 0:
        return Shared(sales_minor, 0)
    points = _rounded(Decimal(sales_minor) * points_worth_minor / whole)
    return Shared(sales_minor - points, points)


def recognised(deferred_minor: int, spent: int, expected: int) -> int:
    """How much of the deferred sales is revenue after ``spent`` of ``expected`` points were spent, in all so far."""
    if expected <= 0:
        return deferred_minor
    return min(_rounded(Decimal(deferred_minor) * spent / expected), deferred_minor)


def _rounded(value: Decimal) -> int:
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))
