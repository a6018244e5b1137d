"""Wake-up calls that nobody waits for: rung by a thread of their own, many deliveries with one ring."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from plugin_server.jobs.queues import wake

log = logging.getLogger(__name__)
PAUSE = 0.005
"""Seconds between two rounds: what comes in meanwhile shares a ring."""


class Bell:
    """Rings for jobs with one id. A ring that is lost loses nothing, for the rows are there and the sweeper looks."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._due: set[tuple[Callable[..., Any], int]] = set()
        self._something = Event()
        self._lock = Lock()
        self._thread: Thread | None = None
        self._closing = False

    def ring(self, job: Callable[..., Any], number: int) -> None:
        """Ask a worker to run ``job(number)`` soon. Returns at once."""
        with self._lock:
            self._due.add((job, number))
            if self._thread is None or not self._thread.is_alive():
                # Begun on first use, so that a process that forks before has no half thread.
                self._thread = Thread(target=self._rounds, name="bell", daemon=True)
                self._thread.start()
        self._something.set()

    def close(self) -> None:
        """Ring what is due and end."""
        self._closing = True
        self._something.set()
        if self._thread:
            self._thread.join()

    def _rounds(self) -> None:
        while not self._closing or self._due:
            self._something.wait()
            self._something.clear()
            with self._lock:
                due, self._due = self._due, set()
            for job, number in due:
                try:
                    wake(self._redis, job, number, on="urgent")
                except RedisError as error:
                    log.warning("no wake-up call for %s(%s): %s", job.__name__, number, error)
            time.sleep(PAUSE)
