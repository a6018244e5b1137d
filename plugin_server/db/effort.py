"""How hard the database may work for a question about a whole shop, which comes at night or in a worker.

Left to its own estimates PostgreSQL walks millions of orders along an index, customer by customer: each is somewhere
else on the disk. Told that handing rows between processes is cheap and that there is room to sort in memory, it reads
the table once from front to back, with two processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from psycopg.errors import QueryCanceled
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

_SETTINGS: Final = {"work_mem": "128MB", "parallel_tuple_cost": "0.01"}


class TooLong(Exception):
    """A statement took longer than it may; nothing of its block was kept."""


@contextmanager
def whole_shop(conn: Connection) -> Iterator[None]:
    """For the statements of the block; what was set before comes back after it. (An error ends it all anyway.)"""
    before = _set(conn, _SETTINGS)
    yield
    _set(conn, before)


@contextmanager
def bounded(conn: Connection, milliseconds: int, **settings: str) -> Iterator[None]:
    """The same with a time that no statement of the block may exceed. Raises ``TooLong``; the transaction goes on."""
    try:
        with conn.begin_nested():
            before = _set(conn, {"statement_timeout": str(milliseconds), **settings})
            yield
            _set(conn, before)
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        raise TooLong(f"more than {milliseconds} ms") from error


def _set(conn: Connection, values: Mapping[str, str]) -> dict[str, str]:
    """Set them to the end of the transaction; gives what they were before."""
    before = conn.execute(text("SELECT " + ", ".join(f"current_setting('{name}')" for name in values))).one()
    conn.execute(text("SELECT " + ", ".join(f"set_config('{name}', :{name}, true)" for name in values)), values)
    return dict(zip(values, before, strict=True))
