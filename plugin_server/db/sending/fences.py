"""Requests that wait at the provider: which are to be called back, and what that does to their messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from campaigns.mail.fence import CERTAIN, CLOCKS

HALTED: Final = "('paused', 'stopped')"
"""States of a run in which nothing more of it is to leave."""

CALLED_BACK: Final = "called back before it left"


@dataclass(frozen=True, slots=True)
class Held:
    """A request behind its fence."""

    attempt_id: UUID
    run_id: int
    batch_id: str


def to_call_back(conn: Connection, now: datetime) -> list[Held]:
    """Requests in doubt, and those of runs that were halted, as long as calling back is certain; the eldest first."""
    rows = conn.execute(
        text(
            "SELECT a.id, a.run_id, a.batch_id FROM send_attempt a JOIN campaign_run r ON r.id = a.run_id "
            f"WHERE a.send_at > :later AND (a.state = 'in_doubt' OR (a.state = 'accepted' AND r.state IN {HALTED})) "
            "AND EXISTS (SELECT FROM message m WHERE m.attempt_id = a.id AND m.state IN ('in_doubt', 'accepted')) "
            "ORDER BY a.send_at"
        ),
        {"later": now + CERTAIN + CLOCKS},
    )
    return [Held(row.id, row.run_id, row.batch_id) for row in rows]


def called_back(conn: Connection, held: Held, now: datetime) -> int:
    """The provider will not let it out: its messages are planned again, or over where the run is. Gives how many."""
    conn.execute(
        text("UPDATE send_attempt SET state = 'not_sent', detail = :why, settled_at = :now WHERE id = :id"),
        {"id": held.attempt_id, "why": CALLED_BACK, "now": now},
    )
    moved = conn.execute(
        text(
            "UPDATE message m SET state = CASE WHEN r.state = 'stopped' THEN 'skipped' ELSE 'planned' END, "
            "reason = CASE WHEN r.state = 'stopped' THEN :stopped ELSE :why END, attempt_id = NULL, claimed_at = NULL, "
            "accepted_at = NULL, not_before = NULL, provider_reference = NULL, "
            "settled_at = CASE WHEN r.state = 'stopped' THEN CAST(:now AS timestamptz) END "
            "FROM campaign_run r WHERE r.id = m.run_id AND m.attempt_id = :id AND m.state IN ('in_doubt', 'accepted')"
        ),
        {
            "id": held.attempt_id,
            "why": "called back before it left; goes again",
            "stopped": "stopped: called back before it left",
            "now": now,
        },
    )
    return moved.rowcount


def recalled(conn: Connection, attempts: Sequence[UUID]) -> set[UUID]:
    """Those of them that were called back: that the provider once took them proves nothing any more."""
    found = text("SELECT id FROM send_attempt WHERE id = ANY(:ids) AND state = 'not_sent' AND detail = :why")
    return set(conn.scalars(found, {"ids": list(attempts), "why": CALLED_BACK}))


def leaves_last(conn: Connection, run_id: int, now: datetime) -> datetime | None:
    """When the last request of a run leaves that still waits at the provider; None where none does."""
    found = text(
        "SELECT max(send_at) FROM send_attempt WHERE run_id = :run AND send_at > :now "
        "AND state IN ('accepted', 'in_doubt')"
    )
    moment: datetime | None = conn.scalar(found, {"run": run_id, "now": now})
    return moment
