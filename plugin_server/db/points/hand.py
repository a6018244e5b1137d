"""Points that a person gives or takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection

from plugin_server.db.merchant import audit_log
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points.orders import in_force


def adjust(
    conn: Connection, merchant_id: int, customer_id: int, amount: int, *, reason: str, by: str, now: datetime
) -> None:
    """Give (or below zero: take) points, written down with who and why.

    Raises ``NotEnough`` where more would be taken than can be spent, ``ValueError`` for nothing, too much or no reason.
    """
    said = " ".join(reason.split())[:200]
    if not said:
        raise ValueError("Say why: the reason stays with the points.")
    if not 0 < abs(amount) <= points_ledger.MOST:
        raise ValueError(f"Give between 1 and {points_ledger.MOST} points, or take as many.")
    key = f"adjust:{uuid4().hex}"
    if amount > 0:
        force = in_force(conn)
        life = force.program.expires_days if force else None
        ends = now + timedelta(days=life) if life else None
        points_ledger.give(conn, customer_id, amount, kind="adjust", key=key, reason=said, now=now, expires_at=ends)
    else:
        points_ledger.take(conn, customer_id, -amount, kind="adjust", key=key, reason=said, now=now)
    audit_log.record(
        conn, merchant_id, actor=by, action="points_adjusted", subject=f"customer {customer_id}",
        detail={"points": amount, "reason": said},
    )  # fmt: skip
