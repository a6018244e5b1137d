"""`tangga bench ingest --from shopify`: a first full reading from bulk JSONL, against COPY and GROUP BY by hand.

The shop is our double, a process beside us that is not counted; the reading is the product's own, webhooks apart. The
baseline puts the lines of the same file into a table as JSON and groups them: nothing joined, checked or indexed.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from connectors.base import Page
from connectors.http import Http
from connectors.shopify.bulk import BulkReader
from connectors.shopify.client import ShopifyClient
from connectors.shopify.store import ShopifyStore, utc_now
from connectors.types import Order
from plugin_server.bench import cpu
from plugin_server.bench.ingest import by_hand, plain, scratch, timed
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.jobs.reading.sync import read_store
from plugin_server.wiring import Services

DOMAIN = "toko-senja.myshopify.com"
TOKEN = "shpat_demo"  # noqa: S105 - of the double, which anybody may read
CONTACTS = 500
"""People whom the double has in its own words; the orders made of theirs bring the rest."""

_ORDERS = "FROM raw WHERE NOT row ? '__parentId'"
BASELINE = (
    "CREATE TABLE raw (row jsonb)",
    # Control characters stand in JSON escaped, so that each line is one field.
    r"COPY raw FROM STDIN (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')",
    "CREATE TABLE raw_customers AS SELECT row -> 'customer' ->> 'id' AS id, count(*) AS orders, "
    "sum((row -> 'totalPriceSet' -> 'shopMoney' ->> 'amount')::numeric) AS spend, "
    "min((row ->> 'processedAt')::timestamptz) AS first_at, max((row ->> 'processedAt')::timestamptz) AS last_at "
    f"{_ORDERS} GROUP BY 1",
)
FLAT = (
    "COPY (SELECT row ->> 'id', row ->> 'processedAt', lower(row ->> 'displayFinancialStatus'), "
    "row ->> 'currencyCode', row -> 'totalPriceSet' -> 'shopMoney' ->> 'amount', row -> 'customer' ->> 'id', "
    f"row ->> 'email', row -> 'billingAddress' ->> 'name', 'ID' {_ORDERS}) TO STDOUT (FORMAT csv, HEADER true)"
)
"""The orders alone as a flat file, for the baseline of `tangga bench ingest`."""


class Watched(ShopifyStore):
    """The shop, noting our memory after a tenth of the orders and at their end, in MB."""

    memory: list[float]

    def orders(self, *, since: datetime | None) -> Iterator[Page[Order]]:
        """All orders, as ``ShopifyStore``."""
        self.memory, seen = [], 0
        for page in super().orders(since=since):
            yield page
            seen += len(page.items)
            if not self.memory and seen * 10 >= (page.total or 0):
                self.memory.append(cpu.resident_mb())
        self.memory.append(cpu.resident_mb())


def run(database_url: str, redis_url: str, size: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure in a database of its own, dropped again; the address must be allowed to make one. Gives the report."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _double(size) as origin,
        scratch(database_url, redis_url) as services,
    ):
        say(f"Fetching a bulk file of {size} orders …")
        file, csv = Path(folder) / "rows.jsonl", Path(folder) / "orders.csv"
        orders = _fetched(origin, file)
        merchant_id, store_id = _shop(services, origin)
        before = _as_json(services, file)
        _flatten(services, csv)
        say("Measuring …")
        store = Watched(_client(origin), allow_private=True)
        used, database, began = cpu.own_seconds(), cpu.database_seconds(services.engine), time.perf_counter()
        told = read_store(services, merchant_id, store_id, "full", lambda *_: store)
        seconds, used = time.perf_counter() - began, cpu.own_seconds() - used
        after = cpu.database_seconds(services.engine)
        baseline, bare = min(before, _as_json(services, file))
        flat = by_hand(services, csv)
    # The double's file says the same number; an order lost on the way would flatter the rate.
    if told["orders"]["created"] != orders:
        raise RuntimeError(f"{orders} orders in the file, {told['orders']} after the reading: {told['faults'][:3]}")
    return {
        "work": f"ingest {orders} orders from Shopify's bulk JSONL into facts and rungs",
        "seconds": round(seconds, 3),
        "rate": round(orders / seconds),
        "baseline": {
            "what": "COPY of the same lines into a jsonb column + GROUP BY customer into a table",
            "seconds": round(baseline, 3),
            "rate": round(orders / baseline),
        },
        "ratio": round(seconds / baseline, 2),
        "flat": {
            "what": "COPY of the orders alone, as CSV made beforehand, into a plain table + GROUP BY customer",
            "seconds": round(flat, 3),
            "ratio": round(seconds / flat, 2),
        },
        "cpu_us_each": {
            "ours": round(used / orders * 1e6, 1),
            "database": _each(database, after, orders),
            "baseline": _each(0.0, bare, orders),
        },
        "memory_mb": {"after a tenth": round(store.memory[0], 1), "at the end": round(store.memory[-1], 1)},
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _each(before: float | None, after: float | None, orders: int) -> float | None:
    return None if before is None or after is None else round((after - before) / orders * 1e6, 1)


@contextmanager
def _double(orders: int) -> Iterator[str]:
    """The served double whose bulk file holds so many orders, as a process of its own; gives its address."""
    command = [sys.executable, "-m", "plugin_server.demo.shopify_shop", "--port", "0", "--customers", str(CONTACTS)]
    command += ["--bulk-seconds", "0", "--bulk-orders", str(orders), "--shop", DOMAIN, "--token", TOKEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603 - our own module
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("ready: "):
                raise RuntimeError("The double of the shop did not start.")
            yield line.split()[1]
        finally:
            process.terminate()


def _client(origin: str) -> ShopifyClient:
    return ShopifyClient(DOMAIN, lambda: TOKEN, origin=origin, http=Http(allow_private=True), clock=utc_now)


def _fetched(origin: str, to: Path) -> int:
    """The file of the shop's orders, as the reading will get it; gives how many orders it holds."""
    client = _client(origin)
    with BulkReader(client, client.http, allow_private=True).file("orders_bulk") as (path, _):
        assert path is not None  # the double has orders  # noqa: S101
        shutil.copyfile(path, to)
    with to.open("rb") as lines:
        return sum(b'"__parentId"' not in line for line in lines)


def _as_json(services: Services, file: Path) -> tuple[float, float]:
    """The baseline: seconds by the clock, and of the processors, ours among them."""
    make, load, group = BASELINE
    with psycopg.connect(plain(services.settings.database_url or ""), autocommit=True) as connection:

        def act() -> None:
            connection.execute(make)
            with connection.cursor().copy(load) as copy, file.open("rb") as rows:
                while block := rows.read(1 << 20):
                    copy.write(block)
            connection.execute(group)

        connection.execute("DROP TABLE IF EXISTS raw, raw_customers")
        database, mine = cpu.database_seconds(services.engine), cpu.own_seconds()
        seconds = timed(act)
        # The server's processes are looked at before the connection ends: one on its way out may be missed.
        ended = cpu.database_seconds(services.engine)
        return seconds, cpu.own_seconds() - mine + (ended or 0.0) - (database or 0.0)


def _flatten(services: Services, csv: Path) -> None:
    with (
        psycopg.connect(plain(services.settings.database_url or "")) as connection,
        connection.cursor().copy(FLAT) as copy,
        csv.open("wb") as out,
    ):
        out.writelines(copy)


def _shop(services: Services, origin: str) -> tuple[int, int]:
    info = ShopifyStore(_client(origin), allow_private=True).info()
    merchant_id = merchants.add(
        services.engine, name="Bench", email="bench@example.com", timezone="UTC", currency=info.currency, locale="en"
    )
    with tenant(services.engine, merchant_id) as connection:
        return merchant_id, stores.add(
            connection, merchant_id=merchant_id, platform="shopify", name="Bench", url=info.url, currency=info.currency
        )
