"""Can this process do its work? Each answer is ``ok`` or one sentence about what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from plugin_server.db import backlog
from plugin_server.db.migrate import is_current
from plugin_server.db.session import system
from plugin_server.wiring import Services

SWEEP_LATE = timedelta(minutes=10)
log = logging.getLogger(__name__)


def checks(services: Services) -> dict[str, str]:
    """What was looked at, and how it is."""
    return {
        "database": _told(services, _database),
        "migrations": _told(services, _migrations),
        "queue": _told(services, _queue),
        "sweep": _told(services, _sweep),
    }


def _told(services: Services, look: Callable[[Services], str]) -> str:
    try:
        return look(services)
    except (SQLAlchemyError, RedisError) as error:
        log.warning("not ready: %s", error)
        return "does not answer"


def _database(services: Services) -> str:
    with system(services.engine):
        return "ok"


def _migrations(services: Services) -> str:
    with system(services.engine) as connection:
        return "ok" if is_current(connection) else "run `tangga migrate`"


def _queue(services: Services) -> str:
    return "ok" if services.redis.ping() else "does not answer"


def _sweep(services: Services) -> str:
    """A fresh instance has not swept yet; one that has must keep doing so."""
    with system(services.engine) as connection:
        last = backlog.last_sweep(connection)
    if last is None or services.now() - last < SWEEP_LATE:
        return "ok"
    return f"last done at {last.isoformat(timespec='seconds')}; is `tangga scheduler` running?"
