"""Numbers that take a large shop's database a while are kept for a little; those of a small one are always fresh."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar

from redis import Redis
from redis.exceptions import RedisError

T = TypeVar("T")
SLOW = 0.1
"""Seconds from which on it is worth remembering."""
TIMES, MOST = 100, 60
"""Kept a hundred times as long as it took, and at most a minute."""


def remembered(redis: Redis, key: str, make: Callable[[], T]) -> T:
    """What ``make`` gives (JSON-like), or gave a moment ago. Without a queue server it is made anew each time."""
    try:
        kept = redis.get(f"page:{key}")
        if isinstance(kept, bytes):
            found: T = json.loads(kept)
            return found
    except RedisError:
        return make()
    began = time.perf_counter()
    made = make()
    took = time.perf_counter() - began
    if took >= SLOW:
        redis.set(f"page:{key}", json.dumps(made), ex=max(1, min(MOST, round(took * TIMES))))
    return made
