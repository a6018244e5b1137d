"""Charts drawn on the server: shapes in a box of 100 by 100 that stretches; their words and figures stay in HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

GAP = 0.2
"""Share of a column's place that stays empty."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of series number ``series`` in column number ``column``."""

    x: float
    y: float
    width: float
    height: float
    series: int
    column: int


def stacked(columns: Sequence[Sequence[float]]) -> list[Box]:
    """One column per entry, its parts one on the other from the ground up. Negative parts are drawn as nothing."""
    most = max((sum(max(part, 0) for part in parts) for parts in columns), default=0) or 1
    made, place = list[Box](), 100 / max(len(columns), 1)
    for number, parts in enumerate(columns):
        top = 100.0
        for series, part in enumerate(parts):
            height = max(part, 0) / most * 100
            top -= height
            made.append(Box(number * place + place * GAP / 2, top, place * (1 - GAP), height, series, number))
    return made


def grouped(columns: Sequence[Sequence[float]]) -> list[Box]:
    """One group per entry, its parts side by side."""
    most = max((part for parts in columns for part in parts), default=0) or 1
    made, place = list[Box](), 100 / max(len(columns), 1)
    for number, parts in enumerate(columns):
        width = place * (1 - GAP) / max(len(parts), 1)
        for series, part in enumerate(parts):
            height = max(part, 0) / most * 100
            made.append(
                Box(number * place + place * GAP / 2 + series * width, 100 - height, width, height, series, number)
            )
    return made


def line(values: Sequence[float], most: float | None = None, *, after: int = 0, places: int = 0) -> str:
    """Points of a polyline from left to right; ``most`` is the value at the top edge.

    Of ``places`` along the width (default: as many as there are values) it begins at number ``after``, counted from 0.
    """
    top = most or max(values, default=0) or 1
    step = 100 / max((places or len(values)) - 1, 1)
    return " ".join(f"{(after + n) * step:.2f},{100 - value / top * 100:.2f}" for n, value in enumerate(values))


def shade(share: float | None) -> int:
    """The step of a heat map, 0 to 9."""
    return 0 if share is None else min(9, int(share * 10 + 0.5))


@dataclass(frozen=True, slots=True)
class Whisker:
    """An interval on a line of 100 whose middle is zero: its ends, and where the estimate lies."""

    low: float
    at: float
    high: float


def whiskers(intervals: Sequence[tuple[float, float, float] | None]) -> list[Whisker | None]:
    """(low, estimate, high) each, all on one scale; nothing for nothing."""
    far = max((max(abs(end) for end in one) for one in intervals if one), default=0) or 1
    return [one and Whisker(*(50 + end / far * 48 for end in one)) for one in intervals]


def peak(months: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The month of most sales, which the highest column of the chart stands for; None where there were none."""

    def sales(month: dict[str, Any]) -> Decimal:
        return Decimal(month["new_revenue"]["amount"]) + Decimal(month["existing_revenue"]["amount"])

    best = max(months, key=sales, default=None)
    if best is None or not sales(best):
        return None
    return {"month": best["month"], "money": {**best["new_revenue"], "amount": str(sales(best))}}
