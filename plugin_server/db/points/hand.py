"""Points that a person gives or takes, and takes back again within a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, text

from plugin_server.db.merchant import audit_log
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points.orders import in_force

UNDO = timedelta(days=1)
"""How long what was done by hand can be undone by a button; later it is another entry, with a reason of its own."""


def adjust(
    conn: Connection,
    merchant_id: int,
    customer_id: int,
    amount: int,
    *,
    reason: str,
    by: str,
    now: datetime,
    ticket: str = "",
) -> bool:
    """Give (or below zero: take) points, written down with who and why. ``ticket`` is the form's own number: what was
    sent twice is done once, and the second time gives False.

    Raises ``NotEnough`` where more would be taken than can be spent, ``ValueError`` for nothing, too much or no reason.
    """
    said = " ".join(reason.split())[:200]
    if not said:
        raise ValueError("Say why: the reason stays with the points.")
    if not 0 < abs(amount) <= points_ledger.MOST:
        raise ValueError(f"Give between 1 and {points_ledger.MOST} points, or take as many.")
    key = f"adjust:{ticket or uuid4().hex}"
    points_ledger.hold(conn, [customer_id])
    if conn.scalar(text("SELECT 1 FROM point_entry WHERE customer_id = :c AND key = :k"), {"c": customer_id, "k": key}):
        return False
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
    return True


def undoable(conn: Connection, customer_id: int, now: datetime) -> set[int]:
    """Entries by hand of the last day that nobody took back yet."""
    return set(conn.scalars(text(_UNDOABLE), {"c": customer_id, "since": now - UNDO}))


def undo(conn: Connection, merchant_id: int, customer_id: int, entry: int, *, by: str, now: datetime) -> bool:
    """Take an entry by hand back: what was given goes, what was taken returns to its lots. False where it cannot be.

    Twice does it once. Raises ``NotEnough`` where points that were given have been spent since.
    """
    points_ledger.hold(conn, [customer_id])
    if entry not in undoable(conn, customer_id, now):
        return False
    done = conn.execute(text("SELECT points, reason FROM point_entry WHERE id = :id"), {"id": entry}).one()
    if done.points > 0:
        key = f"adjust-back:{entry}"
        points_ledger.take(conn, customer_id, done.points, kind="adjust", key=key, reason=done.reason, now=now)
    else:
        points_ledger.give_back(conn, entry, reason=done.reason, now=now)
    audit_log.record(
        conn, merchant_id, actor=by, action="points_undone", subject=f"customer {customer_id}",
        detail={"points": -done.points, "reason": done.reason},
    )  # fmt: skip
    return True


_UNDOABLE = """
SELECT e.id FROM point_entry e
WHERE e.customer_id = :c AND e.kind = 'adjust' AND e.key LIKE 'adjust:%' AND e.happened_at > :since
    AND NOT EXISTS (SELECT FROM point_entry b WHERE b.customer_id = :c
        AND (b.key = 'adjust-back:' || e.id OR (b.kind = 'restore' AND b.about_id = e.id)))
"""
