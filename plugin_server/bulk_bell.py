"""The bell of one shop's bulk operations: the shop tells that one has finished, and whoever waits for it looks at once.

Kept in Redis, for the delivery comes to one process and another one waits. A ring that nobody hears, or one that is
lost, costs no more than a look too many or some seconds of waiting.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
LASTS = 120


class BulkBell:
    """The bell of the shop called ``name``."""

    def __init__(self, redis: Redis, name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._redis, self._key, self._sleep = redis, f"bulk:{name}", sleep

    def ring(self) -> None:
        """Wake who waits, or who will begin to wait within ``LASTS`` seconds."""
        try:
            with self._redis.pipeline() as pipe:
                pipe.lpush(self._key, 1)
                pipe.ltrim(self._key, 0, 0)
                pipe.expire(self._key, LASTS)
                pipe.execute()
        except RedisError as error:
            log.warning("the bell of %s did not ring: %s", self._key, error)

    def wait(self, seconds: float) -> None:
        """Come back when it rings, after ``seconds`` at the latest."""
        try:
            self._redis.blpop([self._key], timeout=seconds)
        except RedisError:
            self._sleep(seconds)
