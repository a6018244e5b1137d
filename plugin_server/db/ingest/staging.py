"""Rows on their way in: COPY into temporary tables, because COPY into guarded tables is not allowed to the application.

Each temporary table lives until the end of its transaction. Text is cut where the database could not hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from csv import writer
from dataclasses import dataclass
from io import StringIO
from typing import Any

from psycopg import Connection as DriverConnection
from sqlalchemy import Connection, text

LOCK = 7_410_002
"""With the merchant's number: the advisory lock that makes the ingests of one merchant take turns, chunk by chunk."""

LONGEST = 400
"""Names, titles and ids are cut to this many characters: an index cannot hold more than about 2,700 bytes."""


def driver(connection: Connection) -> DriverConnection[Any]:
    """The psycopg connection below, for COPY."""
    found: DriverConnection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    return found


def take_turn(connection: Connection, merchant_id: int) -> None:
    """Wait until no other transaction brings in rows of this merchant; lasts to the end of the transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock, :merchant)"), {"lock": LOCK, "merchant": merchant_id})


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of a temporary table as CSV; its columns are "name type", and empty text is NULL unless "NOT NULL" follows.

    The planner is told of the columns ``joined`` (names with commas between; all if not given): where few of many
    columns are joined by, looking at all of them takes as long as writing the rows.
    """

    table: str
    columns: Sequence[str]
    rows: bytes
    joined: str


def sheet(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, joined: str = "") -> Sheet:
    """Lay out ``rows`` for ``put``, without a connection. Arrays and JSON are given as text (``array``)."""
    out = StringIO()
    writer(out).writerows(rows)
    # What the database cannot hold is for it to refuse, as a row among others.
    return Sheet(table, columns, out.getvalue().encode("utf-8", "surrogatepass"), joined)


def put(connection: Connection, sheet: Sheet) -> None:
    """Make the temporary table of a sheet anew, with its rows."""
    made = f"CREATE TEMP TABLE {sheet.table} ({', '.join(sheet.columns)}) ON COMMIT DROP"
    connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{sheet.table}; {made}"))
    full = ", ".join(column.split()[0] for column in sheet.columns if column.endswith(" NOT NULL"))
    form = f"FORMAT csv, FORCE_NOT_NULL ({full})" if full else "FORMAT csv"
    with driver(connection).cursor() as cursor, cursor.copy(f"COPY pg_temp.{sheet.table} FROM STDIN ({form})") as copy:
        copy.write(sheet.rows)
    connection.execute(text(f"ANALYZE pg_temp.{sheet.table}{f' ({sheet.joined})' if sheet.joined else ''}"))


def staged(connection: Connection, table: str, select: str, values: dict[str, Any]) -> None:
    """Make the temporary ``table`` from a query."""
    connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{table}"))
    connection.execute(text(f"CREATE TEMP TABLE {table} ON COMMIT DROP AS {select}"), values)
    connection.execute(text(f"ANALYZE pg_temp.{table}"))


def analyse(connection: Connection) -> None:
    """Tell the planner of the many rows that came in; it would go by an empty table otherwise."""
    connection.execute(text("SELECT tangga_analyze()"))


def cut(value: str | None, longest: int = LONGEST) -> str | None:
    """Text the database can hold: without NUL, not longer than ``longest``; empty becomes None."""
    if not value:
        return None
    if len(value) <= longest and "\x00" not in value:
        return value.strip() or None  # Nearly all texts fit as they are.
    return value.replace("\x00", "").strip()[:longest] or None


def words(values: Iterable[str]) -> list[str]:
    """A list of texts the database can hold."""
    return [kept for value in values if (kept := cut(value))]


def array(values: Sequence[str]) -> str:
    """``words`` as PostgreSQL writes an array of texts."""
    if not values:
        return "{}"
    quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in words(values))
    return "{" + ",".join(f'"{word}"' for word in quoted) + "}"
