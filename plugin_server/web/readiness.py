"""Can this process do its work? Each answer is ``ok`` or one sentence about what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from weakref import WeakKeyDictionary

from redis.exceptions import RedisError, ResponseError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from plugin_server.db import backlog
from plugin_server.db.migrate import is_current
from plugin_server.db.session import system
from plugin_server.web.write_trial import WriteTrial
from plugin_server.wiring import Services

SWEEP_LATE = timedelta(minutes=10)
_TRIALS: WeakKeyDictionary[Engine, WriteTrial] = WeakKeyDictionary()
log = logging.getLogger(__name__)


def checks(services: Services) -> dict[str, str]:
    """What was looked at, and how it is."""
    return {
        "database": _told(services, _database),
        "writing": _told(services, _writing),
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


def _writing(services: Services) -> str:
    """Not tried at every question."""
    trial = _TRIALS.setdefault(services.engine, WriteTrial(services.engine, services.redis))
    return trial.told(services.now())


def _migrations(services: Services) -> str:
    with system(services.engine) as connection:
        return "ok" if is_current(connection) else "run `tangga migrate`"


def _queue(services: Services) -> str:
    try:
        return "ok" if services.redis.ping() else "does not answer"
    except ResponseError as error:
        # What it answers to every writing, and to this, while its file cannot be written.
        if not str(error).startswith("MISCONF"):
            raise
        return "cannot write its file: make room on its disk"


def _sweep(services: Services) -> str:
    """A fresh instance has not swept yet; one that has must keep doing so."""
    with system(services.engine) as connection:
        last = backlog.last_sweep(connection)
    if last is None or services.now() - last < SWEEP_LATE:
        return "ok"
    return f"last done at {last.isoformat(timespec='seconds')}; is `tangga scheduler` running?"
