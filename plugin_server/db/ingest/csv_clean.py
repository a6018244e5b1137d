"""The usual file of orders, in which every row is in order: copied in its types into a room, and read where it lies.

Anything out of the ordinary (a bad date, an odd address, decimal commas) is for ``csv_orders`` to judge row by row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from babel.numbers import get_currency_precision, list_currencies
from psycopg import sql
from sqlalchemy import Connection, text

from connectors.csvfile.shape import OutOfShape, Shape
from plugin_server.db.ingest import csv_raw
from plugin_server.db.ingest.csv_orders import Reading, status_of
from plugin_server.db.ingest.people import EMAIL
from plugin_server.db.ingest.room import Room
from plugin_server.db.ingest.staging import driver

TYPES = {
    "ordered_at": "timestamptz", "total": "numeric", "refunded": "numeric", "line_quantity": "numeric",
    "line_unit_price": "numeric",
}  # fmt: skip

PERSONAL = ("customer_id", "email", "name", "phone", "country", "coupon_codes")

PERSONS = "SELECT external_id, email, seq, first_at FROM csv_person WHERE external_id IS NOT NULL OR email IS NOT NULL"
"""Who ordered, for ``ingest_people``: what it would read from the orders, seen here already."""

LAST = "SELECT max(seq) FROM csv_person"
"""The last row of all: those that name nobody are together in one row of it."""

_WORDS = """
    CREATE TEMP TABLE csv_words AS
    SELECT currency, country, status, min(ordered_at) AS first_at, max(ordered_at) AS last_at
    FROM (SELECT {cells}, ordered_at FROM {file}) AS each (currency, country, status, ordered_at)
    GROUP BY currency, country, status
"""

_SEEN = f"""
    SELECT count(DISTINCT currency) AS currencies, min(currency) AS currency, min(first_at) >= '1970-01-02'
        AND max(last_at) <= :latest AND NOT EXISTS (SELECT FROM csv_person WHERE lower(email) !~ :pattern) AS clean,
        bool_or({status_of("status")} = 'refunded') AS refunded
    FROM csv_words
"""


@dataclass(frozen=True, slots=True)
class Clean:
    """A file that lies in ``room``: its fields, its one currency, and what is to be looked for in it.

    ``countries`` is whether some country is not told by its code, ``refunds`` whether money may have gone back.
    """

    room: Room
    has: frozenset[str]
    currency: str
    countries: bool
    refunds: bool

    def show(self, connection: Connection) -> None:
        """Let this connection read the file as ``csv_row``."""
        self.room.show(connection, "csv_raw", *(["csv_told"] if self.countries else []))
        driver(connection).execute(_view(self))

    def tellers(self) -> str:
        """What a row tells of who ordered, for ``ingest_people``, without a look at the rest of it."""
        cells = ", ".join(f"{_cell(name, self.has)} AS {name}" for name in ("name", "phone"))
        country, countries = self.country()
        return (
            f"SELECT row AS seq, {_cell('customer_id', self.has)} AS customer_external_id, {cells}, "
            f"{country} AS country, NULL::text AS language FROM csv_raw {countries}"
        )

    def country(self) -> tuple[str, str]:
        """(expression, join) that give the country of a row."""
        if not self.countries:
            return _cell("country", self.has), ""
        return "coalesce(told.code, csv_raw.country)", "LEFT JOIN csv_told AS told ON told.word = csv_raw.country"


def load(
    connection: Connection, room: Room, reading: Reading, columns: list[str], pieces: Iterable[bytes], delimiter: str
) -> Clean | None:
    """Copy a file without quotes into the ``room`` as ``csv_raw``; None where some row is odd.

    Where it is None, or raises ``OutOfShape`` or ``Uneven``, the transaction is to be rolled back. Moments that do
    not say their zone are in the shop's: the session's zone, while they are copied.
    """
    connection.execute(text("SELECT set_config('TimeZone', :zone, true)"), {"zone": reading.timezone})
    csv_raw.prepare_beside(connection, columns)
    room.make(connection, "csv_raw", csv_raw.columns_of(columns, TYPES))
    shaped = Shape(columns, delimiter).watch(pieces)
    csv_raw.copy_blocks(connection, columns, shaped, delimiter, into=room.table("csv_raw"))
    room.close_off(connection, "csv_raw")
    has = frozenset(reading.fields)
    connection.execute(text("SET LOCAL parallel_tuple_cost = 0.01"))
    connection.execute(text(_persons(has, room.table("csv_raw"))))
    cells = ", ".join(_cell(name, has) for name in ("currency", "country", "status"))
    connection.execute(text(_WORDS.format(cells=cells, file=room.table("csv_raw"))))
    found = connection.execute(text(_SEEN), reading.bound() | {"pattern": EMAIL}).one()
    currency = found.currency or reading.currency
    if not found.clean or found.currencies > 1 or currency not in list_currencies():
        return None
    if reading.by_line:
        connection.execute(text(f"ANALYZE {room.table('csv_raw')} (row, order_id)"))
    countries = "country" in has and _told_otherwise(connection, room)
    return Clean(room, has, currency, countries, refunds="refunded" in has or found.refunded)


def _told_otherwise(connection: Connection, room: Room) -> bool:
    """Whether some country stands there in another word than its code; then ``csv_told`` has them."""
    room.keep(connection, "csv_told", _COUNTRIES)
    return bool(connection.scalar(text(f"SELECT EXISTS (SELECT FROM {room.table('csv_told')})")))


_COUNTRIES = """
    SELECT DISTINCT p.country AS word, c.country_code AS code
    FROM csv_words p JOIN csv_country c ON c.country_word = lower(p.country) WHERE p.country <> c.country_code
"""


def _cell(name: str, has: Collection[str]) -> str:
    return name if name in has else "NULL::text"


def _persons(has: Collection[str], file: str) -> str:
    cells = ", ".join(_cell(name, has) for name in ("customer_id", "email"))
    return f"""
    CREATE TEMP TABLE csv_person AS
    SELECT external_id, email, max(row) AS seq, min(ordered_at) AS first_at
    FROM (SELECT {cells}, row, ordered_at FROM {file}) AS each (external_id, email, row, ordered_at)
    GROUP BY external_id, email"""


def _view(of: Clean) -> sql.Composed:
    has = of.has
    country, countries = of.country()
    personal = ", ".join(f"{country if name == 'country' else _cell(name, has)} AS {name}" for name in PERSONAL)
    lines = f"{_cell('line_sku', has)} AS sku, {_cell('line_title', has)} AS title"
    numbers = "".join(f", {name}" for name in TYPES if name != "ordered_at" and name in has)
    status = "coalesce(status, 'paid')" if "status" in has else "'paid'::text"
    rest = f"""row, order_id, ordered_at AS at, {personal}, {lines}{numbers}, {status} AS raw_status,
        {status_of("status") if "status" in has else "'paid'::text"} AS status, NULL::text AS bad"""
    fixed = sql.SQL("{}::text AS currency, {}::numeric AS unit").format(
        of.currency, 10 ** get_currency_precision(of.currency)
    )
    return sql.SQL("CREATE TEMP VIEW csv_row AS SELECT {}, {} FROM csv_raw {}").format(
        sql.SQL(rest), fixed, sql.SQL(countries)
    )


__all__ = ["LAST", "PERSONS", "Clean", "OutOfShape", "load"]
