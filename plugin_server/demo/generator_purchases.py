"""When people buy and for how much: MBG/CNBD-k purchase processes and Gamma-Gamma spend.

Each buyer has a purchase rate (Gamma over people), gaps of Erlang-k around it, and a chance to be lost after every
purchase, the first one included (Beta over people). The clock is operational time (see generator_season).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from plugin_server.demo.generator_types import Family


@dataclass(frozen=True, slots=True)
class Process:
    """Parameters of one family; the rate is per week, ``mean_spend`` in rupiah."""

    r: float
    alpha: float
    a: float
    b: float
    k: int
    mean_spend: int


PROCESSES = {
    Family.FASHION: Process(r=0.525, alpha=6.183, a=1.35, b=1.00, k=1, mean_spend=340_000),
    Family.SUPPLEMENT: Process(r=1.257, alpha=9.5, a=0.85, b=0.80, k=2, mean_spend=285_000),
}
FASHION_SHARE = 0.52

# Gamma-Gamma: a basket is Gamma(p) around the buyer's own mean, whose inverse is Gamma(q) over people.
_SPEND_P = 6.25
_SPEND_Q = 3.74
# Whom a friend brought is lost less often.
_REFERRED_DROPOUT = 0.82
_DAYS_A_WEEK = 7.0


@dataclass(frozen=True, slots=True)
class Traits:
    """The latent side of one buyer."""

    family: Family
    rate: float
    dropout: float
    spend: float
    satisfaction: float

    @property
    def satisfied(self) -> bool:
        """Would speak well of the shop."""
        return self.satisfaction >= 0.42


def draw_traits(rng: Random, family: Family, *, referred: bool) -> Traits:
    """One buyer's rate, drop-out, spend and satisfaction; the satisfied are lost a little less often."""
    process = PROCESSES[family]
    dropout = rng.betavariate(process.a, process.b)
    satisfaction = min(1.0, max(0.0, rng.gauss(0.80 - 0.45 * dropout, 0.16)))
    inverse_scale = rng.gammavariate(_SPEND_Q, 1.0)
    return Traits(
        family=family,
        rate=rng.gammavariate(process.r, 1.0 / process.alpha),
        dropout=dropout * (_REFERRED_DROPOUT if referred else 1.0),
        spend=process.mean_spend * (_SPEND_Q - 1.0) / inverse_scale,
        satisfaction=satisfaction,
    )


def purchase_clock(rng: Random, traits: Traits, *, first: float, end: float) -> list[float]:
    """Operational days of every purchase from ``first`` on, before ``end``."""
    shape = PROCESSES[traits.family].k
    clock, moments = first, [first]
    while rng.random() >= traits.dropout:
        clock += rng.gammavariate(shape, 1.0 / (shape * traits.rate)) * _DAYS_A_WEEK
        if clock >= end:
            break
        moments.append(clock)
    return moments


def basket_worth(rng: Random, traits: Traits) -> float:
    """What one basket of this buyer is to be worth, in rupiah."""
    return traits.spend * rng.gammavariate(_SPEND_P, 1.0) / _SPEND_P
