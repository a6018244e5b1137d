"""Before a launch: how small an effect an audience of this size can show at all, and on which day it will be read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import permutations
from statistics import NormalDist
from zoneinfo import ZoneInfo

from campaigns.arms import quarter
from campaigns.proof import Z
from campaigns.proof.experiment import POWER
from campaigns.triggers import OnHoliday, Trigger


def strict(pairs: int) -> float:
    """The normal quantile for so many comparisons at once that all of them hold with 95 % together (Bonferroni)."""
    return NormalDist().inv_cdf(1 - 0.025 / max(pairs, 1))


def detectable_rise(base: float, treated: int, held: int, z: float = Z) -> float | None:
    """The least rise over the share ``base`` that arms of these sizes find four times out of five.

    Solves rise = (z + z₈₀) · √(p₁q₁ / n₁ + p₂q₂ / n₂) for p₁ = p₂ + rise, the spread that the interval of the reading
    has too. 3,841 people per arm, 10 %: 0.02; 3,600 against 400, 12 %: 0.049. None where not even a rise to 100 %
    would be told apart.
    """
    if not treated or not held or not 0 <= base < 1:
        return None

    def lacking(rise: float) -> float:
        risen = base + rise
        return (z + POWER) * math.sqrt(risen * (1 - risen) / treated + base * (1 - base) / held) - rise

    low, high = 0.0, 1 - base
    if lacking(high) > 0:
        return None
    for _ in range(60):
        half = (low + high) / 2
        low, high = (half, high) if lacking(half) > 0 else (low, half)
    return high


def least_seen(treated: int, of_treated: int, held: int, of_held: int) -> float | None:
    """The least rise that arms like these, with so many who reached the goal, show four times out of five.

    The share is that of everybody, for the few who were held out say little by themselves. None where none is shown.
    """
    people = of_treated + of_held
    return detectable_rise((treated + held) / people, of_treated, of_held) if people else None


def detectable_apart(base: float, sizes: Mapping[str, int]) -> float | None:
    """The least rise that tells any two variants of these sizes apart, all pairs being compared at once."""
    z = strict(math.comb(len(sizes), 2))
    found = [detectable_rise(base, sizes[a], sizes[b], z) for a, b in permutations(sizes, 2)]
    return None if None in found or not found else max(one for one in found if one is not None)


@dataclass(frozen=True, slots=True)
class Period:
    """Firings that are read together, by ``key``; none comes after ``ends``."""

    key: str
    ends: datetime


def period_of(trigger: Trigger, occasion: str, due_at: datetime, zone: ZoneInfo) -> Period:
    """What a firing is read together with: the days of one feast, one quarter of a rhythm, or itself alone.

    The period's end hangs on the definition and the calendar, never on the figures: nobody can stop when they please.
    """
    if isinstance(trigger, OnHoliday) and occasion.count(":") == 2:
        feast, _, offset = occasion.rpartition(":")
        later = max(trigger.offsets_days) - int(offset)
        return Period(feast, due_at + timedelta(days=max(later, 0)))
    if trigger.kind in ("recurring", "event"):
        day = due_at.astimezone(zone).date()
        months = day.year * 12 + (day.month - 1) // 3 * 3 + 3
        ends = date(months // 12, months % 12 + 1, 1)
        return Period(quarter(day), datetime.combine(ends, time(), zone))
    return Period(occasion, due_at)
