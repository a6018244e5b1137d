"""`tangga bench codes`: personal codes for many, planned within a budget and made in a shop, without the shop's work.

The shop is a process beside us that has every coupon at once. Beside it, the same rows in one bare INSERT.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from connectors import woocommerce
from connectors.woocommerce import WooStore
from plugin_server.bench import cpu
from plugin_server.bench.send import _audience, _scratch
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import codes
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services

_BARE: Final = """
INSERT INTO bare_code
SELECT m.customer_id, 'BENCH-' || upper(left(md5(m.customer_id::text), 16)), m.email, 10, 'planned'
FROM audience_member m WHERE m.run_id = :run
"""


def run(database_url: str, redis_url: str, size: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure with ``size`` recipients in a database of its own, dropped again. Gives the report."""
    with _scratch(database_url, redis_url) as services, _shop() as shop:
        say(f"Making up {size} people …")
        firing = _frozen(services, size)
        bare = _bare(services, firing)
        say("Planning …")
        plan = _timed(services, lambda: codes.plan(services, _world(shop), firing))
        say("Making them …")
        make = _timed(services, lambda: codes.make_codes(services, _world(shop), firing))
        _prove(services, size)
    ours = plan["ours"] + make["ours"]
    return {
        "work": f"codes for {size} people, planned within a budget, made in a shop in hundreds and compared",
        "seconds": round(plan["seconds"] + make["seconds"], 3),
        "rate": round(size / (plan["seconds"] + make["seconds"])),
        "baseline": {
            "what": "one INSERT … SELECT of as many codes into a plain table; no shop is asked",
            "seconds": round(bare, 3),
            "rate": round(size / bare),
        },
        "ratio": round((plan["seconds"] + make["seconds"]) / bare, 2),
        "cases": {"plan": plan, "make": make},
        "cpu_ms_each": {"ours": round(ours / size * 1000, 4)},
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _timed(services: Services, work: Callable[[], Any]) -> dict[str, Any]:
    """Seconds by the clock, and those of the processors: ours and the database's (None where that is elsewhere)."""
    database, mine, began = cpu.database_seconds(services.engine), cpu.own_seconds(), time.perf_counter()
    work()
    seconds, mine = time.perf_counter() - began, cpu.own_seconds() - mine
    after = cpu.database_seconds(services.engine)
    spent = None if database is None or after is None else round(after - database, 2)
    return {"seconds": round(seconds, 2), "ours": round(mine, 2), "database": spent}


def _world(shop: WooStore) -> Outside:
    return Outside(mail=None, backend="", store=lambda _: shop)  # type: ignore[arg-type]


def _frozen(services: Services, size: int) -> Run:
    """A run whose audience is written down and whose codes are not."""
    firing = _audience(services, size)
    with tenant(services.engine, 1) as conn:
        conn.execute(text("DELETE FROM offer_code"))
        conn.execute(text("UPDATE campaign_run SET state = 'frozen' WHERE id = :run"), {"run": firing.id})
        conn.execute(text("UPDATE store SET state = 'connected'"))
        return campaigns.run(conn, firing.id)


def _bare(services: Services, firing: Run) -> float:
    with tenant(services.engine, 1) as conn:
        conn.execute(text("CREATE TEMP TABLE bare_code (id bigint PRIMARY KEY, code text UNIQUE, email text, worth int,"
                          " state text)"))  # fmt: skip
        began = time.perf_counter()
        conn.execute(text(_BARE), {"run": firing.id})
        return time.perf_counter() - began


def _prove(services: Services, size: int) -> None:
    with tenant(services.engine, 1) as conn:
        made = conn.scalar(text("SELECT count(*) FROM offer_code WHERE state = 'issued' AND external_id IS NOT NULL"))
    if made != size:
        raise RuntimeError(f"Only {made} of {size} codes were made; the measurement says nothing.")


@contextmanager
def _shop() -> Iterator[WooStore]:
    command = [sys.executable, "-m", "plugin_server.bench.codes_sink"]
    with subprocess.Popen(  # noqa: S603 - our own words
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            port = int(process.stdout.readline() if process.stdout else 0)
            key, secret = "ck_" + "a" * 40, "cs_" + "b" * 40
            yield woocommerce.connect(f"http://127.0.0.1:{port}", key, secret, allow_private=True, currency="IDR")
        finally:
            process.kill()
