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


def told(conn: Connection, now: datetime, timezone: str) -> dict[str, Any]:
    """``{"year": heads, "months": [[month, heads], …]}`` with heads as ``[promoters, passives, detractors]``.

    Of the last 365 days; months are those of the shop's zone (``2026-11``), newest first. Each customer counts once,
    with their newest score: in the year, and in every month.
    """
    row = conn.execute(text(_NEWEST.format(month="CAST('' AS text)")), {"since": now - YEAR}).one_or_none()
    month = "to_char(answered_at AT TIME ZONE :zone, 'YYYY-MM')"
    rows = conn.execute(text(_NEWEST.format(month=month)), {"since": now - YEAR, "zone": timezone})
    return {"year": list(row[:3]) if row else [0, 0, 0], "months": [[row.month, list(row[:3])] for row in rows]}


def scored(heads: dict[str, Any]) -> tuple[Promotion, list[tuple[str, Promotion]]]:
    """What ``told`` counted, as net promoter scores: of the year, and by month."""
    return promotion(*heads["year"]), [(month, promotion(*of)) for month, of in heads["months"]]


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
