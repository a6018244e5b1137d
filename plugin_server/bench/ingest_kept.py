"""What it takes to keep the rows of a file by hand: tables like ours with the same keys, and nothing checked.

The second baseline of `tangga bench ingest`. Nobody is looked for, no row is refused, no rule shows rows to their
merchant alone, nothing is hashed for the next import, and of the facts there is one sum, one count and two moments.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

FILE = (
    "CREATE TABLE kept_file (order_id text, ordered_at timestamptz, status text, currency text, total numeric, "
    "customer_id text, email text, name text, country text)"
)
COPY = "COPY kept_file FROM STDIN (FORMAT csv, HEADER true)"

STATEMENTS = (
    """CREATE TABLE kept_customer AS
       SELECT row_number() OVER () AS id, gen_random_uuid() AS public_id, customer_id, min(email) AS email,
              min(name) AS name, min(country) AS country, min(ordered_at) AS first_at
       FROM kept_file GROUP BY customer_id""",
    "ANALYZE kept_customer",
    "CREATE TABLE kept_order (LIKE shop_order INCLUDING DEFAULTS INCLUDING GENERATED)",
    """INSERT INTO kept_order (id, merchant_id, store_id, external_id, number, customer_id, status, raw_status, paid,
                               placed_at, currency, total_minor, email, name, country, source, content)
       SELECT row_number() OVER (), 1, 1, order_id, order_id, c.id, status, status, true,
              ordered_at, currency, (total * 100)::bigint, f.email, f.name, f.country, 'csv', ''
       FROM kept_file f JOIN kept_customer c USING (customer_id)""",
    "ALTER TABLE kept_order ADD PRIMARY KEY (id)",
    "CREATE UNIQUE INDEX ON kept_order (store_id, external_id)",
    "CREATE INDEX ON kept_order (customer_id, placed_at)",
    "CREATE INDEX ON kept_order (merchant_id, placed_at)",
    "ALTER TABLE kept_customer ADD PRIMARY KEY (id)",
    "CREATE UNIQUE INDEX ON kept_customer (email)",
    "CREATE UNIQUE INDEX ON kept_customer (customer_id)",
    """CREATE TABLE kept_facts AS
       SELECT customer_id, count(*) AS orders, sum(total_minor) AS spend, min(placed_at) AS first_at,
              max(placed_at) AS last_at FROM kept_order GROUP BY customer_id""",
    "ALTER TABLE kept_facts ADD PRIMARY KEY (customer_id)",
)


def keep(connection: psycopg.Connection[Any], file: Path) -> int:
    """Keep the orders of a file in one transaction; gives how many."""
    with connection.transaction():
        connection.execute(FILE)
        with connection.cursor().copy(COPY) as copy, file.open("rb") as rows:
            while block := rows.read(1 << 20):
                copy.write(block)
        for statement in STATEMENTS:
            connection.execute(statement)
    row = connection.execute("SELECT count(*) FROM kept_order").fetchone()
    return int(row[0]) if row else 0
