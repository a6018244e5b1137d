"""The shop's own rhythm: after how many days without an order somebody is cooling, and after how many lapsed.

One number for all would be wrong: after a first order people wait longer than after a tenth. So the waits are taken
by the number of the order (distinct days). Numbers with fewer than ``ENOUGH`` waits use all waits together; a shop
with fewer than that altogether uses ``ASSUMED``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, DateTime, FromClause, case, func, insert, literal, text

from plugin_server.db.models.rhythm import OrderRhythm

ENOUGH = 30
DEEPEST = 10
"""From this order on the waits are taken together."""
SAMPLE = 10_000
"""So many buyers tell a quantile to well within a percent; a larger shop is sampled by customer number."""
ASSUMED = (90, 180)
"""Days until cooling and lapsed, for a shop whose customers have hardly ever come back."""

Rhythm = Mapping[int, tuple[float, float]]
"""By order number (0: all together): days until cooling (p80) and until lapsed (p95)."""

_WAITS = """
    SELECT row_number() OVER w AS after_order, lead(day) OVER w - day AS days
    FROM (SELECT DISTINCT o.customer_id, (o.placed_at AT TIME ZONE (SELECT timezone FROM merchant))::date AS day
          FROM shop_order o WHERE o.counts AND o.placed_at <= :at AND o.customer_id % :step = 0) AS bought
    WINDOW w AS (PARTITION BY customer_id ORDER BY day)"""

_QUANTILES = f"""
    SELECT coalesce(least(after_order, {DEEPEST}), 0) AS after_order, count(*) AS gaps,
        percentile_cont(0.8) WITHIN GROUP (ORDER BY days) AS p80_days,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY days) AS p95_days
    FROM ({_WAITS}) AS waits WHERE days IS NOT NULL
    GROUP BY GROUPING SETS ((), (least(after_order, {DEEPEST})))
    HAVING count(*) >= {ENOUGH}"""


def measure(conn: Connection, *, merchant_id: int, now: datetime, buyers: int | None = None) -> None:
    """Measure the waits anew and keep them. Nightly: they hardly change within a day.

    ``buyers`` is how many people bought, where the facts do not say it yet.
    """
    step = _step(conn) if buyers is None else max(1, buyers // SAMPLE)
    found = conn.execute(text(_QUANTILES), {"at": now, "step": step}).all()
    conn.execute(text("DELETE FROM order_rhythm"))
    for row in found:
        conn.execute(insert(OrderRhythm).values(merchant_id=merchant_id, measured_at=now, **row._mapping))


def kept(conn: Connection) -> Rhythm:
    """What ``measure`` found last; empty where it never found enough."""
    return _read(conn, "SELECT after_order, p80_days, p95_days FROM order_rhythm", {})


def as_of(conn: Connection, at: datetime) -> Rhythm:
    """The rhythm as the orders up to ``at`` show it; nothing is kept."""
    return _read(conn, _QUANTILES, {"at": at, "step": _step(conn)})


def limits(rhythm: Rhythm, number: int) -> tuple[float, float]:
    """Days until cooling and until lapsed after order ``number``."""
    return rhythm.get(min(number, DEEPEST), rhythm.get(0, ASSUMED))


def activity(rhythm: Rhythm, facts: FromClause, now: datetime) -> ColumnElement[str]:
    """``active``, ``cooling``, ``lapsed`` or ``none`` (no order), as SQL over a row of facts."""
    last, number = facts.c.last_order_at, func.least(facts.c.order_days, DEEPEST)

    def passed(which: int) -> ColumnElement[bool]:
        by_number = {
            order: literal(now - timedelta(days=limits(rhythm, order)[which]), DateTime(timezone=True))
            for order in range(1, DEEPEST + 1)
        }
        return last < case(by_number, value=number)

    return case((last.is_(None), "none"), (passed(1), "lapsed"), (passed(0), "cooling"), else_="active")


def _step(conn: Connection) -> int:
    people = conn.scalar(text("SELECT count(*) FROM customer_facts WHERE orders > 0")) or 0
    return max(1, int(people) // SAMPLE)


def _read(conn: Connection, query: str, given: Mapping[str, Any]) -> Rhythm:
    return {row.after_order: (float(row.p80_days), float(row.p95_days)) for row in conn.execute(text(query), given)}
