"""Wake-up calls. A lost call loses nothing: the sweeper wakes again whatever row still waits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)
LONGEST = {"bulk": 24 * 3600}
"""Seconds that a job may take, where an hour is too short: a shop of a million orders is read page by page for two."""
QUEUES = ("urgent", "default", "bulk")
"""Read in this order: what a person or a webhook waits for, the rest, and long readings of whole shops."""


def queue(redis: Redis, name: str = "default") -> Queue:
    """One of ``QUEUES``, with JSON jobs."""
    return Queue(name, connection=redis, serializer=JSONSerializer, default_timeout=3600)


def wake(redis: Redis, job: Callable[..., Any], *ids: int | str, on: str = "default", hold: int = 30) -> bool:
    """Ask a worker to run ``job(*ids)`` soon; at most one such call waits at a time.

    The job must begin with ``awake``. Returns False where an equal call is waiting already. ``hold`` (seconds) is how
    long a lost call can keep others away.
    """
    key = _key(job.__name__, ids)
    if not redis.set(key, 1, nx=True, ex=hold):
        return False
    longest = LONGEST.get(on)
    queue(redis, on).enqueue(job, *ids, retry=Retry(max=3), result_ttl=0, failure_ttl=86400, job_timeout=longest)
    return True


def nudge(redis: Redis, job: Callable[..., Any], *ids: int | str) -> None:
    """``wake`` at once for what is written down already and looked for anyway: without a queue it waits for that."""
    try:
        wake(redis, job, *ids, on="urgent")
    except RedisError as error:
        log.warning("the queue is away (%s); %s waits until the scheduler looks", error, job.__name__)


def awake(redis: Redis, job: Callable[..., Any], *ids: int | str) -> None:
    """Say that the call has been heard, before looking at any row: what comes in from now on wakes anew."""
    redis.delete(_key(job.__name__, ids))


def _key(name: str, ids: tuple[int | str, ...]) -> str:
    return ":".join(["wake", name, *map(str, ids)])
