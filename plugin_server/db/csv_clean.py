"""The usual file of orders, in which every row is in order: copied in its types, and read where it lies.

Anything out of the ordinary (a bad date, an odd address, decimal commas) is for ``csv_orders`` to judge row by row.
"""

from __future__ import annotations

from collections.abc import Iterable

from babel.numbers import get_currency_precision, list_currencies
from psycopg import sql
from sqlalchemy import Connection, text

from connectors.csvfile.shape import OutOfShape, Shape
from plugin_server.db import csv_raw
from plugin_server.db.csv_orders import Reading, status_of
from plugin_server.db.ingest_people import EMAIL
from plugin_server.db.staging import driver

TYPES = {
    "ordered_at": "timestamptz", "total": "numeric", "refunded": "numeric", "line_quantity": "numeric",
    "line_unit_price": "numeric",
}  # fmt: skip

PERSONAL = ("customer_id", "email", "name", "phone", "country", "coupon_codes")

PERSONS = "SELECT external_id, email, seq, first_at FROM csv_person WHERE external_id IS NOT NULL OR email IS NOT NULL"
"""Who ordered, for ``ingest_people``: what it would read from the orders, seen here already."""

_SEEN = """
    SELECT count(DISTINCT currency) AS currencies, min(currency) AS currency, min(first_at) >= '1970-01-02'
        AND max(last_at) <= :latest AND NOT coalesce(bool_or(lower(email) !~ :pattern), false) AS clean
    FROM csv_person
"""


def load(connection: Connection, reading: Reading, columns: list[str], pieces: Iterable[bytes], delimiter: str) -> bool:
    """Copy a file without quotes into ``csv_raw`` and make ``csv_row`` a view of it; False where some row is odd.

    Where it is False, or raises ``OutOfShape`` or ``Uneven``, the transaction is to be rolled back. Moments that do
    not say their zone are in the shop's: the session's zone, while they are copied.
    """
    connection.execute(text("SELECT set_config('TimeZone', :zone, true)"), {"zone": reading.timezone})
    csv_raw.prepare(connection, columns, TYPES)
    csv_raw.copy_blocks(connection, columns, Shape(columns, delimiter).watch(pieces), delimiter)
    has = set(reading.fields)
    connection.execute(text(_persons(has)))
    found = connection.execute(text(_SEEN), reading.bound() | {"pattern": EMAIL}).one()
    currency = found.currency or reading.currency
    if not found.clean or found.currencies > 1 or currency not in list_currencies():
        return False
    if reading.by_line:
        connection.execute(text("ANALYZE pg_temp.csv_raw (row, order_id)"))
    driver(connection).execute(_view(has, currency))
    return True


def tellers(reading: Reading) -> str:
    """What a row tells of who ordered, for ``ingest_people``, without a look at the rest of it."""
    has = set(reading.fields)
    country, countries = csv_raw.by_country(has)
    cells = ", ".join(f"{_cell(name, has)} AS {name}" for name in ("name", "phone"))
    account = _cell("customer_id", has)
    return (
        f"SELECT row AS seq, {account} AS customer_external_id, {cells}, {country} AS country, "
        f"NULL::text AS language FROM csv_raw {countries}"
    )


def _cell(name: str, has: set[str]) -> str:
    return name if name in has else "NULL::text"


def _persons(has: set[str]) -> str:
    cells = ", ".join(_cell(name, has) for name in ("customer_id", "email", "currency"))
    return f"""
    CREATE TEMP TABLE csv_person AS
    SELECT external_id, email, currency, max(row) AS seq, min(ordered_at) AS first_at, max(ordered_at) AS last_at
    FROM (SELECT {cells}, row, ordered_at FROM csv_raw) AS each (external_id, email, currency, row, ordered_at)
    GROUP BY 1, 2, 3"""


def _view(has: set[str], currency: str) -> sql.Composed:
    country, countries = csv_raw.by_country(has)
    personal = ", ".join(f"{country if name == 'country' else _cell(name, has)} AS {name}" for name in PERSONAL)
    lines = f"{_cell('line_sku', has)} AS sku, {_cell('line_title', has)} AS title"
    numbers = "".join(f", {name}" for name in TYPES if name != "ordered_at" and name in has)
    status = "coalesce(status, 'paid')" if "status" in has else "'paid'::text"
    rest = f"""row, order_id, ordered_at AS at, {personal}, {lines}{numbers}, {status} AS raw_status,
        {status_of("status") if "status" in has else "'paid'::text"} AS status, NULL::text AS bad"""
    fixed = sql.SQL("{}::text AS currency, {}::numeric AS unit").format(
        currency, 10 ** get_currency_precision(currency)
    )
    return sql.SQL("CREATE TEMP VIEW csv_row AS SELECT {}, {} FROM csv_raw {}").format(
        sql.SQL(rest), fixed, sql.SQL(countries)
    )


__all__ = ["PERSONS", "OutOfShape", "load", "tellers"]
