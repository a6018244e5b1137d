"""Pacing by cost: each shop gives an app a bucket of points that refills, and every query says how many it wants.

Shopify refuses what the bucket does not hold, so we ask our own copy of it first. The copy is corrected by what every
answer tells (``throttleStatus``); size and refill differ by plan and are never assumed. The copy is shared by all who
call the same shop; where that is more than one process, something outside keeps it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Protocol

FORGET = 30.0
"""Seconds after which a reservation whose answer never came no longer counts: the shop has refilled it by then."""

SOONEST = 0.05


class Bucket(Protocol):
    """The cost bucket of one shop, shared by all who call it."""

    def take(self, cost: float) -> float:
        """Seconds to wait before a query of this requested cost may be sent; 0.0 reserves it now."""

    def learn(self, *, available: float, maximum: float, restore_rate: float, reserved: float) -> None:
        """What ``throttleStatus`` said after a request that had reserved that much."""


class LocalBucket:
    """The bucket of one shop within one process. Before the first answer nothing is known and everything may pass."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._level = 0.0
        self._maximum = 0.0
        self._rate = 0.0
        self._told = 0.0
        self._pending: deque[tuple[float, float]] = deque()

    def take(self, cost: float) -> float:
        """Seconds to wait before a query of this requested cost may be sent; 0.0 reserves it now."""
        with self._lock:
            now = self._monotonic()
            while self._pending and now - self._pending[0][0] > FORGET:
                self._pending.popleft()
            if self._rate > 0:
                free = self._free(now)
                # A query dearer than the whole bucket is sent when the bucket is full: the shop itself then judges it.
                lacking = min(cost, self._maximum) - free
                if lacking > 0:
                    return max(lacking / self._rate, SOONEST)
            self._pending.append((now, cost))
            return 0.0

    def learn(self, *, available: float, maximum: float, restore_rate: float, reserved: float) -> None:
        """What ``throttleStatus`` said after a request that had reserved that much."""
        with self._lock:
            self._level, self._maximum, self._rate = available, maximum, restore_rate
            self._told = self._monotonic()
            for entry in self._pending:
                if entry[1] == reserved:
                    self._pending.remove(entry)
                    break

    def _free(self, now: float) -> float:
        refilled = self._level + (now - self._told) * self._rate
        # Requests under way may not be in the figure we were told last: counting them twice only makes us patient.
        return min(refilled, self._maximum) - sum(cost for _, cost in self._pending)
