"""Reads the table of any randomised trial: every arm against the control, for every outcome.

Shares (outcomes that are only 0 or 1) are compared with Newcombe's interval (Statistics in Medicine 17, 1998, method
10), means with Welch's. Assignment is what counts: everybody in the table belongs to the arm it names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from scipy.special import chdtrc

from campaigns.proof import NOTHING, Difference, Sample, Z, newcombe, welch

POWER = NormalDist().inv_cdf(0.8)
UNEVEN = 0.001
"""A sample-ratio p below this means that something took people out of one arm only: no figure is to be believed."""

TIGHTEST = 8.4
"""Prior variance over sampling variance at which the always-valid interval of 95 % is narrowest (about 3.03 errors)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome in one arm. ``share`` is True where everybody, in all arms, has 0 or 1."""

    sample: Sample
    share: bool

    @property
    def hits(self) -> int:
        """How many have a 1, of a share."""
        return round(self.sample.mean * self.sample.n)


@dataclass(frozen=True, slots=True)
class Reading:
    """One arm against the control for one outcome; ``detectable`` is the least effect found four times out of five."""

    arm: str
    outcome: str
    method: str
    difference: Difference
    relative: float | None
    detectable: float | None
    always: tuple[float, float] | None


def sample(values: Sequence[float]) -> Sample:
    """Count, mean and variance in two passes, so that large numbers with small differences keep their digits."""
    n = len(values)
    if not n:
        return Sample(0, 0.0, 0.0)
    mean = math.fsum(values) / n
    spread = math.fsum((value - mean) ** 2 for value in values)
    return Sample(n, mean, spread / (n - 1) if n > 1 else 0.0)


def read(arms: Mapping[str, Mapping[str, Outcome]], control: str, planned: int | None = None) -> list[Reading]:
    """All arms but ``control`` against it, outcome by outcome.

    With ``planned`` (people in the whole table when it will be full) each gets the interval that stays valid however
    often one looks; it is narrowest at that size.
    """
    return [
        _compared(arm, name, outcome, arms[control][name], planned)
        for arm, outcomes in arms.items()
        if arm != control
        for name, outcome in outcomes.items()
    ]


def _compared(arm: str, name: str, treated: Outcome, held: Outcome, planned: int | None) -> Reading:
    a, b = treated.sample, held.sample
    difference = newcombe(treated.hits, a.n, held.hits, b.n) if treated.share else _means(a, b)
    base = held.sample.mean
    return Reading(
        arm,
        name,
        "newcombe" if treated.share else "welch",
        difference,
        None if difference.difference is None or base == 0 else difference.difference / base,
        detectable(treated, held),
        _always(a, b, planned) if planned and difference is not NOTHING else None,
    )


def _means(a: Sample, b: Sample) -> Difference:
    """Welch's interval; none where each arm holds one value only: nothing is seen of how people differ."""
    found = welch(a, b)
    return found if a.variance or b.variance else Difference(found.difference, None, None)


def detectable(treated: Outcome, held: Outcome) -> float | None:
    """The least true difference that arms of these sizes find with power 80 % at 5 %; None without spread or people.

    Spread is that of the control, as it must be when a trial is planned. 3,600 against 400 people at 12 %: 0.048.
    """
    if not treated.sample.n or not held.sample.n:
        return None
    p = held.sample.mean
    spread = p * (1 - p) if held.share else held.sample.variance
    if spread <= 0:
        return None
    return (Z + POWER) * math.sqrt(spread * (1 / treated.sample.n + 1 / held.sample.n))


def people_needed(base: float, wanted: float) -> int:
    """People per arm to tell ``wanted`` from ``base`` (shares) with power 80 % at 5 %, two-sided.

    Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions, 3rd ed., equation 4.14. 10 % → 12 %: 3,841.
    """
    middle, apart = (base + wanted) / 2, base * (1 - base) + wanted * (1 - wanted)
    return math.ceil((Z * math.sqrt(2 * middle * (1 - middle)) + POWER * math.sqrt(apart)) ** 2 / (wanted - base) ** 2)


def _always(a: Sample, b: Sample, planned: int) -> tuple[float, float] | None:
    if a.n < 2 or b.n < 2:
        return None
    error = a.variance / a.n + b.variance / b.n
    if not error:
        return None
    half = always_valid(error, prior=TIGHTEST * error * (a.n + b.n) / planned)
    return a.mean - b.mean - half, a.mean - b.mean + half


def always_valid(error: float, *, prior: float) -> float:
    """Half the 95 % interval of the mixture sequential test, which may be looked at after every single person.

    ``error`` is the variance of the estimate now, ``prior`` the variance τ² of the normal mixture, fixed beforehand.
    Johari, Koomen, Pekelis & Walsh, Always Valid Inference, Operations Research 70(3), 2022 (first shown 2017):
    {θ: √(V/(V+τ²)) · exp(τ²(d−θ)² / 2V(V+τ²)) < 1/α}.
    """
    if error <= 0:
        return 0.0
    return math.sqrt(2 * error * (error + prior) / prior * (math.log(20) + 0.5 * math.log((error + prior) / error)))


def ratio_p(sizes: Mapping[str, int], shares: Mapping[str, float] | None = None) -> float | None:
    """How likely arms as uneven as these are if people were assigned by ``shares`` (default: evenly).

    χ² with one degree of freedom less than arms. None where there is only one arm or nobody.
    """
    people = sum(sizes.values())
    if len(sizes) < 2 or not people:
        return None
    wanted = shares or dict.fromkeys(sizes, 1 / len(sizes))
    chi = math.fsum((n - people * wanted[arm]) ** 2 / (people * wanted[arm]) for arm, n in sizes.items())
    return float(chdtrc(len(sizes) - 1, chi))
