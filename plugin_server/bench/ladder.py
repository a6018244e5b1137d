"""`tangga bench ladder`: a full re-reading of the ladder against the bare SQL a person would write by hand.

The shop is made up inside a database of its own, which is dropped again; the merchants' own rows are never touched.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text

from plugin_server.bench.scratch import scratch_database
from plugin_server.db.ladder import facts, facts_grown, rhythm
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.session import app_engine, tenant

NOW = datetime(2026, 9, 15, tzinfo=UTC)
MERCHANT = 1
ORDERS_EACH = 10

SEED = (
    "SELECT setseed(0.5)",
    """INSERT INTO merchant (id, name, email, timezone, currency)
       VALUES (1, 'Bench', 'bench@example.test', 'Asia/Jakarta', 'IDR')""",
    "INSERT INTO store (merchant_id, platform, name, url) VALUES (1, 'csv', 'Bench', 'bench')",
    """INSERT INTO customer (merchant_id, email, email_norm, first_name, has_account, enquired_at, member_since,
           created_at)
       SELECT 1, 'c' || n || '@example.test', 'c' || n || '@example.test', 'C' || n, n % 3 > 0,
           CASE WHEN n % 3 > 0 THEN timestamptz '2023-01-01' + n % 900 * interval '1 day' END,
           CASE WHEN n % 7 = 0 THEN date '2024-01-01' + n % 600 END, timestamptz '2023-01-01'
       FROM generate_series(1, :size) AS n""",
    # Geometric: many buy once, few very often. In the order of time, as a shop's orders come.
    """INSERT INTO shop_order (merchant_id, store_id, external_id, customer_id, status, paid, placed_at, currency,
           total_minor, content)
       SELECT 1, 1, row_number() OVER (), c, 'completed', true, placed_at, 'IDR', total, 'x'
       FROM (SELECT c, timestamptz '2023-06-01' + random() * 1190 * interval '1 day' AS placed_at,
                 (1 + floor(random() * 5000))::bigint * 10000 AS total
             FROM (SELECT c, ceil(ln(greatest(random(), 1e-9)) / ln(1 - 1.0 / :each))::int AS many
                   FROM generate_series(1, :size) AS c OFFSET 0) AS people, generate_series(1, many)
             ORDER BY placed_at) AS bought""",
    """INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at)
       SELECT 1, n, CASE WHEN n % 5 = 0 THEN 'unsubscribed' ELSE 'subscribed' END, 'import', '2024-01-01'
       FROM generate_series(1, :size) AS n WHERE n % 4 > 0""",
    """INSERT INTO identity (merchant_id, store_id, external_id, customer_id)
       SELECT 1, 1, n, n FROM generate_series(1, :size) AS n WHERE n % 3 > 0""",
    """INSERT INTO testimonial (merchant_id, store_id, external_id, customer_id, email_norm, rating, approved,
           written_at)
       SELECT 1, 1, n, n, 'c', 4 + n % 2, true, '2025-01-01' FROM generate_series(1, :size, 25) AS n""",
    """INSERT INTO referral (merchant_id, advocate_id, friend_id, source, joined_at, converted_at)
       SELECT 1, n + 2 - n % 40, n, 'link', '2025-06-01', '2026-03-01' FROM generate_series(1, :size, 20) AS n
       WHERE n + 2 - n % 40 <> n""",
)

_ONE_MORE = """
    INSERT INTO shop_order (merchant_id, store_id, external_id, customer_id, status, paid, placed_at, currency,
        total_minor, content)
    SELECT 1, 1, 'again' || :round || '-' || c, c, 'completed', true, :at, 'IDR', 25000000, 'x'
    FROM generate_series(:round, :size, greatest(1, :size / :many)) AS c LIMIT :many"""

_AGGREGATE = """
    CREATE TEMP TABLE bought ON COMMIT DROP AS
    SELECT customer_id, count(*) AS orders, sum(net_minor) AS spend, min(placed_at) AS first, max(placed_at) AS last
    FROM shop_order WHERE counts GROUP BY customer_id"""

_STAGE = """
    UPDATE stage s
    SET stage = CASE WHEN b.orders >= 3 THEN 'member' WHEN b.orders = 2 THEN 'customer' ELSE 'shopper' END
    FROM bought b WHERE b.customer_id = s.customer_id"""


def run(database_url: str, _redis_url: str, size: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure with ``size`` customers; ``database_url`` must be allowed to make databases. ``say`` hears
    of progress. Gives the report.
    """
    with scratch(database_url) as (engine, owner):
        say(f"Making a shop of {size} customers …")
        with tenant(engine, MERCHANT) as conn:
            for statement in SEED:
                conn.execute(text(statement), {"size": size, "each": ORDERS_EACH} if ":size" in statement else {})
        _stages(owner)
        orders = _count(engine, "shop_order")
        say(f"{orders} orders. Measuring …")
        cases = _measured(engine, owner, size)
    baseline, nightly = cases.pop("baseline"), cases["nightly"]
    return {
        "work": f"full re-ladder, {size} customers, {orders} orders",
        "seconds": round(nightly, 3),
        "rate": round(orders / nightly),
        "baseline": {
            "what": "GROUP BY customer into a temp table, UPDATE … SET stage = CASE …",
            "seconds": round(baseline, 3),
            "rate": round(orders / baseline),
        },
        "ratio": round(nightly / baseline, 2),
        "cases": {
            name: {"seconds": round(took, 3), "ratio": round(took / baseline, 2)} for name, took in cases.items()
        },
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


@contextmanager
def scratch(database_url: str) -> Iterator[tuple[Engine, Engine]]:
    """A database of its own, migrated: as the application, and as its owner outside transactions."""
    with scratch_database(database_url) as url:
        engine, owner = app_engine(url), create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            yield engine, owner
        finally:
            engine.dispose()
            owner.dispose()


def _stages(owner: Engine) -> None:
    """The narrow table the baseline updates: as cheap as can be."""
    with owner.connect() as conn:
        conn.execute(text("CREATE TABLE stage AS SELECT id AS customer_id, ''::text AS stage FROM customer"))
        conn.execute(text("ALTER TABLE stage ADD PRIMARY KEY (customer_id)"))
        conn.execute(text("GRANT SELECT, UPDATE ON stage TO tangga_app"))


def _measured(engine: Engine, owner: Engine, size: int) -> dict[str, float]:
    """Seconds by case. Each begins with statistics up to date and no garbage, as autovacuum leaves a shop overnight."""
    took: dict[str, float] = {}
    tidy(owner)
    took["from_nothing"] = _timed(engine, lambda conn: _everybody(conn, NOW))
    tidy(owner)
    took["baseline"] = min(_timed(engine, _bare) for _ in range(2))
    tidy(owner)
    took["unchanged"] = _timed(engine, lambda conn: _everybody(conn, NOW))
    _add_orders(engine, size, max(1, size // 100), 1)
    took["nightly"] = _timed(engine, lambda conn: _everybody(conn, NOW.replace(day=16)))
    tidy(owner)
    took["every_rung_moves"] = _timed(engine, lambda conn: _everybody(conn, NOW), before=_all_down)
    tidy(owner)
    batches = [_thousand(engine, size, number, grown=True) for number in range(2, 9)]
    took["thousand_customers"], took["thousand_customers_worst"] = statistics.median(batches), max(batches)
    took["thousand_read_whole"] = statistics.median(
        _thousand(engine, size, number, grown=False) for number in range(9, 16)
    )
    return took


def _everybody(conn: Connection, now: datetime) -> None:
    facts.refresh(conn, merchant_id=MERCHANT, customer_ids=None, now=now)
    rhythm.measure(conn, merchant_id=MERCHANT, now=now)
    ladder.climb(conn, merchant_id=MERCHANT, customer_ids=None, now=now)


def _bare(conn: Connection) -> None:
    conn.execute(text(_AGGREGATE))
    conn.execute(text(_STAGE))


def _all_down(conn: Connection) -> None:
    """Everybody one of two rungs away from where they belong, so that each row has to be written and logged."""
    conn.execute(
        text(
            "UPDATE customer_facts SET rung_since = '2026-09-01', "
            "rung = CASE rung WHEN 'raving_fan' THEN 'advocate' ELSE 'raving_fan' END"
        )
    )


def _add_orders(engine: Engine, size: int, many: int, number: int) -> tuple[list[int], list[int]]:
    """One more order each of so many customers; gives (customers, orders)."""
    with tenant(engine, MERCHANT) as conn:
        given = {"size": size, "many": many, "round": number, "at": NOW + timedelta(minutes=number)}
        rows = conn.execute(text(f"{_ONE_MORE} RETURNING customer_id, id"), given).all()
        return [row.customer_id for row in rows], [row.id for row in rows]


def _thousand(engine: Engine, size: int, number: int, *, grown: bool) -> float:
    """A thousand customers who ordered once more: added to their facts, as an ingest does, or read whole."""
    touched, orders = _add_orders(engine, size, min(1000, size), number)

    def increment(conn: Connection) -> None:
        read: set[int] = set()
        if grown:
            read = facts_grown.add(conn, merchant_id=MERCHANT, customer_ids=touched, order_ids=orders, now=NOW)
        unread = [customer for customer in touched if customer not in read]
        facts.refresh(conn, merchant_id=MERCHANT, customer_ids=unread, now=NOW)
        ladder.climb(conn, merchant_id=MERCHANT, customer_ids=touched, now=NOW)

    return _timed(engine, increment)


def _timed(
    engine: Engine, work: Callable[[Connection], None], *, before: Callable[[Connection], None] | None = None
) -> float:
    """Seconds for the work with its commit; ``before`` is a transaction of its own and not counted."""
    if before is not None:
        with tenant(engine, MERCHANT) as conn:
            before(conn)
    began = time.perf_counter()
    with tenant(engine, MERCHANT) as conn:
        work(conn)
    return time.perf_counter() - began


def tidy(owner: Engine) -> None:
    with owner.connect() as conn:
        conn.execute(text("VACUUM ANALYZE"))
        conn.execute(text("CHECKPOINT"))


def _count(engine: Engine, table: str) -> int:
    with tenant(engine, MERCHANT) as conn:
        return int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
