"""Which of several variants was the best, if that can be said: on a fixed date, all pairs compared at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from campaigns.proof import Difference, Moments, newcombe, welch
from campaigns.proof.experiment import UNEVEN, ratio_p
from campaigns.proof.plan import strict


@dataclass(frozen=True, slots=True)
class Contender:
    """One variant: its planned ``share``, its people, how many of them reached the goal, what each contributed."""

    key: str
    share: float
    n: int
    hits: int
    contribution: Moments

    @property
    def rate(self) -> float:
        """The share that reached the goal; 0 for nobody."""
        return self.hits / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Pair:
    """``first`` less ``second``, with an interval that holds for all pairs together with 95 %."""

    first: str
    second: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class Contest:
    """``verdict`` is ``not_yet``, ``uneven``, ``inconclusive``, ``winner``, or ``dear``: best at the goal, and it earns
    less than another by more than chance."""

    verdict: str
    winner: str | None
    pairs: tuple[Pair, ...]
    sample_ratio_p: float | None


def contest(contenders: Sequence[Contender], *, final: bool, earns: bool) -> Contest:
    """Compares all pairs. ``final`` is False before the day of reading; ``earns``: contributions are known."""
    z = strict(len(contenders) * (len(contenders) - 1) // 2)
    pairs = tuple(Pair(a.key, b.key, newcombe(a.hits, a.n, b.hits, b.n, z)) for a, b in combinations(contenders, 2))
    odds = ratio_p({one.key: one.n for one in contenders}, {one.key: one.share for one in contenders})
    if not final:
        return Contest("not_yet", None, pairs, odds)
    if odds is not None and odds < UNEVEN:
        return Contest("uneven", None, pairs, odds)
    best = max(contenders, key=lambda one: one.rate)
    others = [one for one in contenders if one is not best]
    if not all(_above(newcombe(best.hits, best.n, one.hits, one.n, z)) for one in others):
        return Contest("inconclusive", None, pairs, odds)
    dear = earns and any(_above(welch(one.contribution, best.contribution)) for one in others)
    return Contest("dear" if dear else "winner", best.key, pairs, odds)


def _above(found: Difference) -> bool:
    return found.low is not None and found.low > 0
