"""What became of the messages of a run, for people and for the state machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from plugin_server.db.sending.doubts import FLYING


@dataclass(frozen=True, slots=True)
class Remaining:
    """What of a run is still under way. ``next_at`` is when the earliest deferred message is due."""

    planned: int
    flying: int
    next_at: datetime | None


def remaining(conn: Connection, run_id: int, now: datetime) -> Remaining:
    """What is left to do in a run."""
    row = conn.execute(
        text(
            "SELECT count(*) FILTER (WHERE state = 'planned') AS planned, "
            f"count(*) FILTER (WHERE state IN {FLYING}) AS flying, min(coalesce(not_before, :now)) "
            "FILTER (WHERE state = 'planned') AS next_at FROM message "
            "WHERE run_id = :run AND state IN ('planned', 'claimed', 'sending', 'in_doubt')"
        ),
        {"run": run_id, "now": now},
    ).one()
    return Remaining(row.planned, row.flying, row.next_at)


def skip_stopped(conn: Connection, now: datetime) -> int:
    """What a stopped run has not sent is skipped, and says so; gives how many messages that were."""
    return conn.execute(
        text(
            "UPDATE message m SET state = 'skipped', settled_at = :now, not_before = NULL, "
            "reason = 'stopped: ' || coalesce(nullif(r.state_reason, ''), 'the run was stopped') "
            "FROM campaign_run r WHERE r.state = 'stopped' AND m.run_id = r.id AND m.state = 'planned'"
        ),
        {"now": now},
    ).rowcount


def health(conn: Connection, run_id: int) -> tuple[int, int, int]:
    """How many of a run's mails were sent, bounced, and called spam."""
    row = conn.execute(
        text(
            "SELECT count(*) AS sent, count(*) FILTER (WHERE state = 'bounced') AS bounced, "
            "count(*) FILTER (WHERE state = 'complained') AS complained FROM message "
            "WHERE run_id = :run AND accepted_at IS NOT NULL"
        ),
        {"run": run_id},
    ).one()
    return row.sent, row.bounced, row.complained


def some(
    conn: Connection, run_id: int, *, state: str | None = None, after: int = 0, limit: int = 100
) -> list[dict[str, Any]]:
    """``messages`` page by page, in one state or in all; the next page begins ``after`` the last id."""
    return _read(conn, {"run": run_id, "state": state, "after": after, "limit": limit})


def messages(conn: Connection, run_id: int) -> list[dict[str, Any]]:
    """Every message of a run with its state and reason: ``{"id", "email", "state", "reason", "attempt", …}``."""
    return _read(conn, {"run": run_id, "state": None, "after": 0, "limit": None})


def _read(conn: Connection, given: dict[str, Any]) -> list[dict[str, Any]]:
    rows = conn.execute(
        text(
            "SELECT m.id, m.email, m.customer_id, m.language, m.state, m.reason, m.attempt_id, m.not_before, "
            "coalesce(m.provider_reference, a.provider_reference) AS provider_reference, m.accepted_at FROM message m "
            "LEFT JOIN send_attempt a ON a.id = m.attempt_id WHERE m.run_id = :run AND m.id > :after "
            "AND (CAST(:state AS text) IS NULL OR m.state = :state) ORDER BY m.id LIMIT :limit"
        ),
        given,
    )
    return [
        {
            "id": row.id,
            "email": row.email,
            "state": row.state,
            "reason": row.reason,
            "attempt": str(row.attempt_id) if row.attempt_id else None,
            "provider_reference": row.provider_reference,
            "customer": row.customer_id,
            "language": row.language,
            "not_before": row.not_before.isoformat() if row.not_before else None,
            "accepted_at": row.accepted_at.isoformat() if row.accepted_at else None,
        }
        for row in rows
    ]
