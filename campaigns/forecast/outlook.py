"""A forecast that may be shown: models fitted together, checked against what really happened, behind gates.

Who came back is told by BG/NBD, who bought only once by MBG/NBD (the former holds them all for living customers).
Without enough history, or when the models missed the recent past by far, nothing is forecast and the reason is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from campaigns.forecast import buying, spend
from campaigns.forecast.buying import Buying, ModelName, NoFit
from campaigns.forecast.histories import WEEK, Floats, Histories
from campaigns.forecast.spend import Spend

BUYERS, DAYS, RECENT_DAYS, ORDERS = 500, 180, 30, 3
DEGENERATE, HARDLY_EVER, WORST_ERROR = 1_000, 0.01, 0.25
LEVEL = 0.8
"""Intervals hold four times out of five."""
LONGEST_HOLDOUT, SHORTEST_HOLDOUT = 26 * WEEK, 4 * WEEK
LAST_BIN = 7


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition for showing a forecast: its name, whether it holds, and the figures of its sentence."""

    name: str
    ok: bool
    found: float | None
    wanted: float

    def __post_init__(self) -> None:
        if self.found is not None and not np.isfinite(self.found):
            raise ValueError(f"gate {self.name}: {self.found}")


@dataclass(frozen=True, slots=True)
class Forecast:
    """The models of a shop. ``once`` serves those with one order, ``spent`` is None where spend cannot be told."""

    again: Buying
    once: Buying
    spent: Spend | None

    def _each(self, of: Histories, again: NDArray[Any], once: NDArray[Any]) -> NDArray[Any]:
        return np.where(of.repeats > 0, again, once)

    def alive(self, of: Histories) -> Floats:
        """P(alive) of each."""
        return self._each(of, self.again.alive(of), self.once.alive(of))

    def buys(self, of: Histories, weeks: float) -> Floats:
        """P(at least one order within ``weeks``) of each."""
        return self._each(of, self.again.buys(of, weeks), self.once.buys(of, weeks))

    def orders(self, of: Histories, weeks: float) -> Floats:
        """Expected orders of each."""
        return self._each(of, self.again.orders(of, weeks), self.once.orders(of, weeks))

    def between(self, of: Histories, weeks: float) -> NDArray[np.int64]:
        """Orders within ``weeks``: low and high of each, as two rows."""
        shares = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
        return self._each(of, self.again.quantiles(of, weeks, shares), self.once.quantiles(of, weeks, shares))

    def all_between(self, of: Histories, weeks: float) -> tuple[float, float]:
        """Low and high of the orders of all together: of many people who each go their own way, as a bell curve."""
        orders = float(self.orders(of, weeks).sum())
        spread = float(self._each(of, self.again.variance(of, weeks), self.once.variance(of, weeks)).sum()) ** 0.5
        half = NormalDist().inv_cdf((1 + LEVEL) / 2) * spread
        return max(orders - half, 0.0), orders + half

    def window(self, of: Histories) -> Floats:
        """Weeks from now between which the next order of each falls half of the time, if they are alive; two rows."""
        low, high = ((model.wait(of, 0.25), model.wait(of, 0.75)) for model in (self.again, self.once))
        return np.stack([self._each(of, low[0], high[0]), self._each(of, low[1], high[1])])


def fit(histories: Histories, model: ModelName | None = None) -> Forecast:
    """Fit all models; ``model`` takes one for everybody. Raises ``NoFit``."""
    again = buying.fit(histories, model or "bg/nbd")
    once = again if model else buying.fit(histories, "mbg/nbd")
    if degenerate(once):
        once = again
    try:
        spent = spend.fit(histories)
    except NoFit:
        spent = None
    return Forecast(again, once, spent)


def degenerate(model: Buying) -> bool:
    """Whether nobody ever seems to drop out: the data do not tell when customers are lost."""
    return model.b > DEGENERATE or model.a / (model.a + model.b) < HARDLY_EVER


def holdout_days(span: int) -> int:
    """How many days to keep back for the check, of a history of ``span`` days; 0 where it is too short."""
    days = min(span // 3, LONGEST_HOLDOUT)
    return days if days >= SHORTEST_HOLDOUT else 0


@dataclass(frozen=True, slots=True)
class Bin:
    """Customers alike: mean orders predicted for the holdout against mean orders they made."""

    label: str
    customers: int
    predicted: float
    actual: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the models, fitted to the time before, said of the last ``weeks``, and what came. Sums over customers."""

    weeks: float
    customers: int
    predicted: float
    actual: int
    by_repeats: tuple[Bin, ...]
    by_chance: tuple[Bin, ...]

    @property
    def error(self) -> float | None:
        """Share by which the sum was missed; None where nobody ordered."""
        return abs(self.predicted - self.actual) / self.actual if self.actual else None


def calibrate(before: Histories, later: NDArray[np.int64], days: int, model: ModelName | None = None) -> Calibration:
    """Fit to ``before`` and compare with ``later``, the days with an order in the ``days`` after. Raises ``NoFit``."""
    made, weeks = fit(before, model), days / WEEK
    orders, chance = made.orders(before, weeks), made.buys(before, weeks)
    bins = np.minimum(before.repeats, LAST_BIN)
    tenths = np.minimum((chance * 10).astype(np.int64), 9)
    return Calibration(
        weeks,
        len(before),
        float(orders.sum()),
        int(later.sum()),
        tuple(
            _bin(f"{n}+" if n == LAST_BIN else str(n), bins == n, orders, later)
            for n in range(LAST_BIN + 1)
            if (bins == n).any()
        ),
        tuple(
            _bin(f"{tenth * 10}–{tenth * 10 + 10}%", tenths == tenth, chance, later > 0)
            for tenth in range(10)
            if (tenths == tenth).any()
        ),
    )


def _bin(label: str, who: NDArray[np.bool_], predicted: Floats, actual: NDArray[Any]) -> Bin:
    return Bin(label, int(who.sum()), float(predicted[who].mean()), float(actual[who].mean()))


def gates(
    histories: Histories, *, span: int, quiet: int, made: Forecast | None, calibration: Calibration | None
) -> list[Gate]:
    """All conditions. ``span``: days of history; ``quiet``: days since the last order.

    The first four are those of Klaviyo's predictive analytics, the others guard against models that went astray.
    """
    most = int(histories.repeats.max(initial=-1)) + 1
    error = calibration.error if calibration else None
    dropped = made and not degenerate(made.again)
    return [
        Gate("buyers", len(histories) >= BUYERS, len(histories), BUYERS),
        Gate("history", span >= DAYS, span, DAYS),
        Gate("recent", quiet <= RECENT_DAYS, quiet, RECENT_DAYS),
        Gate("regulars", most >= ORDERS, most, ORDERS),
        Gate("fit", bool(dropped), made.again.b if made else None, DEGENERATE),
        Gate("holdout", error is not None and error <= WORST_ERROR, error, WORST_ERROR),
    ]
