"""Gamma-Gamma: what an order of each customer is worth, and how far a few orders can be trusted to tell.

Fader, Hardie & Lee, RFM and CLV, J. of Marketing Research 42, 2005; Fader & Hardie, The Gamma-Gamma Model of Monetary
Value, 2013. A customer's orders are spread as Gamma(p, ν), and ν over customers as Gamma(q, v). Money in major units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, gammaln, psi

from campaigns.forecast.buying import SAMPLE, Cost, NoFit, climb
from campaigns.forecast.histories import Floats, Histories

STARTS = ((1.0, 2.0, 1.0), (5.0, 4.0, 0.5), (0.5, 1.5, 2.0))


@dataclass(frozen=True, slots=True)
class Spend:
    """A fitted model of spend."""

    p: float
    q: float
    v: float
    log_likelihood: float

    def value(self, of: Histories) -> Floats:
        """Expected worth of an order: the customer's own mean, drawn towards that of the shop.

        NaN where q ≤ 1 and there is no order to go by: then the shop's mean does not exist.
        """
        shape, rate = self._known(of)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(shape > 1, self.p * rate / (shape - 1), np.nan)

    def total(self, of: Histories, orders: Floats, share: float) -> Floats:
        """The quantile ``share`` of what so many orders will be worth together; 0 for none.

        The sum of n orders is Gamma(pn, ν) and ν is known as a Gamma: the sum is beta-prime spread.
        """
        shape, rate = self._known(of)
        found = np.zeros(len(of))
        some = orders > 0
        part = betaincinv(self.p * orders[some], shape[some], share)
        found[some] = rate[some] * part / (1 - part)
        return found

    def _known(self, of: Histories) -> tuple[Floats, Floats]:
        x = np.where(np.isnan(of.value), 0.0, of.x)
        return self.q + self.p * x, self.v + x * np.where(np.isnan(of.value), 0.0, of.value)


def fit(histories: Histories) -> Spend:
    """The most likely parameters, over customers with at least one repeat order of some worth. Raises ``NoFit``."""
    used = histories.of((histories.repeats > 0) & (histories.value > 0))
    if len(used) < 2 or np.ptp(used.value) == 0:
        raise NoFit("Too few customers ordered again to tell how much they spend.")
    scale = float(np.average(used.value, weights=used.x))
    every = max(1, len(used) // SAMPLE)
    starts: Sequence[Sequence[float] | Floats] = STARTS
    if every > 1:
        sample = used.of(np.arange(len(used)) % every == 0)
        starts = [np.exp(climb(_cost(sample, scale), STARTS)[0])]
    logs, least = climb(_cost(used, scale), starts)
    p, q, v = (float(value) for value in np.exp(logs))
    # The density of values in money is that of scaled ones divided by the scale, once per customer.
    return Spend(p, q, v * scale, -(least + float(np.log(scale))) * len(used))


def _cost(used: Histories, scale: float) -> Cost:
    """The cost to be made least, with values in units of ``scale``."""
    x, mean = used.x, used.value / scale
    order, people, worth = np.log(mean), float(len(used)), used.x * used.value / scale
    counts, place = np.unique(used.repeats, return_inverse=True)
    n = counts.astype(np.float64)

    def cost(logs: Floats) -> tuple[float, Floats]:
        p, q, v = (float(value) for value in np.exp(logs))
        every, seen = (p * n + q)[place], np.log(v + worth)
        fixed = gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(v) + p * n * np.log(n)
        value = fixed[place] + (p * x - 1) * order - every * seen
        by_p = psi(p * n + q) - psi(p * n) + np.log(n)
        slope = (
            x * (by_p[place] + order - seen),
            (psi(p * n + q) - psi(q) + np.log(v))[place] - seen,
            q / v - every / (v + worth),
        )
        slopes = np.array([float(part.sum()) for part in slope])
        return -float(value.sum()) / people, -slopes * np.exp(logs) / people

    return cost
