"""Can the database write? Reading goes on for long on a full disk, and on a server that only follows another."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from plugin_server.db.session import system

WELL = "ok"
KEPT = timedelta(seconds=10)
"""How long an answer stands: whoever asks without pause must not keep the disk busy."""
CALM = timedelta(minutes=1)
"""How long writing must have worked again: a full disk has a little room now and then, and fills up at once."""


class WriteTrial:
    """Tries now and then whether the database behind an engine can write, and remembers how it went."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._looked: datetime | None = None
        self._failed: datetime | None = None
        self._told = WELL

    def told(self, now: datetime) -> str:
        """``ok``, or one sentence about what keeps the database from writing. Raises where it does not answer."""
        if self._looked is None or not timedelta() <= now - self._looked < KEPT:
            found = _tried(self._engine)
            self._looked = now
            if found != WELL:
                self._failed, self._told = now, found
            elif self._failed is None or now - self._failed >= CALM:
                self._failed, self._told = None, WELL
        return self._told


def _tried(engine: Engine) -> str:
    try:
        with system(engine) as connection:
            return _write(connection)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.DiskFull):
            return "its disk is full: make room on it"
        if isinstance(error.orig, psycopg.OperationalError) and not error.orig.sqlstate:
            raise
        return f"cannot write: {str(error.orig).splitlines()[0]}"


def _write(connection: Connection) -> str:
    """4 MB beside the tables, gone at the end of the statement: no row, no log, and no table that grows by trying."""
    if connection.scalar(text("SELECT current_setting('transaction_read_only')")) == "on":
        return "may only be read, as a server that follows another: DATABASE_URL must name the one that is written to"
    connection.execute(text("SELECT set_config('work_mem', '64kB', true)"))
    connection.execute(text("SELECT count(*) FROM unnest(array_fill(repeat('x', 8000), ARRAY[512]))"))
    return WELL
