"""POSTs to other systems that series ask for: planned with the step, claimed, made, settled. A row is the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

LOST: Final = timedelta(minutes=2)
"""Longer than any call takes: whoever was making it is dead, and it is made again."""
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
"""Between the tries; after the last one it is given up."""


def plan(conn: Connection, places: Sequence[int], *, step: str, url: str, now: datetime) -> None:
    """A call for each place, once for its step."""
    conn.execute(
        text(
            "INSERT INTO series_call (merchant_id, place_id, campaign_id, customer_id, step, url, created_at, "
            "not_before) SELECT p.merchant_id, p.id, p.campaign_id, p.customer_id, :step, :url, :now, :now "
            "FROM series_place p WHERE p.id = ANY(:ids) ON CONFLICT (place_id, step) DO NOTHING"
        ),
        {"ids": list(places), "step": step, "url": url, "now": now},
    )


def any_due(conn: Connection, now: datetime) -> bool:
    """Whether a call is to be made now."""
    found = "SELECT EXISTS (SELECT FROM series_call WHERE state IN ('planned', 'sending') AND not_before <= :now)"
    return bool(conn.scalar(text(found), {"now": now}))


@dataclass(frozen=True, slots=True)
class Call:
    """A claimed call: where to, and what it says."""

    id: int
    url: str
    tries: int
    body: dict[str, Any]


def claim(conn: Connection, *, now: datetime, limit: int) -> list[Call]:
    """Take calls that are due, also those of workers that died; each is ours for ``LOST``."""
    rows = conn.execute(text(_CLAIM), {"now": now, "later": now + LOST, "limit": limit}).all()
    return [Call(row.id, row.url, row.tries, _said(row)) for row in rows]


_CLAIM: Final = """
WITH mine AS (
    UPDATE series_call SET state = 'sending', tries = tries + 1, not_before = :later WHERE id IN (
        SELECT id FROM series_call WHERE state IN ('planned', 'sending') AND not_before <= :now
        ORDER BY not_before, id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING *
)
SELECT m.id, m.url, m.tries, m.step, m.created_at, m.merchant_id, k.key AS campaign, c.id AS customer_id, c.public_id,
       c.email, c.first_name, c.last_name, c.language, c.tags, f.rung, o.code, o.expires_at,
       c.erased_at IS NOT NULL AS erased
FROM mine m JOIN campaign k ON k.id = m.campaign_id JOIN customer c ON c.id = m.customer_id
JOIN series_place p ON p.id = m.place_id LEFT JOIN customer_facts f ON f.customer_id = c.id
LEFT JOIN offer_code o ON o.id = p.offer_code_id AND o.state = 'issued' ORDER BY m.id
"""


def _said(row: Any) -> dict[str, Any]:
    """What the other system reads. Of an erased customer there is nothing to say."""
    customer = {"id": str(row.public_id)}
    if not row.erased:
        names = ("email", "first_name", "last_name", "language", "rung", "tags")
        customer |= {name: getattr(row, name) for name in names}
    code = {"code": row.code, "expires_at": row.expires_at.isoformat()} if row.code and not row.erased else None
    return {
        "delivery": f"{row.merchant_id}-{row.id}",
        "campaign": row.campaign,
        "step": row.step,
        "occurred_at": row.created_at.isoformat(),
        "customer": customer,
        "offer": code,
    }


def settle(
    conn: Connection, call: Call, *, now: datetime, status: int | None, error: str = "", permanent: bool = False
) -> None:
    """Write down how a call went: done, to be tried again after a pause, or given up with the reason."""
    if not error:
        state, later = "done", now
    elif permanent or call.tries > len(PAUSES):
        state, later = "failed", now
    else:
        state, later = "planned", now + PAUSES[call.tries - 1]
    conn.execute(
        text(
            "UPDATE series_call SET state = :state, status = :status, detail = :detail, not_before = :later, "
            "settled_at = CASE WHEN :state <> 'planned' THEN CAST(:now AS timestamptz) END "
            "WHERE id = :id AND state = 'sending'"
        ),
        {"id": call.id, "state": state, "status": status, "detail": error[:500], "later": later, "now": now},
    )
