"""What series leave for people of the shop to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from plugin_server.db.merchant import audit_log


def add(conn: Connection, places: Sequence[int], *, step: str, title: str, note: str, now: datetime) -> None:
    """A task for each place, once for its step."""
    conn.execute(
        text(
            "INSERT INTO owner_task (merchant_id, place_id, campaign_id, customer_id, step, title, note, created_at) "
            "SELECT p.merchant_id, p.id, p.campaign_id, p.customer_id, :step, :title, :note, :now "
            "FROM series_place p WHERE p.id = ANY(:ids) ON CONFLICT (place_id, step) DO NOTHING"
        ),
        {"ids": list(places), "step": step, "title": title, "note": note, "now": now},
    )


def open_count(conn: Connection) -> int:
    """How many wait."""
    return int(conn.scalar(text("SELECT count(*) FROM owner_task WHERE done_at IS NULL")) or 0)


_TASKS = """
SELECT t.*, c.first_name, c.last_name, c.email, k.key AS campaign, k.name AS campaign_name
FROM owner_task t JOIN customer c ON c.id = t.customer_id JOIN campaign k ON k.id = t.campaign_id
"""


def waiting(conn: Connection, limit: int = 50) -> list[Any]:
    """Open tasks, oldest first, with customer and campaign."""
    return list(conn.execute(text(_TASKS + "WHERE t.done_at IS NULL ORDER BY t.id LIMIT :n"), {"n": limit}))


def lately_done(conn: Connection) -> list[Any]:
    """The twenty tasks that were done last, newest first."""
    return list(conn.execute(text(_TASKS + "WHERE t.done_at IS NOT NULL ORDER BY t.done_at DESC LIMIT 20")))


def finish(conn: Connection, task_id: int, *, by: str, now: datetime, done: bool = True) -> bool:
    """Tick a task off, or take that back; False where it is so already or there is none."""
    values = {"id": task_id, "by": by if done else None, "at": now if done else None}
    changed = conn.execute(
        text(
            "UPDATE owner_task SET done_at = CAST(:at AS timestamptz), done_by = CAST(:by AS text) WHERE id = :id "
            f"AND done_at IS {'' if done else 'NOT'} NULL RETURNING merchant_id, step"
        ),
        values,
    ).one_or_none()
    if changed:
        action = "task_done" if done else "task_reopened"
        audit_log.record(conn, changed.merchant_id, actor=by, action=action, subject=f"task {task_id}")
    return changed is not None
