"""The audit's questions about people, over the ``visit`` table of ``plugin_server.db.audit.figures``.

Who bought something else later, who is lost and what they were worth, and what was done for the best tenth.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from connectors.types import Money
from plugin_server.db.ladder import rhythm

LATELY_DAYS = 90
YEAR_DAYS = 365

_CROSS = """
    WITH item AS (
        SELECT o.customer_id, coalesce(l.product_external_id, l.sku, nullif(l.title, '')) AS item,
            min((o.placed_at AT TIME ZONE :zone)::date) AS day, max((o.placed_at AT TIME ZONE :zone)::date) AS last
        FROM shop_order o JOIN order_line l ON l.order_id = o.id AND l.quantity > 0
        WHERE o.counts AND o.customer_id IS NOT NULL AND o.placed_at < :end GROUP BY 1, 2)
    SELECT count(DISTINCT customer_id) AS known,
        count(DISTINCT customer_id) FILTER (WHERE item.day > visit.first_day) AS crossed,
        (SELECT count(DISTINCT customer_id) FROM visit WHERE visit >= 2 AND day >= coalesce(:first, day)) AS repeaters
    FROM item JOIN visit USING (customer_id)
    WHERE item IS NOT NULL AND visit.visit = 1 AND last >= coalesce(:first, last)"""

_LOST = """
    SELECT count(*) AS people, coalesce(sum(year), 0)::bigint AS worth
    FROM (SELECT customer_id, last, count(*) AS visits, sum(net) FILTER (WHERE day > last - :year) AS year
          FROM (SELECT *, max(day) OVER (PARTITION BY customer_id) AS last FROM visit) AS each
          GROUP BY customer_id, last) AS person
    WHERE cast(:today AS date) - last > (cast(:limits AS double precision[]))[least(visits, cardinality(:limits))]"""

_BEST = """
    CREATE TEMP TABLE best ON COMMIT DROP AS
    SELECT customer_id, net FROM (
        SELECT customer_id, net, row_number() OVER (ORDER BY net DESC, customer_id) AS place, count(*) OVER () AS people
        FROM (SELECT customer_id, sum(net) AS net FROM visit WHERE day >= coalesce(:first, day) GROUP BY customer_id)
            AS each
    ) AS ranked WHERE place <= ceil(people / 10.0)"""

_DONE = """
    SELECT count(*) AS people, coalesce(sum(net), 0)::bigint AS revenue,
        count(*) FILTER (WHERE written) AS written, count(*) FILTER (WHERE offered) AS offered,
        count(*) FILTER (WHERE redeemed) AS redeemed,
        count(*) FILTER (WHERE NOT written AND NOT offered) AS nothing,
        coalesce(sum(net) FILTER (WHERE NOT written AND NOT offered), 0)::bigint AS nothing_revenue,
        count(*) FILTER (WHERE f.consent_promotions = 'subscribed') AS reachable,
        count(*) FILTER (WHERE f.activity = 'cooling') AS cooling,
        count(*) FILTER (WHERE f.activity = 'lapsed') AS lapsed
    FROM best LEFT JOIN customer_facts f USING (customer_id), LATERAL (SELECT
        EXISTS (SELECT FROM message m WHERE m.customer_id = best.customer_id AND m.accepted_at >= :since) AS written,
        EXISTS (SELECT FROM offer_code c WHERE c.customer_id = best.customer_id AND c.issued_at >= :since) AS offered,
        EXISTS (SELECT FROM redemption r WHERE r.customer_id = best.customer_id AND r.redeemed_at >= :since
                    AND r.released_at IS NULL) AS redeemed) AS done"""


def cross_sell(conn: Connection, *, zone: str, first: date | None, end: datetime) -> dict[str, Any]:
    """Who bought a product from ``first`` on that was not in the basket of their first day, whenever that was.

    Of those who bought anything in these days; None where orders came without lines.
    """
    row = conn.execute(text(_CROSS), {"zone": zone, "first": first, "end": end}).one()
    return {
        "customers": row.crossed,
        "rate": row.crossed / row.known if row.known else None,
        "of_repeaters": row.crossed / row.repeaters if row.known and row.repeaters else None,
    }


def lost(conn: Connection, *, today: date | None, currency: str) -> dict[str, Any]:
    """Those silent for longer than 95 of 100 customers wait at that order number, and what their last year brought."""
    if today is None:
        return {"customers": 0, "last_year_revenue": Money(0, currency).as_json()}
    kept = rhythm.kept(conn)
    limits = [float(rhythm.limits(kept, number)[1]) for number in range(1, rhythm.DEEPEST + 1)]
    row = conn.execute(text(_LOST), {"today": today, "year": YEAR_DAYS, "limits": limits}).one()
    return {"customers": row.people, "last_year_revenue": Money(row.worth, currency).as_json()}


def best(conn: Connection, *, first: date | None, now: datetime, currency: str) -> dict[str, Any]:
    """The best tenth by money, and what was done for them lately. Leaves the table ``best``."""
    conn.execute(text("DROP TABLE IF EXISTS best"))
    conn.execute(text(_BEST), {"first": first})
    conn.execute(text("ANALYZE best"))
    row = conn.execute(text(_DONE), {"since": now - timedelta(days=LATELY_DAYS)}).mappings().one()
    return {
        "days": LATELY_DAYS,
        "customers": row["people"],
        "revenue": Money(row["revenue"], currency).as_json(),
        "mailed": row["written"],
        "offered": row["offered"],
        "redeemed": row["redeemed"],
        "nothing": row["nothing"],
        "nothing_revenue": Money(row["nothing_revenue"], currency).as_json(),
        "reachable": row["reachable"],
        "cooling": row["cooling"],
        "lapsed": row["lapsed"],
    }
