"""What the answers tell the owner: the score over time, and the newest sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from campaigns.asking import Promotion, promotion

YEAR: Final = timedelta(days=365)
ROUTES: Final = {"promoter": (9, 10), "passive": (7, 8), "detractor": (0, 6)}

_NEWEST = """
    SELECT count(*) FILTER (WHERE score >= 9) AS up, count(*) FILTER (WHERE score BETWEEN 7 AND 8) AS middle,
        count(*) FILTER (WHERE score <= 6) AS down, month
    FROM (SELECT DISTINCT ON (customer_id, {month}) score, {month} AS month FROM survey_answer a
          WHERE score IS NOT NULL AND answered_at > :since
          ORDER BY customer_id, {month}, answered_at DESC, id DESC) AS s
    GROUP BY month ORDER BY month DESC"""


def year(conn: Connection, now: datetime) -> Promotion:
    """The net promoter score of the last 365 days; each customer counts once, with their newest score."""
    row = conn.execute(text(_NEWEST.format(month="CAST('' AS text)")), {"since": now - YEAR}).one_or_none()
    return promotion(row.up, row.middle, row.down) if row else promotion(0, 0, 0)


def months(conn: Connection, now: datetime, timezone: str) -> list[tuple[str, Promotion]]:
    """The same by month of the shop's zone (``2026-11``), newest first; each customer counts once in a month."""
    month = "to_char(answered_at AT TIME ZONE :zone, 'YYYY-MM')"
    rows = conn.execute(text(_NEWEST.format(month=month)), {"since": now - YEAR, "zone": timezone})
    return [(row.month, promotion(row.up, row.middle, row.down)) for row in rows]


def newest(
    conn: Connection, *, route: str | None = None, score: int | None = None, limit: int = 50
) -> Sequence[Row[Any]]:
    """Scores with their sentences, newest first, of one route or of one score.

    (id, customer_id, score, text, answered_at, name, thread: its conversation, praise and publish: its testimonial.)
    """
    low, high = (score, score) if score is not None else ROUTES[route] if route else (0, 10)
    return conn.execute(
        text(
            "SELECT a.id, a.customer_id, a.score, a.text, a.answered_at, "
            "coalesce(nullif(trim(c.first_name || ' ' || c.last_name), ''), c.email, '–') AS name, "
            "(SELECT max(m.conversation_id) FROM conversation_message m "
            "WHERE m.merchant_id = a.merchant_id AND m.reference = '<answer-' || a.id || '-0@tangga>') AS thread, "
            "t.text AS praise, t.approved AS publish "
            "FROM survey_answer a JOIN customer c ON c.id = a.customer_id "
            "LEFT JOIN testimonial t ON t.customer_id = a.customer_id AND t.store_id IS NULL "
            "AND t.external_id = 'ask:' || a.id "
            "WHERE a.score BETWEEN :low AND :high ORDER BY a.answered_at DESC, a.id DESC LIMIT :limit"
        ),
        {"low": low, "high": high, "limit": limit},
    ).all()
