"""When each piece of periodic work was last due; one process at a time may ask."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, text

LOCK = 7_412_001
"""The advisory lock whose holder is the scheduler."""


def lead(conn: Connection) -> bool:
    """Try to become the scheduler for as long as this connection lives."""
    return bool(conn.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}))


def take_due(conn: Connection, slots: Mapping[str, datetime], now: datetime) -> list[str]:
    """Mark the work whose newest slot has not been taken as started, and give it. However many slots were missed,
    they are made up by one."""
    rows = conn.execute(
        text(
            "INSERT INTO periodic_job (key, last_due, last_started) "
            "SELECT key, due, :now FROM unnest(CAST(:keys AS text[]), CAST(:dues AS timestamptz[])) AS t(key, due) "
            "ON CONFLICT (key) DO UPDATE SET last_due = excluded.last_due, last_started = excluded.last_started "
            "WHERE periodic_job.last_due IS NULL OR periodic_job.last_due < excluded.last_due RETURNING key"
        ),
        {"keys": list(slots), "dues": list(slots.values()), "now": now},
    )
    due = set(rows.scalars())
    return [key for key in slots if key in due]


def finished(conn: Connection, key: str, *, error: str, now: datetime) -> None:
    """Write down how it went."""
    conn.execute(
        text("UPDATE periodic_job SET last_finished = :now, error = :error WHERE key = :key"),
        {"now": now, "error": error[:1000], "key": key},
    )
