"""Whether the database can write, tried now and then and told alike by all processes."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import cast

from redis import Redis, RedisError
from sqlalchemy import Engine

from plugin_server.db.trial import WELL, tried

KEPT = timedelta(seconds=10)
"""How long an answer stands: whoever asks without pause must not keep the disk busy."""
CALM = timedelta(minutes=1)
"""How long writing must have worked again: a full disk has a little room now and then, and fills up at once."""
KEY = "database:unwritable"


class WriteTrial:
    """Remembers how the last trials went. A failure is told to the other processes by way of the queue."""

    def __init__(self, engine: Engine, redis: Redis) -> None:
        self._engine, self._redis = engine, redis
        self._looked: datetime | None = None
        self._failed: tuple[datetime, str] | None = None

    def told(self, now: datetime) -> str:
        """``ok``, or one sentence about what keeps the database from writing. Raises where it does not answer."""
        if self._looked is None or not timedelta() <= now - self._looked < KEPT:
            found = tried(self._engine)
            self._looked = now
            if found != WELL:
                self._failed = now, found
                with suppress(RedisError):  # Its disk may be the same.
                    self._redis.set(KEY, f"{now.isoformat()} {found}", ex=2 * CALM)
        failures = filter(None, (self._failed, self._heard()))
        return next((why for at, why in failures if now - at < CALM), WELL)

    def _heard(self) -> tuple[datetime, str] | None:
        """The last failure that any process met."""
        with suppress(RedisError):
            told = cast("bytes | None", self._redis.get(KEY))
            if told:
                at, _, why = told.decode().partition(" ")
                return datetime.fromisoformat(at), why
        return None
