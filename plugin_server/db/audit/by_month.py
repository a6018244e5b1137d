"""The audit month by month: new against existing sales, who was kept, and cohorts by the month of the first order.

Over the ``visit`` table of ``plugin_server.db.audit.figures``.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, text

from connectors.types import Money

_CELLS = """
    CREATE TEMP TABLE cell ON COMMIT DROP AS
    SELECT cohort, month, count(*) FILTER (WHERE before IS DISTINCT FROM month) AS buyers,
        count(*) FILTER (WHERE before = (month - interval '1 month')::date) AS kept,
        sum(new_net)::bigint AS fresh, sum(net - new_net)::bigint AS existing
    FROM (SELECT *, date_trunc('month', first_day::timestamp)::date AS cohort,
              date_trunc('month', (day - gap)::timestamp)::date AS before FROM visit) AS each
    GROUP BY cohort, month"""
"""By month of the first order and month of the order, all in one pass: whoever bought in a month is counted at their
first visit in it, because the visit before, ``gap`` days ago, was in another month."""

_MONTHS = """
    WITH kept AS (SELECT month, sum(buyers) AS buyers, sum(kept) AS kept, sum(fresh)::bigint AS fresh,
                      sum(existing)::bigint AS existing FROM cell GROUP BY month)
    SELECT m::date AS month, coalesce(kept.buyers, 0)::bigint AS buyers, coalesce(kept.kept, 0)::bigint AS kept,
        before.buyers::bigint AS before, coalesce(kept.fresh, 0) AS fresh, coalesce(kept.existing, 0) AS existing
    FROM generate_series(cast(:first AS timestamp), cast(:last AS timestamp), '1 month') AS m
    LEFT JOIN kept ON kept.month = m::date
    LEFT JOIN kept AS before ON before.month = (m - interval '1 month')::date
    ORDER BY m"""

_COHORTS = """
    SELECT cohort, (extract(year FROM month) - extract(year FROM cohort))::int * 12
            + (extract(month FROM month) - extract(month FROM cohort))::int AS distance, buyers AS people
    FROM cell WHERE cohort >= :first ORDER BY 1, 2"""

_CUT_MONTH = """
    SELECT count(DISTINCT customer_id) AS buyers, coalesce(sum(new_net), 0)::bigint AS fresh,
        coalesce(sum(net - new_net), 0)::bigint AS existing,
        count(DISTINCT customer_id) FILTER (WHERE EXISTS (SELECT FROM visit AS old WHERE old.customer_id = v.customer_id
            AND old.month = (v.month - interval '1 month')::date)) AS kept
    FROM visit AS v WHERE day >= :first AND month = date_trunc('month', cast(:first AS timestamp))::date"""
"""The month in which the days asked for begin, without those before them. Who was kept is still told against the whole
month before."""

_CUT_COHORT = """
    SELECT (extract(year FROM month) - extract(year FROM first_day))::int * 12
            + (extract(month FROM month) - extract(month FROM first_day))::int AS distance,
        count(DISTINCT customer_id) AS people
    FROM visit WHERE first_day >= :first
        AND date_trunc('month', first_day::timestamp) = date_trunc('month', cast(:first AS timestamp)) GROUP BY 1"""


def prepare(conn: Connection) -> None:
    """The table ``cell``, which months and cohorts are read from."""
    conn.execute(text("DROP TABLE IF EXISTS cell"))
    conn.execute(text(_CELLS))


def share(part: int | Decimal, whole: int | Decimal) -> float | None:
    """A part of a whole; None of nothing."""
    return float(part) / float(whole) if whole else None


def months(
    conn: Connection, span: Row[Any], asked: tuple[date | None, date | None], p80: float | None, currency: str
) -> list[dict[str, Any]]:
    """Per month, of the days ``asked`` for; ``partial`` where they leave some of the month out.

    The opening months are flagged: customers from before the first record look new there.
    """
    first, until = asked
    last = until or span.last
    if span.opened is None or last is None:
        return []
    given = {"first": (first or span.opened).replace(day=1), "last": last.replace(day=1)}
    known_from = None if p80 is None else span.opened + timedelta(days=p80)
    cut = {day.replace(day=1) for day in (first, until and until + timedelta(days=1)) if day and day.day > 1}
    rows = [dict(row._mapping) for row in conn.execute(text(_MONTHS), given)]
    if rows and first and first.day > 1:
        rows[0] |= conn.execute(text(_CUT_MONTH), {"first": first}).one()._mapping
    return [
        {
            "month": row["month"].strftime("%Y-%m"),
            "new_revenue": Money(row["fresh"], currency).as_json(),
            "existing_revenue": Money(row["existing"], currency).as_json(),
            "existing_share": share(row["existing"], row["fresh"] + row["existing"]),
            "retention": share(row["kept"], row["before"]) if row["before"] else None,
            "buyers": row["buyers"],
            "flagged_incomplete": known_from is None or row["month"] < known_from,
            "partial": row["month"] in cut,
        }
        for row in rows
    ]


def cohorts(conn: Connection, span: Row[Any], first: date | None, last: date | None) -> list[dict[str, Any]]:
    """Per month of first order, since ``first``: how many, and how many of them ordered 1, 2, … months later."""
    if span.opened is None or last is None:
        return []
    made: dict[date, dict[int, int]] = {}
    for row in conn.execute(text(_COHORTS), {"first": (first or span.opened).replace(day=1)}):
        made.setdefault(row.cohort, {})[row.distance] = row.people
    if first and first.day > 1:
        made.pop(first.replace(day=1), None)
        cut = {row.distance: row.people for row in conn.execute(text(_CUT_COHORT), {"first": first})}
        made = {first.replace(day=1): cut, **made} if cut else made
    return [
        {
            "month": month.strftime("%Y-%m"),
            "size": people[0],
            "active": [
                people.get(k, 0) for k in range(1, (last.year - month.year) * 12 + last.month - month.month + 1)
            ],
        }
        for month, people in made.items()
    ]
