"""What satisfied people do for the shop: they bring friends, and they write reviews."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from math import exp, log
from random import Random

from plugin_server.demo.generator_types import ShopReview

# Chance that a satisfied buyer has begun to share by the first, second, third order.
_SHARES_BY = (0.06, 0.18, 0.38)
_INVITES_MEAN = 4.5
_INVITES_SHAPE = 0.38
_CONVERSION = 0.20
_DAYS_TO_CONVERT = 30.0

_PRAISE = (
    "Bahannya halus dan jahitannya rapi, persis seperti di foto.",
    "Sudah langganan setahun, badan terasa lebih segar.",
    "Pengiriman cepat, dibungkus rapi. Terima kasih, Toko Senja.",
    "Ukurannya pas, warnanya tidak luntur setelah dicuci.",
    "Rasanya enak dan tidak bikin mual. Pasti pesan lagi.",
    "Penjual ramah, pertanyaan dijawab cepat.",
)
_BLAME = (
    "Ukurannya kekecilan, repot menukarnya.",
    "Lama sampai dan kotaknya penyok.",
    "Belum terasa khasiatnya.",
)


class Referrals:
    """Friends on their way to the shop, soonest first."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._coming: list[tuple[float, int]] = []

    def begins_to_share(self, purchases: int) -> int | None:
        """After which purchase (1 = the first) a satisfied buyer of so many begins to share; None for never."""
        luck = self._rng.random()
        for nth in range(1, purchases + 1):
            if luck < _SHARES_BY[min(nth, len(_SHARES_BY)) - 1]:
                return nth
        return None

    def invite(self, buyer: int, day: float) -> None:
        """``buyer`` invites friends on ``day``; those who will come are remembered with the day of their coming."""
        for _ in range(_poisson(self._rng, self._rng.gammavariate(_INVITES_SHAPE, _INVITES_MEAN / _INVITES_SHAPE))):
            if self._rng.random() < _CONVERSION:
                heapq.heappush(self._coming, (day + self._rng.expovariate(1 / _DAYS_TO_CONVERT), buyer))

    def bring(self, day: float) -> int | None:
        """Who brought the person that comes first on ``day``; None for most."""
        if self._coming and self._coming[0][0] <= day:
            return heapq.heappop(self._coming)[1]
        return None


def _poisson(rng: Random, mean: float) -> int:
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def write_review(
    rng: Random, *, product_id: int, reviewer: str, email: str, satisfied: bool, after: datetime, now: datetime
) -> ShopReview | None:
    """A review some days after a delivery, or None where that day has not come."""
    at = after + timedelta(days=min(60.0, -9.0 * log(1 - rng.random()) + 2))
    if at >= now:
        return None
    rating = rng.choices((5, 4), (7, 3))[0] if satisfied else rng.choices((1, 2, 3), (2, 3, 5))[0]
    typed = email.upper() if rng.random() < 0.08 else email
    text = rng.choice(_PRAISE if satisfied else _BLAME)
    return ShopReview(0, product_id, reviewer, typed, rating, text, at.replace(microsecond=0))
