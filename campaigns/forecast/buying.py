"""BG/NBD and MBG/NBD: who still is a customer, and how often they will order.

Everybody orders at a rate λ of their own, spread over the shop as Gamma(r, α), and drops out after an order with a
chance p of their own, spread as Beta(a, b). BG/NBD: Fader, Hardie & Lee, Marketing Science 24(2), 2005. MBG/NBD lets
people drop out right after their first order too, so that a single order long ago is not taken for a living customer:
Batislam, Denizel & Filiztekin, Int. J. of Research in Marketing 24(3), 2007. The two differ by
one Beta exponent, ``k``.

Time is in weeks throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, gammaln, hyp2f1, psi

from campaigns.forecast.histories import WEEK, Floats, Histories, distinct

ModelName = Literal["bg/nbd", "mbg/nbd"]
STARTS = ((0.5, 5.0, 0.8, 2.5), (1.0, 1.0, 1.0, 1.0), (0.2, 2.0, 0.1, 10.0))
FARTHEST = 14.0
"""Logarithms of parameters are looked for within ± this; a fit at the edge has degenerated."""
SAMPLE = 5_000
"""So many customers show where to look for the parameters of all."""
MOST_ORDERS = 2_000
HARDLY = 1e-6
"""A predictive distribution is followed no further than this many orders."""


class NoFit(ValueError):
    """The histories cannot be fitted; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Buying:
    """A fitted model of buying. Arguments are arrays of equal length, one entry per customer."""

    model: ModelName
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float

    @property
    def k(self) -> int:
        """1 where people may drop out right after their first order."""
        return 1 if self.model == "mbg/nbd" else 0

    def alive(self, of: Histories) -> Floats:
        """P(alive): that somebody has not dropped out by now."""
        chance: Floats = expit(-_death(self.k, of, (self.r, self.alpha, self.a, self.b)))
        return chance

    def buys(self, of: Histories, weeks: float) -> Floats:
        """P(at least one order within the next ``weeks``)."""
        beta, shape = self.alpha + of.weeks, self.r + of.x
        return self.alive(of) * -np.expm1(shape * np.log(beta / (beta + weeks)))

    def orders(self, of: Histories, weeks: float) -> Floats:
        """Expected orders within the next ``weeks``.

        Fader, Hardie & Lee 2005, equation 10; Euler's transformation keeps the hypergeometric function small.
        """
        # At a = 1 the expression is 0/0; a millionth beside it is right to six digits.
        a = self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6
        left, beta, shape = self.b + of.x + self.k, self.alpha + of.weeks, self.r + of.x
        z = weeks / (beta + weeks)
        with np.errstate(all="ignore"):
            series = hyp2f1(a + left - 1 - shape, a - 1, a + left - 1, z)
            living: Floats = (a + left - 1) / (a - 1) * (1 - np.exp((a - 1) * np.log1p(-z)) * series)
        # Where a fit ran to the edge the series cannot be summed: there the chance of dropping out is all but known,
        # and no more orders are possible than without dropping out.
        chance = self.a / (self.a + left)
        known = -np.expm1(-shape * np.log1p(chance * weeks / beta)) / chance
        sound = (living >= 0) & (living <= shape * weeks / beta * (1 + 1e-9))
        return self.alive(of) * np.where(sound, living, known)

    def newcomer(self, weeks: Floats) -> Floats:
        """Expected repeat orders of somebody new within ``weeks`` of their first order."""
        nobody = np.zeros(len(weeks), dtype=np.int64)
        new = Histories(nobody, nobody, nobody, nobody.astype(np.float64))
        return np.array([self.orders(new.of(np.arange(len(weeks)) == n), week)[0] for n, week in enumerate(weeks)])

    def wait(self, of: Histories, share: float) -> Floats:
        """Weeks from now within which ``share`` of such customers order again, if they are alive."""
        with np.errstate(over="ignore"):  # for ever, where the rate of ordering is all but nothing
            weeks: Floats = (self.alpha + of.weeks) * np.expm1(-np.log1p(-share) / (self.r + of.x))
        return weeks

    def quantiles(self, of: Histories, weeks: float, shares: tuple[float, ...]) -> NDArray[np.int64]:
        """Quantiles of the number of orders within ``weeks``, as rows of the ``shares`` given.

        From the predictive distribution itself: of y orders either the last was survived, or it was the last for good.
        """
        found = np.zeros((len(shares), len(of)), dtype=np.int64)
        for y, below in enumerate(self._below(of, weeks), start=1):
            if not (below < max(shares)).any():
                break
            for row, share in enumerate(shares):
                found[row][below < share] = y
        return found

    def variance(self, of: Histories, weeks: float) -> Floats:
        """Variance of the number of orders of each within ``weeks``, from the same distribution."""
        mean, square = np.zeros(len(of)), np.zeros(len(of))
        for y, below in enumerate(self._below(of, weeks), start=1):
            reached = np.maximum(1 - below, 0)
            if not (reached > HARDLY).any():
                break
            mean, square = mean + reached, square + (2 * y - 1) * reached
        return square - mean**2

    def _below(self, of: Histories, weeks: float) -> Iterator[Floats]:
        """The chance of fewer than 1, 2, 3 … orders of each, up to ``MOST_ORDERS``."""
        alive, left, shape = self.alive(of), self.b + of.x + self.k, self.r + of.x
        hit = (self.alpha + of.weeks) / (self.alpha + of.weeks + weeks)
        exactly, fewer = hit**shape, np.zeros(len(of))
        survived, total = np.ones(len(of)), 1 - alive + alive * exactly
        for y in range(1, MOST_ORDERS):
            yield total
            fewer = fewer + exactly
            exactly = exactly * (shape + y - 1) / y * (1 - hit)
            died = survived * self.a / (self.a + left + y - 1)
            survived = survived * (left + y - 1) / (self.a + left + y - 1)
            total = total + alive * (survived * exactly + died * np.maximum(1 - fewer, 0))


def fit(histories: Histories, model: ModelName = "bg/nbd") -> Buying:
    """The most likely parameters. Raises ``NoFit`` where nobody ever came back: the rate of dropping out is unknown.

    A sample finds the hill, everybody its top: the surface has one, but its slopes are long.
    """
    if not len(histories):
        raise NoFit("Nobody has ordered yet.")
    if not histories.repeats.any():
        raise NoFit("Nobody has ordered on a second day yet.")
    k = 1 if model == "mbg/nbd" else 0
    every = max(1, len(histories) // SAMPLE)
    sample = histories.of(np.arange(len(histories)) % every == 0)
    starts: Sequence[Sequence[float] | Floats] = STARTS
    if every > 1 and sample.repeats.any():
        starts = [np.exp(climb(_cost(k, sample), STARTS)[0])]
    logs, least = climb(_cost(k, histories), starts)
    r, alpha, a, b = (float(value) for value in np.exp(logs))
    return Buying(model, r, alpha, a, b, -least * len(histories))


def likelihood(histories: Histories, of: Buying) -> float:
    """Logarithm of the likelihood of these histories under given parameters."""
    per_customer = _cost(of.k, histories)(np.log([of.r, of.alpha, of.a, of.b]))[0]
    return -per_customer * len(histories)


Cost = Callable[[Floats], tuple[float, Floats]]
"""Per customer, of the logarithms of the parameters, with its slope by them."""


def climb(cost: Cost, starts: Sequence[Sequence[float] | Floats]) -> tuple[Floats, float]:
    """Logarithms of the parameters of least ``cost``, and that cost."""
    # Here and not above: it takes a fifth of the time in which a process starts, and few of them ever fit anything.
    from scipy.optimize import minimize

    best = min(
        (
            minimize(
                cost,
                np.log(start),
                jac=True,
                method="L-BFGS-B",
                bounds=[(-FARTHEST, FARTHEST)] * len(start),
                options={"ftol": 1e-14, "gtol": 1e-8, "maxiter": 1_000},
            )
            for start in starts
        ),
        key=lambda found: float(found.fun),
    )
    return best.x, float(best.fun)


def _cost(k: int, histories: Histories) -> Cost:
    """The cost to be made least. Costly functions are looked up: they depend on whole days and whole repeats alone."""
    of, people = distinct(histories)
    total = float(people.sum())
    counts, place = np.unique(of.repeats, return_inverse=True)
    n, days = counts.astype(np.float64), np.arange(int(of.age.max(initial=0)) + 1) / WEEK
    may_die = (of.repeats > 0) | bool(k)

    def cost(logs: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = (float(value) for value in np.exp(logs))
        fixed = gammaln(r + n) - gammaln(r) + r * np.log(alpha) + betaln(a, b + n + k) - betaln(a, b)
        both = psi(a + b) - psi(a + b + n + k)
        left = np.maximum(b + n + k - 1, 1e-300)
        by_day = np.log(alpha + days)
        old, seen, shape = by_day[of.age], by_day[of.last], (r + n)[place]
        odds = np.where(may_die, (np.log(a) - np.log(left))[place] + shape * (old - seen), -np.inf)
        dead = expit(odds)
        value = fixed[place] - shape * old + np.maximum(odds, 0) + np.log1p(np.exp(-np.abs(odds)))
        turned = 1 / (alpha + days)
        slope = (
            (psi(r + n) - psi(r))[place] + np.log(alpha) - old + dead * (old - seen),
            r / alpha - shape * (turned[of.age] - dead * (turned[of.age] - turned[of.last])),
            both[place] + dead / a,
            (psi(b + n + k) - psi(b) + both)[place] - dead / left[place],
        )
        slopes = np.array([people @ part for part in slope])
        return -float(people @ value) / total, -slopes * np.exp(logs) / total

    return cost


def _death(k: int, of: Histories, given: tuple[float, float, float, float]) -> Floats:
    """Log odds of having dropped out. Without repeats BG/NBD knows no way to have done so."""
    r, alpha, a, b = given
    left = np.where((of.repeats > 0) | bool(k), b + of.x + k - 1, np.inf)
    odds: Floats = np.log(a) - np.log(left) + (r + of.x) * (np.log(alpha + of.weeks) - np.log(alpha + of.recency))
    return odds
