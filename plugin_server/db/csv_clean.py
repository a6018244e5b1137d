"""The usual file of orders, in which every row is in order: seen in one look, and read where it lies.

Anything out of the ordinary (a bad date, an odd address, decimal commas) is for ``csv_orders`` to judge row by row.
"""

from __future__ import annotations

from babel.numbers import get_currency_precision, list_currencies
from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError

from plugin_server.db.csv_orders import Reading, is_digits, status_of
from plugin_server.db.ingest_people import EMAIL
from plugin_server.db.staging import driver

UTC, LOCAL = "____-__-__T__:__:__Z", "____-__-__ __:__:__"
"""The shapes of moments that are cast as they are; one file has but one of them."""

LONGEST = {
    "customer_id": 200, "email": 300, "name": 400, "phone": 60, "country": 60, "coupon_codes": 2000, "status": 100,
}  # fmt: skip

PERSONAL = ("email", "name", "phone", "country", "coupon_codes")


def see(connection: Connection, reading: Reading) -> bool:
    """Make ``csv_row`` a view of ``csv_raw`` where every row can be taken without a word; False where not.

    Nothing is copied: a cell is cast where it is needed. For files without anything to trim: ``CsvFile.bare`` and
    ``Edges.tidy``.
    """
    has = set(reading.fields)
    if reading.decimal_comma or "total" not in has or reading.by_line:
        return False
    try:
        with connection.begin_nested():
            found = connection.execute(text(_look(has)), reading.bound()).one()
    except DataError:
        return False
    currency = found.currency or reading.currency
    if not (found.clean and found.utc is not None and currency in list_currencies()):
        return False
    connection.execute(text(_persons(has, utc=found.utc)), reading.bound())
    if connection.scalar(text(_ODD_ADDRESS), {"pattern": EMAIL}):
        return False
    driver(connection).execute(_view(has, currency, None if found.utc else reading.timezone))
    return True


PERSONS = "SELECT * FROM csv_person"
"""Who ordered, for ``ingest_people``: what it would read from the orders, seen here already."""

_ODD_ADDRESS = "SELECT EXISTS (SELECT FROM csv_person WHERE lower(email) !~ :pattern)"


def _persons(has: set[str], *, utc: bool) -> str:
    account, email = ("customer_id" if "customer_id" in has else "NULL"), ("email" if "email" in has else "NULL")
    first = "min(ordered_at)::timestamptz" if utc else "min(ordered_at)::timestamp AT TIME ZONE :timezone"
    # Moments of one shape follow each other as their texts do.
    return f"""
    CREATE TEMP TABLE csv_person AS
    SELECT {account}::text AS external_id, {email}::text AS email, max(row) AS seq, {first} AS first_at FROM csv_raw
    WHERE {account} IS NOT NULL OR {email} IS NOT NULL GROUP BY 1, 2"""


def _look(has: set[str]) -> str:
    """One pass over the file: whether all is in order, its one currency where it names one, and its kind of moment.

    The casts are part of the look: a date or number that does not exist stops it.
    """
    numbers = [name for name in ("total", "refunded") if name in has]
    each = ["octet_length(order_id) BETWEEN 1 AND 200"]
    each += [f"octet_length({name}) <= {longest}" for name, longest in LONGEST.items() if name in has]
    each += [f"octet_length({name}) < 13 AND {is_digits(name)} AND {name}::numeric IS NOT NULL" for name in numbers]
    each += ["refunded::numeric >= 0"] if "refunded" in has else []
    named = ["order_id", "at", "total", *(["currency"] if "currency" in has else [])]
    whole = [f"count({name}) = count(*)" for name in named]
    if "currency" in has:
        whole.append("min(currency) = max(currency)")
    return f"""
    SELECT {"min(currency)" if "currency" in has else "NULL"} AS currency,
        CASE WHEN bool_and(utc) THEN true WHEN NOT bool_or(utc) THEN false END AS utc,
        {" AND ".join(f"coalesce(bool_and({condition}), true)" for condition in each)}
        AND {" AND ".join(whole)} AND min(at) >= '1970-01-02' AND max(at) <= :latest AS clean
    FROM (SELECT *, ordered_at LIKE '{UTC}' AS utc,
              CASE WHEN ordered_at LIKE '{UTC}' THEN ordered_at::timestamptz
                   WHEN ordered_at LIKE '{LOCAL}' THEN ordered_at::timestamp AT TIME ZONE :timezone END AS at
          FROM csv_raw OFFSET 0) AS w"""


def _view(has: set[str], currency: str, timezone: str | None) -> sql.Composed:
    """Times are in ``timezone``, or say themselves that they are in UTC where that is None."""
    at: sql.Composable = sql.SQL("w.ordered_at::timestamptz")
    if timezone:
        at = sql.SQL("w.ordered_at::timestamp AT TIME ZONE {}").format(sql.Literal(timezone))
    cells = [f"w.{name}" if name in has else f"NULL::text AS {name}" for name in ("customer_id", *PERSONAL)]
    refunded = ", w.refunded::numeric AS refunded" if "refunded" in has else ""
    status = "coalesce(w.status, 'paid')" if "status" in has else "'paid'::text"
    rest = f"""w.row, w.order_id, {", ".join(cells)}, NULL::text AS sku, NULL::text AS title, {status} AS raw_status,
        {status_of("w.status") if "status" in has else "'paid'::text"} AS status, w.total::numeric AS total {refunded},
        NULL::text AS bad"""
    fixed = sql.SQL("{}::text AS currency, {}::numeric AS unit").format(
        currency, 10 ** get_currency_precision(currency)
    )
    # OFFSET 0 keeps PostgreSQL from casting anew wherever a value is named again.
    made = sql.SQL("CREATE TEMP VIEW csv_row AS SELECT {}, {} AS at, {} FROM csv_raw w OFFSET 0")
    return made.format(sql.SQL(rest), at, fixed)
