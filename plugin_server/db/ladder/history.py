"""What the log of climbs and falls tells: month by month, and lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from plugin_server.db.ladder import rungs

_LIVE = "EXISTS (SELECT 1 FROM customer_facts f WHERE f.customer_id = c.customer_id)"
"""A customer merged into another is counted there."""

_BY_MONTH = f"""
    SELECT date_trunc('month', c.changed_at AT TIME ZONE (SELECT timezone FROM merchant))::date AS month,
        c.from_rung, c.to_rung, count(*) AS moved
    FROM rung_change c WHERE c.changed_at <= :until AND {_LIVE}
    GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST, 3"""

_LATELY = f"""
    SELECT c.from_rung, c.to_rung, count(*) AS moved FROM rung_change c
    WHERE c.changed_at > :since AND c.changed_at <= :now AND {_LIVE}
    GROUP BY 1, 2 ORDER BY 3 DESC, 1 NULLS FIRST, 2"""


def history(
    conn: Connection, *, merchant_id: int, date_from: date | None, date_to: date | None, now: datetime
) -> dict[str, Any]:
    """Per month (shop's zone): the moves, and how many stand on each rung at its end.

    Both come from one log, so each month's counts are the last month's plus its moves. Without ``date_from`` it begins
    with the first move.
    """
    on = rungs.shop(conn, merchant_id)
    rows = conn.execute(text(_BY_MONTH), {"until": now}).all()
    last = min(date_to or on.local(now).date(), on.local(now).date())
    first = date_from or (rows[0].month if rows else last)
    standing: Counter[str] = Counter()
    months: list[dict[str, Any]] = []
    for row in (row for row in rows if row.month < first.replace(day=1)):
        _apply(standing, row)
    for month in _months(first, last):
        moves = [row for row in rows if row.month == month]
        for row in moves:
            _apply(standing, row)
        months.append(
            {
                "month": month.strftime("%Y-%m"),
                "moves": [{"from": row.from_rung, "to": row.to_rung, "count": row.moved} for row in moves],
                "counts": {key: standing[key] for key in on.ladder.keys},
            }
        )
    return {"ladder": on.ladder.name, "months": months}


def movement(conn: Connection, since: datetime, now: datetime) -> dict[str, Any]:
    """Moves after ``since``: ``moves`` (from, to, count) and the sums ``climbed``, ``fell`` and ``arrived``."""
    on = rungs.shop(conn, conn.execute(text("SELECT id FROM merchant")).scalar_one())
    rows = conn.execute(text(_LATELY), {"since": since, "now": now}).all()
    sums = Counter({"climbed": 0, "fell": 0, "arrived": 0})
    for row in rows:
        sums[_kind(on.ladder.keys, row)] += row.moved
    moves = [{"from": row.from_rung, "to": row.to_rung, "count": row.moved} for row in rows]
    return {"since": since.isoformat(), "moves": moves, **sums}


def _kind(keys: tuple[str, ...], row: Row[Any]) -> str:
    if row.from_rung is None:
        return "arrived"
    if row.from_rung not in keys or row.to_rung not in keys:
        return "climbed"
    return "climbed" if keys.index(row.to_rung) > keys.index(row.from_rung) else "fell"


def _apply(standing: Counter[str], row: Row[Any]) -> None:
    standing[row.to_rung] += row.moved
    if row.from_rung is not None:
        standing[row.from_rung] -= row.moved


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
