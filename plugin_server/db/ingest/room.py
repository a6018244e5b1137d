"""A room for one import: tables that two connections can read, and that nobody keeps.

Temporary tables are seen by one connection alone and never read in parallel. These are unlogged, lie in a schema of
their own, are named by the import's number, and show their rows to the merchant whose import it is. While an import
lasts its connection holds a lock; tables found without it were left behind by a crash, and go.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, text

SCHEMA: Final = "tangga_import"
LOCK: Final = 7_410_020
"""With the number of a room: the advisory lock that its import holds."""
OF_MERCHANT: Final = 7_410_021
"""With the merchant: held by all their imports together, so that others see that orders are coming in."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Room:
    """The tables of one import of one merchant."""

    number: int
    merchant_id: int

    def table(self, name: str) -> str:
        """The full name of the room's table ``name``."""
        return f"{SCHEMA}.i{self.number}_{self.merchant_id:d}_{name}"

    def make(self, connection: Connection, name: str, columns: str) -> None:
        """An empty table of SQL ``columns``, for COPY; ``close_off`` it when it is filled, in the same transaction."""
        connection.execute(text(f"CREATE UNLOGGED TABLE {self.table(name)} ({columns}) {_UNATTENDED}"))

    def keep(self, connection: Connection, name: str, query: str, values: Mapping[str, Any] = _NOTHING) -> None:
        """A table of the rows of a query."""
        connection.execute(text(f"CREATE UNLOGGED TABLE {self.table(name)} {_UNATTENDED} AS {query}"), dict(values))
        self.close_off(connection, name)

    def close_off(self, connection: Connection, name: str) -> None:
        """Show the table's rows to its merchant alone: COPY is not allowed any more from here on."""
        table = self.table(name)
        connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"))
        connection.execute(
            text(f"CREATE POLICY of_merchant ON {table} USING ((SELECT tangga_merchant()) = {self.merchant_id:d})")
        )

    def show(self, connection: Connection, *names: str) -> None:
        """Let this connection call the tables by these names alone."""
        for name in names:
            connection.execute(text(f"CREATE TEMP VIEW {name} AS SELECT * FROM {self.table(name)}"))

    def leave(self, connection: Connection) -> None:
        """Drop the tables and let go of the locks; whoever was shown them must have dropped the views."""
        merchant = {"lock": OF_MERCHANT, "merchant": self.merchant_id}
        connection.execute(text("SELECT pg_advisory_unlock_shared(:lock, :merchant)"), merchant)
        _drop(connection, self.number)
        connection.execute(text("SELECT pg_advisory_unlock(:lock, :number)"), {"lock": LOCK, "number": self.number})


_UNATTENDED = "WITH (autovacuum_enabled = off)"


def enter(connection: Connection, merchant_id: int) -> Room:
    """A new room, which lasts until it is left or the connection ends."""
    number = secrets.randbelow(2**31)
    connection.execute(text("SELECT pg_advisory_lock(:lock, :number)"), {"lock": LOCK, "number": number})
    merchant = {"lock": OF_MERCHANT, "merchant": merchant_id}
    connection.execute(text("SELECT pg_advisory_lock_shared(:lock, :merchant)"), merchant)
    return Room(number, merchant_id)


def occupied(connection: Connection, merchant_id: int) -> bool:
    """Whether an import of this merchant goes on: its orders may be half there."""
    held = text(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = :lock AND objid = :merchant "
        "AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
    return bool(connection.scalar(held, {"lock": OF_MERCHANT, "merchant": merchant_id}))


def sweep(connection: Connection, merchant_id: int | None = None) -> set[int]:
    """Drop what imports (of one merchant, where given) left behind that are no more; gives whose they were.

    Such an import may have ended between writing orders and reading facts: what follows from orders is to be read anew.
    """
    left = set()
    for number, of in sorted({(number, of) for number, of, _ in _tables(connection)}):
        alone = text("SELECT pg_try_advisory_xact_lock(:lock, :number)")
        if merchant_id in (None, of) and connection.scalar(alone, {"lock": LOCK, "number": number}):
            _drop(connection, number)
            left.add(of)
    return left


def _tables(connection: Connection) -> list[tuple[int, int, str]]:
    """(number of the room, its merchant, name) of each table."""
    rows = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = :schema"), {"schema": SCHEMA})
    named = ((re.match(r"i(\d+)_(\d+)_", name), name) for name in rows)
    return [(int(found[1]), int(found[2]), name) for found, name in named if found]


def _drop(connection: Connection, number: int) -> None:
    for of, _, name in _tables(connection):
        if of == number:
            connection.execute(text(f"DROP TABLE {SCHEMA}.{name}"))
