"""Whether a campaign worked: differences between arms with 95 % intervals, and a check of the arms themselves.

Pure arithmetic over counts and moments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

from scipy.special import stdtrit

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Difference:
    """Treated minus holdout, with its 95 % interval. None where an arm is too small to say anything."""

    difference: float | None
    low: float | None
    high: float | None

    @property
    def conclusive(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


NOTHING = Difference(None, None, None)


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, sum and sum of squares of a quantity per person."""

    n: int
    total: float
    squares: float

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """Per person; 0 for nobody."""
        return self.total / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """Of the sample (n − 1)."""
        if self.n < 2:
            return 0.0
        return max(self.squares - self.total * self.total / self.n, 0.0) / (self.n - 1)


@dataclass(frozen=True, slots=True)
class Sample:
    """Count, mean and variance (n − 1) of a quantity per person, where the values themselves were at hand."""

    n: int
    mean: float
    variance: float


def wilson(hits: int, n: int, z: float = Z) -> tuple[float, float]:
    """Wilson's score interval of a share; ``z`` is the normal quantile of its confidence (default 95 %)."""
    if not n:
        return 0.0, 1.0
    p, zz = hits / n, z * z
    middle = (p + zz / (2 * n)) / (1 + zz / n)
    half = z * math.sqrt(p * (1 - p) / n + zz / (4 * n * n)) / (1 + zz / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def newcombe(hits1: int, n1: int, hits2: int, n2: int, z: float = Z) -> Difference:
    """Difference of two shares with Newcombe's hybrid score interval (1998, method 10)."""
    if not n1 or not n2:
        return NOTHING
    p1, p2 = hits1 / n1, hits2 / n2
    (l1, u1), (l2, u2) = wilson(hits1, n1, z), wilson(hits2, n2, z)
    d = p1 - p2
    return Difference(d, d - math.hypot(p1 - l1, u2 - p2), d + math.hypot(u1 - p1, p2 - l2))


def welch(a: Moments | Sample, b: Moments | Sample) -> Difference:
    """Difference of two means with Welch's interval; nothing where an arm has fewer than two people."""
    if a.n < 2 or b.n < 2:
        return NOTHING
    va, vb = a.variance / a.n, b.variance / b.n
    d, error = a.mean - b.mean, math.sqrt(va + vb)
    if error == 0:
        return Difference(d, d, d)
    freedom = (va + vb) ** 2 / (va * va / (a.n - 1) + vb * vb / (b.n - 1))
    half = t_quantile(freedom) * error
    return Difference(d, d - half, d + half)


def t_quantile(freedom: float) -> float:
    """The 97.5 % point of Student's t; ``freedom`` need not be whole."""
    return float(stdtrit(freedom, 0.975))


def sample_ratio_p(treated: int, holdout: int, share: float) -> float | None:
    """How likely arms as uneven as these are when ``share`` should be held out (χ², one degree); None without arms.

    Below 0.001 something took people out of one arm only, and no figure should be believed.
    """
    n = treated + holdout
    if not n or not 0 < share < 1:
        return None
    expected = n * share
    chi = (holdout - expected) ** 2 / expected + (treated - n * (1 - share)) ** 2 / (n * (1 - share))
    return math.erfc(math.sqrt(chi / 2))


@dataclass(frozen=True, slots=True)
class Total:
    """What was brought about in all, with its 95 % interval, and per person treated."""

    people: int
    total: Difference
    each: Difference


def pooled(trials: Iterable[tuple[Moments, Moments]]) -> Total:
    """Independent trials of (treated, held out) as one: their totals add up, and so do the variances of these.

    A trial in which an arm has fewer than two people says nothing and is left out. The interval is normal.
    """
    known = [(a, b) for a, b in trials if a.n > 1 and b.n > 1]
    people = sum(a.n for a, _ in known)
    if not people:
        return Total(0, NOTHING, NOTHING)
    total = math.fsum(a.n * (a.mean - b.mean) for a, b in known)
    half = Z * math.sqrt(math.fsum(a.n**2 * (a.variance / a.n + b.variance / b.n) for a, b in known))
    low, high = total - half, total + half
    return Total(people, Difference(total, low, high), Difference(total / people, low / people, high / people))


def hits(count: int, n: int) -> Moments:
    """The moments of a share: ``count`` ones among ``n``."""
    return Moments(n, count, count)
