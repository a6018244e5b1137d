"""A merchant whose campaigns are over: people, arms and orders by fixed rules, so that every figure can be counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from campaigns.recipes import holiday_discount
from campaigns.schema import parse
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.wiring import Services

PEOPLE = 600
FIRST, SECOND = datetime(2026, 2, 10, 2, tzinfo=UTC), datetime(2026, 5, 20, 2, tzinfo=UTC)
READ = datetime(2026, 7, 2, tzinfo=UTC)
"""After the second quarter of 2026 is over in Jakarta."""


@dataclass(frozen=True)
class Past:
    """Two runs of one campaign, a quarter apart. Customers are numbered from 1."""

    merchant: int
    store: int
    runs: tuple[int, int]


@pytest.fixture
def past(app: Services, merchant: int, store: int) -> Past:
    """600 people. In the first run every tenth is held out for the quarter, in the second every tenth of others.

    All orders are worth Rp 100,000 at unit costs of 60 %; every seventh treated order carries a discount of Rp 10,000.
    """
    campaign = parse(holiday_discount().document | {"trigger": {"kind": "once"}, "measure": {"window_days": 20}})
    with tenant(app.engine, merchant) as conn:
        for statement in SHOP:
            conn.execute(text(statement), {"m": merchant, "s": store, "n": PEOPLE})
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
        runs = (
            _run(conn, merchant, "by_hand:2026-02-10", FIRST, 0),
            _run(conn, merchant, "by_hand:2026-05-20", SECOND, 3),
        )
        for run, at, rest in zip(runs, (FIRST, SECOND), (0, 3), strict=True):
            conn.execute(text(ORDERS), {"m": merchant, "s": store, "r": run, "at": at, "rest": rest})
            conn.execute(text(CLIMBS), {"m": merchant, "r": run, "at": at})
    return Past(merchant, store, runs)


def _run(conn: Connection, merchant: int, occasion: str, at: datetime, rest: int) -> int:
    given = {"m": merchant, "occasion": occasion, "at": at, "rest": rest, "n": PEOPLE}
    number: int = conn.execute(
        text(
            "INSERT INTO campaign_run (merchant_id, campaign_id, version, occasion, state, due_at, frozen_at, "
            "finished_at, lasting_share) SELECT :m, id, 1, :occasion, 'done', :at, :at, :at, 0.1 FROM campaign "
            "RETURNING id"
        ),
        given,
    ).scalar_one()
    conn.execute(text(MEMBERS), given | {"r": number})
    return number


SHOP = (
    """INSERT INTO customer (merchant_id, email, email_norm, first_name, last_name, created_at)
       SELECT :m, 'p' || g || '@example.com', 'p' || g || '@example.com', 'Siti', g::text, '2025-01-01'
       FROM generate_series(1, :n) g""",
    """INSERT INTO product (merchant_id, store_id, external_id, title, price_minor, unit_cost_minor, currency, active)
       VALUES (:m, :s, 'p1', 'Kopi', 10000000, 6000000, 'IDR', true)""",
)
MEMBERS = """
INSERT INTO audience_member (run_id, customer_id, arm, reason, rung, email, language, merchant_id)
SELECT :r, g, CASE WHEN g % 50 = 49 THEN 'excluded' WHEN g % 10 = :rest THEN 'holdout' WHEN g % 50 = 7 THEN 'spared'
              ELSE 'treated' END,
       CASE WHEN g % 50 = 49 THEN 'unsubscribed' WHEN g % 10 = :rest THEN 'lasting_holdout'
            WHEN g % 50 = 7 THEN 'discount_share' END, 'shopper', 'p' || g || '@example.com', 'id', :m
FROM generate_series(1, :n) g
"""
ORDERS = """
INSERT INTO shop_order (merchant_id, store_id, external_id, customer_id, status, paid, placed_at, currency, total_minor,
                        discount_minor, content)
SELECT :m, :s, :r || '-' || a.customer_id || '-' || k, a.customer_id, 'completed', true,
       CAST(:at AS timestamptz) + (a.customer_id % 25) * interval '1 day' + k * interval '1 hour', 'IDR', 10000000,
       CASE WHEN a.arm = 'treated' AND a.customer_id % 7 = 0 THEN 1000000 ELSE 0 END, 'x'
FROM audience_member a, generate_series(1, CASE a.arm WHEN 'holdout' THEN (a.customer_id % 8 IN (1, 2, 3))::int
    ELSE (a.customer_id % 3 = 1)::int + (a.customer_id % 11 = 5)::int END) k
WHERE a.run_id = :r AND a.arm <> 'excluded'
"""
CLIMBS = """
INSERT INTO rung_change (merchant_id, customer_id, from_rung, to_rung, changed_at, ladder_version)
SELECT :m, customer_id, 'shopper', CASE WHEN customer_id % 5 = 1 THEN 'customer' ELSE 'prospect' END,
       CAST(:at AS timestamptz) + (customer_id % 23) * interval '1 day', 1
FROM audience_member WHERE run_id = :r AND customer_id % 5 IN (1, 2) AND arm <> 'excluded'
"""
