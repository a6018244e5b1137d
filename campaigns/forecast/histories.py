"""When customers bought, as arrays: the only thing the models of buying read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
WEEK = 7


@dataclass(frozen=True, slots=True)
class Histories:
    """One row per customer: ``repeats`` (days with an order after the first such day), and in days after the first:
    ``last`` (of the latest order) and ``age`` (up to when they were watched).

    ``value`` is the mean worth of a repeat day in major units, NaN where there is none in the shop's currency.
    """

    repeats: Whole
    last: Whole
    age: Whole
    value: Floats

    def __len__(self) -> int:
        return len(self.repeats)

    @property
    def x(self) -> Floats:
        """Repeat transactions."""
        return self.repeats.astype(np.float64)

    @property
    def recency(self) -> Floats:
        """Weeks from the first order to the latest."""
        return self.last / WEEK

    @property
    def weeks(self) -> Floats:
        """Weeks watched."""
        return self.age / WEEK

    def of(self, which: NDArray[np.bool_]) -> Histories:
        """Those customers only."""
        return Histories(self.repeats[which], self.last[which], self.age[which], self.value[which])


def distinct(histories: Histories) -> tuple[Histories, Floats]:
    """Each different history once, and how many customers share it: what a fit costs is set by their number."""
    key = (histories.repeats << 40) | (histories.last << 20) | histories.age
    _, first, people = np.unique(key, return_index=True, return_counts=True)
    picked = np.zeros(len(histories), dtype=np.bool_)
    picked[first] = True
    order = np.argsort(key[picked], kind="stable")
    held = histories.of(picked)
    return (
        Histories(held.repeats[order], held.last[order], held.age[order], held.value[order]),
        people.astype(np.float64),
    )
