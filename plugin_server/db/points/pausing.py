"""A programme that stands still: what is done meanwhile earns nothing, what was earned is kept, ends and can be spent.

Pausing and going on are versions of the programme, so that each order is looked at by what applied when it was placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

UNDO: Final = timedelta(days=1)
"""How long a pause can be undone as if it had never been."""


@dataclass(frozen=True, slots=True)
class Affected:
    """Whom a pause concerns: ``holders`` with ``points`` that stay, ``buyers`` who earned in the last thirty days, and
    ``missed``: orders placed since the pause began."""

    holders: int
    points: int
    buyers: int
    missed: int
    since: datetime | None
    undoable: bool


def pause(conn: Connection, *, by: str, now: datetime) -> bool:
    """Stop the earning from ``now`` on; False where there is no programme, or it stands still already."""
    return bool(conn.execute(text(_NEXT), {"paused": True, "by": by, "now": now}).rowcount)


def resume(conn: Connection, *, by: str, now: datetime) -> bool:
    """Earn again from ``now`` on; what was done in between earns nothing. False where nothing is paused."""
    return bool(conn.execute(text(_NEXT), {"paused": False, "by": by, "now": now}).rowcount)


def undo(conn: Connection, *, now: datetime) -> bool:
    """Make a pause of the last day one that never was: what was done since earns after all. False where it is older."""
    if not affected(conn, now).undoable:
        return False
    return bool(conn.execute(text(f"UPDATE point_program SET paused = false WHERE {_NOW_PAUSED}")).rowcount)


def affected(conn: Connection, now: datetime) -> Affected:
    """What a pause does, or has done so far."""
    since = conn.scalar(text(f"SELECT min(created_at) FROM point_program WHERE {_NOW_PAUSED}"))
    row = conn.execute(text(_AFFECTED), {"now": now, "since": since, "lately": now - timedelta(days=30)}).one()
    return Affected(row.holders, row.points, row.buyers, row.missed, since, since is not None and now - since < UNDO)


NOT_PAUSED: Final = """
NOT coalesce((SELECT v.paused FROM point_program v WHERE v.merchant_id = :merchant AND v.created_at <= {moment}
              ORDER BY v.version DESC LIMIT 1), false)
"""
"""Whether points were earned at a moment. What was done before the first programme is for its first day to say."""
_NEWEST: Final = "(SELECT max(version) FROM point_program)"
_NOW_PAUSED: Final = """
paused AND version > coalesce((SELECT max(version) FROM point_program WHERE NOT paused), 0)
"""
_NEXT: Final = f"""
INSERT INTO point_program (merchant_id, version, definition, paused, created_at, created_by)
SELECT merchant_id, version + 1, definition, :paused, :now, :by FROM point_program
WHERE version = {_NEWEST} AND paused <> :paused
ON CONFLICT (merchant_id, version) DO NOTHING
"""
_AFFECTED: Final = """
SELECT count(DISTINCT e.customer_id) AS holders, coalesce(sum(e.open_points), 0)::bigint AS points,
       (SELECT count(DISTINCT o.customer_id) FROM shop_order o JOIN point_basis b ON b.order_id = o.id
        WHERE o.counts AND o.placed_at > :lately AND o.placed_at <= :now) AS buyers,
       (SELECT count(*) FROM shop_order o WHERE o.counts AND o.placed_at >= CAST(:since AS timestamptz)
        AND o.placed_at <= :now) AS missed
FROM point_entry e WHERE e.points > 0 AND e.open_points > 0 AND (e.expires_at IS NULL OR e.expires_at > :now)
"""
