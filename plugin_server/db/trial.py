"""Can the database write? Reading goes on for long on a full disk, and on a server that only follows another."""

from __future__ import annotations

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from plugin_server.db.session import system

WELL = "ok"


def tried(engine: Engine) -> str:
    """``ok``, or one sentence about what keeps the database from writing. Raises where it does not answer."""
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
