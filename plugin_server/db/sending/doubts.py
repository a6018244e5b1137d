"""Attempts that are not settled: what a dead worker or a silent provider leaves behind, and how each of them ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

FLYING: Final = "('claimed', 'sending', 'in_doubt')"
"""States between planned and settled."""


def doubt(conn: Connection, attempt_id: UUID, reason: str) -> None:
    """Nobody knows whether these left. They are not sent again blindly."""
    conn.execute(
        text("UPDATE send_attempt SET state = 'in_doubt', detail = :r WHERE id = :id AND state = 'sending'"),
        {"id": attempt_id, "r": reason},
    )
    conn.execute(
        text("UPDATE message SET state = 'in_doubt', reason = :r WHERE attempt_id = :id AND state = 'sending'"),
        {"id": attempt_id, "r": reason},
    )


def doubt_some(conn: Connection, attempt_id: UUID, reasons: dict[int, str]) -> None:
    """Of these messages alone nobody knows whether they left (message id → reason)."""
    if reasons:
        conn.execute(
            text(
                "UPDATE message m SET state = 'in_doubt', reason = 'in doubt: ' || t.reason "
                "FROM unnest(CAST(:ids AS bigint[]), CAST(:reasons AS text[])) AS t(id, reason) "
                "WHERE m.id = t.id AND m.attempt_id = :attempt AND m.state IN ('sending', 'in_doubt')"
            ),
            {"ids": list(reasons), "reasons": list(reasons.values()), "attempt": attempt_id},
        )


def again(conn: Connection, attempt_id: UUID, message_ids: Sequence[int], *, reason: str) -> int:
    """Messages in doubt that certainly did not leave, or that the run's policy sends again, are planned anew."""
    return conn.execute(
        text(
            "UPDATE message SET state = 'planned', attempt_id = NULL, claimed_at = NULL, not_before = NULL, "
            "reason = :r WHERE attempt_id = :id AND state = 'in_doubt' AND id = ANY(:ids)"
        ),
        {"id": attempt_id, "ids": list(message_ids), "r": reason},
    ).rowcount


def give_up(conn: Connection, attempt_id: UUID, *, reason: str, now: datetime) -> int:
    """Messages in doubt that nobody will ever know about end as failed, and say so."""
    return conn.execute(
        text(
            "UPDATE message SET state = 'failed', reason = :r, settled_at = :now "
            "WHERE attempt_id = :id AND state = 'in_doubt'"
        ),
        {"id": attempt_id, "r": reason, "now": now},
    ).rowcount


def close_attempt(conn: Connection, attempt_id: UUID, *, state: str, detail: str, now: datetime) -> None:
    """End an attempt that was in doubt."""
    conn.execute(
        text(
            "UPDATE send_attempt SET state = :s, detail = :d, settled_at = :now WHERE id = :id AND state = 'in_doubt'"
        ),
        {"id": attempt_id, "s": state, "d": detail, "now": now},
    )


def decide(conn: Connection, run_id: int, *, resend: bool, by: str, now: datetime) -> int:
    """End all doubts of a run as a person says: sent again, or given up. Gives how many messages that were.

    Requests that still wait behind a fence are left out: they are called back, and nothing is to be decided.
    """
    settled = "attempt_id NOT IN (SELECT id FROM send_attempt WHERE run_id = :run AND send_at > :now)"
    reason = f"in doubt: {by} decided that it is not sent again"
    again_ = f"{by} decided to send it again"
    messages = conn.execute(
        text(
            "UPDATE message SET state = 'planned', attempt_id = NULL, claimed_at = NULL, not_before = NULL, "
            f"reason = :r WHERE run_id = :run AND state = 'in_doubt' AND {settled}"
            if resend
            else "UPDATE message SET state = 'failed', reason = :r, settled_at = :now "
            f"WHERE run_id = :run AND state = 'in_doubt' AND {settled}"
        ),
        {"run": run_id, "r": again_ if resend else reason, "now": now},
    ).rowcount
    conn.execute(
        text(
            "UPDATE send_attempt SET state = 'not_sent', detail = :d, settled_at = :now "
            "WHERE run_id = :run AND state = 'in_doubt' AND (send_at IS NULL OR send_at <= :now)"
        ),
        {"run": run_id, "d": again_ if resend else reason, "now": now},
    )
    return messages


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt that is not settled, with its messages that are not.

    ``since`` is when it was prepared or made; in doubt behind a fence, when it leaves, for no report comes earlier.
    """

    id: UUID
    run_id: int
    backend: str
    state: str
    since: datetime
    message_ids: list[int]


def open_attempts(conn: Connection) -> list[OpenAttempt]:
    """All attempts that are prepared, sending or in doubt, oldest first."""
    rows = conn.execute(
        text(
            "SELECT a.id, a.run_id, a.backend, a.state, "
            "CASE WHEN a.state = 'in_doubt' THEN coalesce(a.send_at, a.sending_at, a.prepared_at) "
            "ELSE coalesce(a.sending_at, a.prepared_at) END AS since, "
            "coalesce(array_agg(m.id) FILTER (WHERE m.id IS NOT NULL), '{}') AS ids FROM send_attempt a "
            f"LEFT JOIN message m ON m.attempt_id = a.id AND m.state IN {FLYING} "
            "WHERE a.state IN ('prepared', 'sending', 'in_doubt') GROUP BY a.id ORDER BY since"
        )
    )
    return [OpenAttempt(row.id, row.run_id, row.backend, row.state, row.since, list(row.ids)) for row in rows]
