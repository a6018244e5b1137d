"""Customers made by the models' own story: they order at their rate until one of their coins says it was the last."""

from __future__ import annotations

import numpy as np

from campaigns.forecast.histories import WEEK, Histories

CDNOW = (0.243, 4.414, 0.793, 2.426)
"""r, α, a, b of the paper that brought BG/NBD, for 2,357 buyers of CDs over 39 weeks."""
CDNOW_SPEND = (6.25, 3.74, 15.44)
"""p, q, v of Fader and Hardie's note on Gamma-Gamma, for the same buyers, in dollars."""


def history(*rows: tuple[int, int, int]) -> Histories:
    """Customers by repeats, days to the latest order, and days watched."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Histories(columns[0], columns[1], columns[2], np.full(len(rows), np.nan))


def made(
    n: int, parameters: tuple[float, float, float, float], *, at_once: bool, days: tuple[int, int], seed: int
) -> Histories:
    """``at_once``: people may drop out right after their first order too."""
    r, alpha, a, b = parameters
    dice = np.random.default_rng(seed)
    rate, dropping, age = dice.gamma(r, 1 / alpha, n), dice.beta(a, b, n), dice.integers(*days, n)
    repeats, last, clock = np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n)
    alive = dice.random(n) >= dropping if at_once else np.ones(n, dtype=bool)
    while alive.any():
        clock = clock + np.where(alive, dice.exponential(1, n) / rate, 0)
        ordered = alive & (clock * WEEK < age)
        repeats += ordered
        last = np.where(ordered, clock * WEEK, last)
        alive = ordered & (dice.random(n) >= dropping)
    p, q, v = CDNOW_SPEND
    spending = dice.gamma(q, 1 / v, n)
    value = np.where(repeats > 0, dice.gamma(p * np.maximum(repeats, 1)) / spending / np.maximum(repeats, 1), np.nan)
    return Histories(repeats, np.floor(last).astype(np.int64), age, value)
