"""Orders of a file, judged and put together as sets: ``csv_raw`` → ``csv_row`` → ``csv_order`` and ``csv_line``.

No row is looked at by itself. A row that cannot be read leaves its whole order out: half an order is worse than none.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from babel.numbers import get_currency_precision, list_currencies
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError

from connectors.csvfile.shape import STATUSES
from connectors.types import Money
from plugin_server.db.ingest import csv_raw, csv_warnings

TIME = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?( ?(Z|[+-]\d\d(:?\d\d)?))?)?$"
POINT = r"^[+-]?\d{1,12}(\.\d{1,12})?$"
COMMA = r"^[+-]?(\d{1,12}|\d{1,3}(\.\d{3}){1,3})(,\d{1,12})?$"
LIKE_COMMA = r"^[+-]?[\d.,]+$"
GROUPED = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"
MONEY = ("total", "refunded", "line_unit_price")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be understood. ``fields`` are those it has; naive times are in ``timezone``."""

    fields: Collection[str]
    currency: str
    timezone: str
    decimal_comma: bool
    now: datetime
    decimal_said: bool = False
    """Whether a person told the decimal mark; until then nobody knows how much ``150.000`` is."""

    @property
    def by_line(self) -> bool:
        """True where each row is a line of an order."""
        return {"line_quantity", "line_unit_price"} <= set(self.fields)

    def bound(self) -> dict[str, Any]:
        """The values of the statements."""
        return {
            "time": TIME,
            "number": COMMA if self.decimal_comma else POINT,
            "like_comma": LIKE_COMMA,
            **({} if self.decimal_said else {"grouped": GROUPED}),
            "currency": self.currency,
            "timezone": self.timezone,
            "latest": self.now + timedelta(days=1),
        }


def judge(connection: Connection, reading: Reading) -> None:
    """``csv_row``: every row with what could be read of it; ``bad`` says why it cannot be taken."""
    connection.execute(
        text("CREATE TEMP TABLE csv_currency AS SELECT * FROM unnest(CAST(:codes AS text[]), CAST(:digits AS int[])) "
             "AS t(code, digits)"),
        _currencies(),
    )  # fmt: skip
    try:
        with connection.begin_nested():
            connection.execute(text(f"CREATE TEMP TABLE csv_judged AS {_rows(reading)}"), reading.bound())
    except DataError:
        # Some date or number has the right shape and does not exist, such as 30 February: look at each closely.
        connection.execute(text(f"CREATE TEMP TABLE csv_judged AS {_rows(reading, careful=True)}"), reading.bound())
    connection.execute(text("ANALYZE pg_temp.csv_judged"))
    connection.execute(text("CREATE TEMP VIEW csv_row AS SELECT *, power(10::numeric, digits) AS unit FROM csv_judged"))
    connection.execute(
        text("INSERT INTO csv_reject (row, reason) SELECT row, bad || CASE WHEN order_id <> '' THEN '; order ' || "
             "left(order_id, 60) || ' is left out whole' ELSE '' END FROM csv_row WHERE bad IS NOT NULL "
             "AND row NOT IN (SELECT row FROM csv_reject)")
    )  # fmt: skip
    if reading.by_line and "currency" in reading.fields:
        _refuse_mixed(connection)
    connection.execute(text(_SIBLINGS))
    csv_warnings.note(connection, reading.fields, by_line=reading.by_line)


def assemble(connection: Connection, reading: Reading) -> None:
    """``csv_order``, numbered from 1, and ``csv_line``, of all orders without a refused row."""
    connection.execute(text(f"CREATE TEMP TABLE csv_order AS {_orders(reading)}"))
    connection.execute(text("ANALYZE pg_temp.csv_order (seq, external_id)"))
    if reading.by_line:
        connection.execute(text(_LINES))


def number(connection: Connection, reading: Reading) -> None:
    """Make what ``assemble`` made ready to be taken in chunks of numbers."""
    for table in ("csv_order", "csv_line") if reading.by_line else ("csv_order",):
        connection.execute(text(f"CREATE INDEX ON {table} (seq)"))
        connection.execute(text(f"ANALYZE pg_temp.{table}"))


def is_whole(connection: Connection, reading: Reading) -> bool:
    """Whether every row is an order that can be taken."""
    refused = connection.scalar(text("SELECT EXISTS (SELECT FROM csv_reject WHERE warning IS NOT TRUE)"))
    return not (reading.by_line or refused)


def lay_out(connection: Connection, reading: Reading, *, refunds: bool = True) -> None:
    """``in_order`` as a view of ``csv_row``, of a file that ``is_whole``; ``refunds`` False where it tells of none.

    Nothing is copied. That no order comes twice is not looked at: the unique index will tell.
    """
    refunded = _refunded("o.refunded" if "refunded" in reading.fields else "NULL::numeric", "o.minor")
    order = _ORDER.format(lines="NULL").replace("row_number() OVER (ORDER BY o.row)", "o.row")
    for name, kind in _LIKELY_ABSENT.items():
        # Known to be nothing from here on, what is made of it need not be computed for each row.
        order = order if name in reading.fields else order.replace(f"o.{name}", f"NULL::{kind}")
    # OFFSET 0 keeps PostgreSQL from computing a value anew wherever it is named again.
    rows = "(SELECT *, round(total * unit)::bigint AS minor FROM csv_row OFFSET 0) AS o"
    money = f"CROSS JOIN LATERAL (SELECT o.minor AS total, {refunded if refunds else '0::bigint'} AS refunded) AS m"
    connection.execute(text(f"CREATE TEMP VIEW csv_whole AS SELECT {order} FROM {rows} {money}"))
    connection.execute(text("CREATE TEMP VIEW in_order AS SELECT * FROM csv_whole"))


_LIKELY_ABSENT = {"coupon_codes": "text", "phone": "text", "name": "text", "country": "text", "customer_id": "text"}


def lay_open(connection: Connection) -> None:
    """``in_order`` as a view of what ``assemble`` made: every order once."""
    connection.execute(text("CREATE TEMP VIEW in_order AS SELECT * FROM csv_order"))


def take_back(connection: Connection) -> None:
    """Undo ``lay_out`` or ``lay_open``."""
    connection.execute(text("DROP VIEW IF EXISTS pg_temp.in_order, pg_temp.csv_whole"))


def counts_whole(connection: Connection, orders: int) -> dict[str, int]:
    """The same as ``counts`` after ``lay_out``, while the maps of ``ingest_people`` are there: each row is an order."""
    people = "SELECT customer_id FROM in_account UNION SELECT customer_id FROM in_mail"
    found = connection.scalar(text(f"SELECT count(*) FROM ({people}) AS people"))
    return {"rows": orders, "orders": orders, "customers": int(found or 0)}


def counts(connection: Connection) -> dict[str, int]:
    """``{"rows", "orders", "customers"}``: rows of the file, orders that can be taken, and who placed them."""
    row = connection.execute(
        text("""SELECT (SELECT count(*) FROM csv_raw) AS rows, count(*) AS orders,
                    count(DISTINCT coalesce('i' || customer_external_id, 'e' || lower(btrim(email)))) AS customers
                FROM csv_order""")
    ).one()
    return {"rows": row.rows, "orders": row.orders, "customers": row.customers}


def outcome(connection: Connection, store_id: int) -> dict[str, Any]:
    """What ``csv_order`` would do: orders that are new, those that the store has, their days, and sums by currency."""
    row = connection.execute(text(_OUTCOME), {"store": store_id}).one()
    sums = connection.execute(text("SELECT currency, sum(total_minor) FROM csv_order WHERE paid GROUP BY 1 ORDER BY 1"))
    return {
        "created": row.orders - row.known,
        "known": row.known,
        "first_at": row.first.isoformat() if row.first else None,
        "last_at": row.last.isoformat() if row.last else None,
        "paid": [Money(int(minor), currency).as_json() for currency, minor in sums],
    }


_OUTCOME = """
SELECT count(*) AS orders, count(o.id) AS known, min(c.placed_at) AS first, max(c.placed_at) AS last
FROM csv_order c LEFT JOIN shop_order o ON o.store_id = :store AND o.external_id = c.external_id
"""


def _currencies() -> dict[str, list[Any]]:
    codes = sorted(list_currencies())
    return {"codes": codes, "digits": [get_currency_precision(code) for code in codes]}


def _number(field: str) -> str:
    return f"replace(replace({field}, '.', ''), ',', '.')"


def _rows(reading: Reading, *, careful: bool = False) -> str:
    has = set(reading.fields)

    def cell(name: str, longest: int = 400) -> str:
        return f"left(nullif(btrim(w.{name}), ''), {longest})" if name in has else "NULL::text"

    country, countries = csv_raw.by_country(has, "w")
    numbers = [name for name in ("total", "refunded", "line_quantity", "line_unit_price") if name in has]
    shaped = ", ".join(
        f"CASE {'' if careful or reading.decimal_comma else _quick_number(name)} WHEN {name} ~ :number "
        f"THEN ({_number(name) if reading.decimal_comma else name})::numeric END AS {name}_n"
        for name in numbers
    )
    faults = "".join(_number_fault(name, required=_required(name, has)) for name in numbers)
    if not reading.decimal_said:
        faults += "".join(_grouped_fault(name) for name in MONEY if name in has)
    if reading.by_line:
        faults += " WHEN abs(t.line_quantity_n * t.line_unit_price_n) >= 1e12 THEN 'line: its amount is too large'"
    if "refunded" in has:
        faults += " WHEN t.refunded_n < 0 THEN 'refunded: it is negative; write what was given back without a sign'"
    moment = _moment("at_text") if careful else _quick_moment("at_text")
    return f"""
    WITH cells AS MATERIALIZED (
        SELECT w.row, btrim(w.order_id) AS order_id, btrim(w.ordered_at) AS at_text, {cell("status")} AS status,
            coalesce(upper({cell("currency", 10)}), :currency) AS currency, {cell("customer_id", 201)} AS customer_id,
            {cell("email", 300)} AS email, {cell("name")} AS name, {cell("phone", 60)} AS phone,
            {country} AS country, {cell("coupon_codes", 2000)} AS coupon_codes,
            {cell("line_sku")} AS sku, {cell("line_title")} AS title, {csv_warnings.too_long(has)} AS too_long
            {"".join(f", nullif(btrim(w.{name}), '') AS {name}" for name in numbers)}
        FROM csv_raw w {countries}
    ), timed AS MATERIALIZED (
        SELECT *, {moment} AS at {"," if shaped else ""} {shaped} FROM cells
    )
    SELECT t.row, t.order_id, t.at, t.currency, t.customer_id, t.email, t.name, t.phone, t.country, t.coupon_codes,
        t.sku, t.title, t.too_long, c.digits, coalesce(t.status, 'paid') AS raw_status,
        {status_of("t.status")} AS status,
        {", ".join(f"t.{name}_n AS {name}" for name in numbers)},
        CASE
            WHEN coalesce(t.order_id, '') = '' THEN 'order_id: it is empty'
            WHEN length(t.order_id) > 200 THEN 'order_id: it is longer than 200 characters'
            WHEN length(t.customer_id) > 200 THEN 'customer_id: it is longer than 200 characters'
            WHEN t.at IS NULL THEN 'ordered_at: ' || coalesce('''' || left(t.at_text, 40) || '''', 'it is empty, it')
                || ' is not a date such as 2024-12-31 14:30'
            WHEN t.at < '1970-01-02' OR t.at > :latest THEN 'ordered_at: ' || left(t.at_text, 40)
                || CASE WHEN t.at > :latest THEN ' lies in the future' ELSE ' is too long ago' END
            WHEN c.code IS NULL THEN 'currency: ''' || left(t.currency, 10) || ''' is not an ISO 4217 code'
            {faults}
        END AS bad
    FROM timed t LEFT JOIN csv_currency c ON c.code = t.currency
    """


def _required(name: str, has: set[str]) -> bool:
    if name == "total":
        return not {"line_quantity", "line_unit_price"} <= has
    return name != "refunded"


def _quick_number(field: str) -> str:
    """Plain digits, recognised without a pattern, which would take most of the time of a large file."""
    digits = f"translate({field}, '0123456789', '') IN ('', '.', '-', '-.')"
    return f"WHEN length({field}) < 13 AND {digits} THEN {field}::numeric"


def status_of(field: str) -> str:
    """Our word for a file's status, in SQL."""
    words = " ".join(f"WHEN lower({field}) IN ({_quoted(theirs)}) THEN '{ours}'" for ours, theirs in STATUSES.items())
    # Our own words first: they need no lower case, which would take as long as the rest of a row.
    own = f"WHEN {field} IN ({_quoted(' '.join(STATUSES))}) THEN {field}"
    return f"CASE WHEN {field} IS NULL THEN 'paid' {own} {words} ELSE 'unknown' END"


def _quick_moment(field: str) -> str:
    """The two usual shapes are cast as they are; a cast that fails sends the whole file to the close look."""
    return f"""CASE WHEN {field} LIKE '____-__-__T__:__:__Z' THEN {field}::timestamptz
        WHEN {field} LIKE '____-__-__ __:__:__' THEN {field}::timestamp AT TIME ZONE :timezone
        ELSE {_moment(field)} END"""


def _moment(field: str) -> str:
    """A time of the day that exists, else NULL: a cast would stop the whole statement."""
    day, month = f"substr({field}, 9, 2)", f"substr({field}, 6, 2)"
    year = f"substr({field}, 1, 4)"
    return f"""CASE WHEN {field} ~ :time AND {month} BETWEEN '01' AND '12' AND {day} >= '01' AND {year} > '0000'
        AND ({day} <= '28' OR ({day} <= '30' AND {month} <> '02') OR ({day} = '31' AND {month} IN
             ('01', '03', '05', '07', '08', '10', '12')) OR ({day} = '29' AND {month} = '02' AND
             {year}::int % 4 = 0 AND ({year}::int % 100 <> 0 OR {year}::int % 400 = 0)))
        AND substr({field}, 12, 2) <= '23' AND substr({field}, 15, 2) <= '59'
        AND (substr({field}, 17, 1) <> ':' OR substr({field}, 18, 2) <= '59')
        THEN CASE WHEN length({field}) > 16 AND {field} ~ '(Z|[+-][01]\\d(:?[0-5]\\d)?)$' THEN {field}::timestamptz
                  WHEN {field} !~ '[+-][2-9]\\d(:?\\d\\d)?$' OR length({field}) < 17
                  THEN {field}::timestamp AT TIME ZONE :timezone END END"""


def _grouped_fault(name: str) -> str:
    return (
        f" WHEN t.{name} ~ :grouped AND c.digits <> 3 THEN '{name}: ''' || t.{name} || ''' may have a decimal point or "
        "a thousands separator; say --decimal . if the dot is the decimal mark, --decimal , if it is not'"
    )


def _number_fault(name: str, *, required: bool) -> str:
    comma = (
        f"WHEN t.{name} ~ :like_comma AND t.{name} LIKE '%,%' THEN '{name}: ''' || left(t.{name}, 40) || "
        "''' has a decimal comma or thousands separators; say --decimal , if that is meant' "
    )
    return f"""
            {f"WHEN t.{name} IS NULL THEN '{name}: it is empty'" if required else ""}
            WHEN t.{name} IS NOT NULL AND t.{name}_n IS NULL THEN CASE {comma}
                WHEN t.{name} ~ '^[+-]?[0-9]{{13,}}([.][0-9]*)?$'
                THEN '{name}: ' || left(t.{name}, 40) || ' is too large'
                ELSE '{name}: ''' || left(t.{name}, 40) || ''' is not a number' END"""


def _quoted(words: str) -> str:
    return ", ".join(f"'{word}'" for word in words.split())


def _refuse_mixed(connection: Connection) -> None:
    connection.execute(
        text("""INSERT INTO csv_reject (row, reason)
                SELECT r.row, 'currency: order ' || left(r.order_id, 60) || ' has lines in ' || m.names
                FROM csv_row r JOIN (SELECT order_id, string_agg(DISTINCT currency, ' and ') AS names FROM csv_row
                                     WHERE order_id <> '' GROUP BY 1 HAVING min(currency) <> max(currency)) AS m
                    USING (order_id)
                WHERE r.row NOT IN (SELECT row FROM csv_reject)""")
    )


_SIBLINGS = """
    INSERT INTO csv_reject (row, reason)
    SELECT r.row, 'order ' || left(r.order_id, 60) || ' is left out whole because of row ' || b.first
    FROM csv_row r JOIN (SELECT r2.order_id, min(j.row) AS first FROM csv_reject j JOIN csv_row r2 USING (row)
                         WHERE r2.order_id <> '' GROUP BY 1) AS b USING (order_id)
    WHERE r.row NOT IN (SELECT row FROM csv_reject)
"""

# All rows of an order with a refused row are refused by now, so the rest are whole orders.
_GOOD = "csv_row r WHERE NOT EXISTS (SELECT FROM csv_reject j WHERE j.row = r.row AND j.warning IS NOT TRUE)"

_ORDER = """
    row_number() OVER (ORDER BY o.row) AS seq, o.order_id AS external_id, o.order_id AS number, o.status,
    left(o.raw_status, 100) AS raw_status, o.status IN ('paid', 'completed', 'refunded') AS paid, false AS test,
    o.at AS placed_at, NULL::timestamptz AS updated_at, o.currency, m.total AS total_minor,
    m.refunded AS refunded_minor, 0::bigint AS discount_minor, 0::bigint AS shipping_minor, 0::bigint AS tax_minor,
    CASE WHEN o.coupon_codes IS NULL THEN '{{}}'::text[] ELSE regexp_split_to_array(o.coupon_codes, '\\s*[,;|]\\s*') END
        AS coupon_codes,
    o.email, o.name AS name, o.phone AS phone, o.country AS country, NULL::text AS language, 'csv'::text AS source,
    NULL::text AS referred_by,
    o.customer_id AS customer_external_id,
    hash_record_extended(ROW(o.at, o.raw_status, o.currency, m.total, m.refunded, o.coupon_codes, o.email, o.name,
        o.phone, o.country, o.customer_id, {lines}::text), 0)::text AS content,
    NULL::timestamptz AS delivered_at, NULL::text AS way_back, NULL::timestamptz AS way_back_until
"""

# The whole sum is exact and rounded once.
_MONEY = """
    CROSS JOIN LATERAL (SELECT round({total} * o.unit)::bigint AS total) AS g
    CROSS JOIN LATERAL (SELECT g.total, {given_back} AS refunded) AS m
"""


def _refunded(told: str, total: str) -> str:
    """A refunded order of which the file does not say how much: all of it."""
    return (
        f"CASE WHEN {told} IS NOT NULL THEN round({told} * o.unit)::bigint "
        f"WHEN o.status = 'refunded' THEN greatest({total}, 0) ELSE 0 END"
    )


_LINES = """
    CREATE TEMP TABLE csv_line AS
    SELECT o.seq, (row_number() OVER (PARTITION BY o.seq ORDER BY r.row) - 1)::int AS position,
        NULL::text AS product_external_id, NULL::text AS variant_external_id, r.sku, r.title,
        r.line_quantity AS quantity,
        round(r.line_quantity * r.line_unit_price * r.unit)::bigint AS total_minor,
        0::bigint AS discount_minor
    FROM csv_row r JOIN csv_order o ON o.external_id = r.order_id
"""


def _orders(reading: Reading) -> str:
    given_back = _refunded("o.refunded" if "refunded" in reading.fields else "NULL::numeric", "g.total")
    if not reading.by_line:
        # The same order twice: the later row holds.
        source = f"(SELECT DISTINCT ON (order_id) * FROM {_GOOD} ORDER BY order_id, row DESC) AS o"
        money = _MONEY.format(total="o.total", given_back=given_back)
        return f"SELECT {_ORDER.format(lines='NULL')} FROM {source} {money}"
    total = "coalesce(max(r.total), sum(r.line_quantity * r.line_unit_price))"
    if "total" not in reading.fields:
        total = "sum(r.line_quantity * r.line_unit_price)"
    line = "concat_ws('|', r.sku, r.title, r.line_quantity, r.line_unit_price)"
    return f"""
        WITH sums AS (
            SELECT r.order_id, min(r.row) AS row, min(r.at) AS at, {total} AS total,
                md5(string_agg({line}, chr(10) ORDER BY r.row)) AS lines
            FROM {_GOOD} GROUP BY r.order_id
        ), o AS (
            SELECT f.row, f.order_id, s.at, f.currency, f.unit, f.status, f.raw_status, f.customer_id, f.email,
                f.name, f.phone, f.country, f.coupon_codes, s.total, s.lines
                {", f.refunded" if "refunded" in reading.fields else ""}
            FROM sums s JOIN csv_row f USING (row)
        )
        SELECT {_ORDER.format(lines="o.lines")} FROM o {_MONEY.format(total="o.total", given_back=given_back)}"""
