"""`tangga bench freeze`: a campaign's audience written down, against a bare INSERT … SELECT with the same rule."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Engine, text

from campaigns.recipes import holiday_discount
from campaigns.schema import Campaign, parse
from plugin_server.bench.ladder import MERCHANT, NOW, SEED, _everybody, scratch, tidy
from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning.backtest import back_test

ORDERS_EACH: Final = 2
ROUNDS: Final = 3
RULE: Final = {
    "kind": "all",
    "rules": [
        {"kind": "cmp", "fact": "orders", "op": ">=", "value": 1},
        {"kind": "cmp", "fact": "discount_orders", "op": "<", "value": 3},
        {"kind": "cmp", "fact": "has_account", "op": "=", "value": True},
    ],
}
_BORN: Final = """
UPDATE customer SET birthday = date '1970-01-01' + (id * 7919 % 14000)::int, language = 'id'
"""
_BARE: Final = """
INSERT INTO bare_member
SELECT :run, c.id, CASE WHEN f.consent_promotions = 'subscribed' THEN 'treated' ELSE 'excluded' END, f.rung, c.email
FROM customer_facts f JOIN customer c ON c.id = f.customer_id
WHERE f.orders >= 1 AND f.discount_orders < 3 AND f.has_account
"""


def run(database_url: str, _redis_url: str, size: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure with ``size`` customers; ``say`` hears of progress. Gives the report."""
    with scratch(database_url) as (engine, owner):
        say(f"Making a shop of {size} customers …")
        with tenant(engine, MERCHANT) as conn:
            for statement in SEED:
                conn.execute(text(statement), {"size": size, "each": ORDERS_EACH} if ":size" in statement else {})
            conn.execute(text(_BORN))
        with owner.connect() as conn:
            conn.execute(text("UPDATE store SET platform = 'woocommerce'"))
            conn.execute(
                text("CREATE TABLE bare_member (run_id bigint, customer_id bigint, arm text, rung text, email text, "
                     "PRIMARY KEY (run_id, customer_id))")
            )  # fmt: skip
            conn.execute(text("GRANT INSERT ON bare_member TO tangga_app"))
        tidy(owner)
        with tenant(engine, MERCHANT) as conn:
            _everybody(conn, NOW)
        tidy(owner)
        say("Measuring …")
        bare = min(_bare(engine, number) for number in range(ROUNDS))
        times = [_freeze(engine, number) for number in range(ROUNDS)]
        frozen, people = min(took for took, _ in times), times[0][1]
        birthdays = _back_test(engine)
    return {
        "work": f"audience freeze with a three-leaf rule, {size} customers, {people} of them in it or left out",
        "seconds": round(frozen, 5),
        "rate": round(size / frozen),
        "baseline": {
            "what": "INSERT … SELECT of the same rows into a plain table with the same key",
            "seconds": round(bare, 5),
            "rate": round(size / bare),
        },
        "ratio": round(frozen / bare, 2),
        "cases": {"birthdays_of_twelve_months": {"seconds": round(birthdays, 3)}},
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _campaign(**changes: Any) -> Campaign:
    audience_ = {"rungs": "all", "rule": RULE}
    return parse(holiday_discount().document | {"trigger": {"kind": "once"}, "audience": audience_} | changes)


def _bare(engine: Engine, number: int) -> float:
    began = time.perf_counter()
    with tenant(engine, MERCHANT) as conn:
        conn.execute(text(_BARE), {"run": number})
    return time.perf_counter() - began


def _freeze(engine: Engine, number: int) -> tuple[float, int]:
    """Seconds of one freeze with its commit, and how many rows it wrote."""
    with tenant(engine, MERCHANT) as conn:
        campaigns.save(conn, merchant_id=MERCHANT, campaign=_campaign(key=f"bench-{number}"), by="bench")
        saved = campaigns.need(conn, f"bench-{number}")
        run_id, _ = campaigns.open_run(conn, merchant_id=MERCHANT, saved=saved, occasion="once", due_at=NOW, by="bench")
    began = time.perf_counter()
    with tenant(engine, MERCHANT) as conn:
        audience.freeze(conn, campaigns.run(conn, run_id), NOW)
    took = time.perf_counter() - began
    with tenant(engine, MERCHANT) as conn:
        return took, int(conn.scalar(text("SELECT count(*) FROM audience_member WHERE run_id = :r"), {"r": run_id}))


def _back_test(engine: Engine) -> float:
    """Seconds for the birthdays of the last twelve months."""
    with tenant(engine, MERCHANT) as conn:
        trigger = {"kind": "event", "event": "birthday", "after_days": -3}
        campaigns.save(conn, merchant_id=MERCHANT, campaign=_campaign(key="birthdays", trigger=trigger), by="bench")
        saved = campaigns.need(conn, "birthdays")
        began = time.perf_counter()
        back_test(conn, merchant_id=MERCHANT, saved=saved, now=NOW)
        return time.perf_counter() - began
