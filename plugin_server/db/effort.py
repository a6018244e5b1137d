"""How hard the database may work for a question about a whole shop, which comes at night or in a worker.

Left to its own estimates PostgreSQL walks millions of orders along an index, customer by customer: each is somewhere
else on the disk. Told that handing rows between processes is cheap and that there is room to sort in memory, it reads
the table once from front to back, with two processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, text

_SETTINGS: Final = {"work_mem": "128MB", "parallel_tuple_cost": "0.01"}


@contextmanager
def whole_shop(conn: Connection) -> Iterator[None]:
    """For the statements of the block; what was set before comes back after it. (An error ends it all anyway.)"""
    before = conn.execute(text("SELECT " + ", ".join(f"current_setting('{name}')" for name in _SETTINGS))).one()
    _set(conn, _SETTINGS)
    yield
    _set(conn, dict(zip(_SETTINGS, before, strict=True)))


def _set(conn: Connection, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        conn.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
