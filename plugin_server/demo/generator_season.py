"""The seasons of an Indonesian shop, as operational time: a busy day is a long one.

``Season`` maps days since the opening of the shop to operational days and back. Its weights have mean 1, so the two
clocks agree over the whole period. Sources of the shapes are named in docs/demo-shop.md.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from itertools import accumulate

from plugin_server.demo.generator_types import Family

EID_AL_FITR = (
    date(2022, 5, 2),
    date(2023, 4, 22),
    date(2024, 4, 10),
    date(2025, 3, 31),
    date(2026, 3, 20),
    date(2027, 3, 10),
    date(2028, 2, 27),
    date(2029, 2, 15),
    date(2030, 2, 5),
)

# first and last day relative to Eid al-Fitr, factor
_LEBARAN = ((-35, -22, 1.25), (-21, -8, 1.70), (-7, -3, 0.85), (-2, 3, 0.30), (4, 10, 0.70))
# Supplements are bought by rhythm: they feel the feasts less.
_MILDNESS = {Family.FASHION: 1.0, Family.SUPPLEMENT: 0.45}


def _lebaran(day: date) -> float:
    for feast in EID_AL_FITR:
        distance = (day - feast).days
        for first, last, factor in _LEBARAN:
            if first <= distance <= last:
                return factor
    return 1.0


def day_weight(day: date, family: Family) -> float:
    """How busy ``day`` is for ``family``, 1 being an ordinary day."""
    factor = _lebaran(day)
    if (day.month, day.day) == (11, 11):
        factor *= 2.2
    elif (day.month, day.day) == (12, 12):
        factor *= 2.5
    if day.day >= 25 or day.day <= 2:
        factor *= 1.15
    if day.month == 12 and 13 <= day.day <= 24:
        factor *= 1.2
    return 1.0 + (factor - 1.0) * _MILDNESS[family]


class Season:
    """The operational clock of one family over ``days`` days from ``opening`` on."""

    def __init__(self, opening: date, days: int, family: Family) -> None:
        weights = [day_weight(opening + timedelta(days=at), family) for at in range(days)]
        scale = days / sum(weights)
        self._ends = [0.0, *accumulate(weight * scale for weight in weights)]
        self.length = self._ends[-1]

    def day_at(self, clock: float) -> int:
        """The day (0 = opening) on which the operational clock shows ``clock``."""
        return min(bisect_right(self._ends, clock), len(self._ends) - 1) - 1
