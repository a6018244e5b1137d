"""A count that grows with every transaction that changed orders, so that a figure knows whether it is stale."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text


def beat(conn: Connection, *, merchant_id: int, now: datetime) -> None:
    """Say that orders changed. Counts only when the caller's transaction commits."""
    conn.execute(
        text(
            "INSERT INTO order_pulse (merchant_id, beat, beaten_at) VALUES (:m, 1, :at) "
            "ON CONFLICT (merchant_id) DO UPDATE SET beat = order_pulse.beat + 1, beaten_at = excluded.beaten_at"
        ),
        {"m": merchant_id, "at": now},
    )


def current(conn: Connection) -> tuple[int, datetime | None]:
    """The count of this moment, and when it last grew."""
    row = conn.execute(text("SELECT beat, beaten_at FROM order_pulse")).one_or_none()
    return (row.beat, row.beaten_at) if row else (0, None)
