"""`tangga bench ingest`: a file of orders through the real import, against COPY and GROUP BY by hand."""

from __future__ import annotations

import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from plugin_server.bench import ingest_kept
from plugin_server.bench.scratch import scratch_database
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.jobs.reading.imports import OrdersFile, import_orders
from plugin_server.settings import Settings
from plugin_server.wiring import Services, build

ORDERS_EACH = 10
"""On average; some customers order far more often than others."""

BASELINE = (
    "CREATE TABLE plain (order_id text, ordered_at timestamptz, status text, currency text, total numeric, "
    "customer_id text, email text, name text, country text)",
    "CREATE TABLE plain_customers AS SELECT customer_id, count(*) AS orders, sum(total) AS spend, "
    "min(ordered_at) AS first_at, max(ordered_at) AS last_at FROM plain GROUP BY customer_id",
)
"""What a person would do by hand, with nothing checked, nothing indexed, and nobody to be found again."""


def run(database_url: str, redis_url: str, size: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure in a database of its own, dropped again; the address must be allowed to make one. Gives the report."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "orders.csv"
        say(f"Writing a file of {size} orders …")
        write_orders(file, size)
        with scratch(database_url, redis_url) as services:
            say("Measuring …")
            merchant_id, store_id = _shop(services)
            before = by_hand(services, file)
            seconds = timed(lambda: import_orders(services, merchant_id, OrdersFile(file, store_id)))
            baseline = min(before, by_hand(services, file))
            kept = _kept(services, file)
    return {
        "work": f"ingest {size} orders from CSV into facts and rungs",
        "seconds": round(seconds, 3),
        "rate": round(size / seconds),
        "baseline": {
            "what": "COPY of the same rows into a plain table + GROUP BY customer into a table",
            "seconds": round(baseline, 3),
            "rate": round(size / baseline),
        },
        "ratio": round(seconds / baseline, 2),
        "kept": {
            "what": "COPY, and INSERT into tables like ours with the same keys, by hand and with nothing checked",
            "seconds": round(kept, 3),
            "ratio": round(seconds / kept, 2),
        },
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def write_orders(file: Path, size: int) -> None:
    """A file of ``size`` orders over three years, by a tenth as many customers; the same each time."""
    chance, start = random.Random(1), datetime(2023, 1, 1)  # noqa: S311, DTZ001 - made-up orders, zone written out
    step, people = timedelta(days=1095) / size, max(size // ORDERS_EACH, 1)
    with file.open("w") as out:
        out.write("order_id,ordered_at,status,currency,total,customer_id,email,name,country\n")
        for number in range(size):
            who = int(people * chance.random() ** 1.7)
            at = (start + number * step).isoformat(timespec="seconds")
            total = chance.randrange(500, 20_000) / 100
            out.write(f"{number + 1},{at}Z,paid,EUR,{total:.2f},c{who},c{who}@example.com,Name {who},NL\n")


def by_hand(services: Services, file: Path) -> float:
    with psycopg.connect(plain(services.settings.database_url or ""), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS plain, plain_customers")
        return timed(lambda: _copy(connection, file))


def _kept(services: Services, file: Path) -> float:
    with psycopg.connect(plain(services.settings.database_url or ""), autocommit=True) as connection:
        return timed(lambda: ingest_kept.keep(connection, file))


def _copy(connection: psycopg.Connection[Any], file: Path) -> None:
    table, grouped = BASELINE
    connection.execute(table)
    with connection.cursor().copy("COPY plain FROM STDIN (FORMAT csv, HEADER true)") as copy, file.open("rb") as rows:
        while block := rows.read(1 << 20):
            copy.write(block)
    connection.execute(grouped)


def timed(act: Any) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _shop(services: Services) -> tuple[int, int]:
    merchant_id = merchants.add(
        services.engine, name="Bench", email="bench@example.com", timezone="UTC", currency="EUR", locale="en"
    )
    with tenant(services.engine, merchant_id) as connection:
        return merchant_id, stores.add(
            connection, merchant_id=merchant_id, platform="csv", name="Bench", url="csv:bench"
        )


@contextmanager
def scratch(given: str, redis_url: str) -> Iterator[Services]:
    with scratch_database(given) as url:
        made = build(Settings(database_url=url, redis_url=redis_url))
        try:
            yield made
        finally:
            made.engine.dispose()
            made.redis.close()


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
