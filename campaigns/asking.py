"""The questions a shop asks its customers, what counts as an answer, and where a score leads.

The score is the question of Reichheld, The One Number You Need to Grow, Harvard Business Review 81(12), 2003: how
likely somebody is to recommend the shop, 0 to 10; promoters give 9 or 10, detractors 0 to 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from campaigns.proof import Z

LAST_WORD: Final = timedelta(hours=24)
"""How long an answer may still be changed."""
LONGEST: Final = 2_000
OLDEST: Final = 120

Route = Literal["promoter", "passive", "detractor"]


class BadAnswer(ValueError):
    """What was sent is no answer; the message is the key of the sentence that says so."""


def route(score: int) -> Route:
    """Where a score from 0 to 10 leads: 9 and 10 to praise, 7 and 8 to a question, 0 to 6 to a conversation."""
    return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"


def read_score(given: str) -> int:
    """A whole number from 0 to 10. Raises ``BadAnswer``."""
    if not (given.isascii() and given.isdigit() and len(given) <= 2 and int(given) <= 10):
        raise BadAnswer("bad_score")
    return int(given)


def read_birthday(given: str, today: date) -> date:
    """A day as ``YYYY-MM-DD`` within the last 120 years. Raises ``BadAnswer``."""
    try:
        day = date.fromisoformat(given)
    except ValueError as error:
        raise BadAnswer("bad_birthday") from error
    if not today.year - OLDEST <= day.year or day >= today:
        raise BadAnswer("bad_birthday")
    return day


@dataclass(frozen=True, slots=True)
class Promotion:
    """Promoters less detractors in points from −100 to 100, with its 95 % interval; None for nobody."""

    promoters: int
    passives: int
    detractors: int
    score: float | None
    low: float | None
    high: float | None


def promotion(promoters: int, passives: int, detractors: int) -> Promotion:
    """The net promoter score with its interval.

    Both shares come from the same people, so that an interval for two independent shares, such as Newcombe's, would
    not do. This is the adjusted Wald interval for a difference of paired shares of Bonett & Price, Journal of
    Educational and Behavioral Statistics 37(4), 2012: one person more on either side. 50, 30, 20 of 100: 30, 14 to 45.
    """
    n = promoters + passives + detractors
    if not n:
        return Promotion(0, 0, 0, None, None, None)
    m = n + 2
    p, d = (promoters + 1) / m, (detractors + 1) / m
    half = Z * math.sqrt(max(p + d - (p - d) ** 2, 0) / m)
    low, high = max(p - d - half, -1.0), min(p - d + half, 1.0)
    return Promotion(promoters, passives, detractors, 100 * (promoters - detractors) / n, 100 * low, 100 * high)
