"""A programme that stands still: what is done meanwhile earns nothing, what was earned is kept, ends and can be spent.

Pausing and going on are versions of the programme, so that each order is looked at by what applied when it was placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from plugin_server.db import figures
from plugin_server.db.merchant import audit_log

UNDO: Final = timedelta(days=1)
"""How long a pause can be undone as if it had never been."""

DOES: Final = {"pause": "points_paused", "resume": "points_resumed", "undo": "points_pause_undone"}
"""What can be done, and what the audit log calls it."""

LATELY: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """A pause so far: ``since`` when points stand still (None while they are earned), and how many orders it
    ``missed``."""

    since: datetime | None
    missed: int
    undoable: bool


def pause(conn: Connection, *, by: str, now: datetime) -> bool:
    """Stop the earning from ``now`` on; False where there is no programme, or it stands still already."""
    return bool(conn.execute(text(_NEXT), {"paused": True, "by": by, "now": now}).rowcount)


def resume(conn: Connection, *, by: str, now: datetime) -> bool:
    """Earn again from ``now`` on; what was done in between earns nothing. False where nothing is paused."""
    return bool(conn.execute(text(_NEXT), {"paused": False, "by": by, "now": now}).rowcount)


def undo(conn: Connection, *, now: datetime) -> bool:
    """Make a pause of the last day one that never was: what was done since earns after all. False where it is older."""
    if not _undoable(_since(conn), now):
        return False
    return bool(conn.execute(text(f"UPDATE point_program SET paused = false WHERE {_NOW_PAUSED}")).rowcount)


def change(conn: Connection, merchant_id: int, does: str, *, by: str, now: datetime) -> bool:
    """Pause, resume or undo, as ``does`` says (one of ``DOES``), with its entry in the audit log; False where nothing
    changed. Who calls wakes what settles points."""
    done = undo(conn, now=now) if does == "undo" else (pause if does == "pause" else resume)(conn, by=by, now=now)
    if done:
        figures.forget(conn, "points")
        audit_log.record(conn, merchant_id, actor=by, action=DOES[does])
    return done


def standing(conn: Connection, now: datetime) -> Standing:
    """What a pause has done so far."""
    since = _since(conn)
    missed = conn.scalar(text(_MISSED), {"now": now, "since": since}) if since else 0
    return Standing(since, int(missed or 0), _undoable(since, now))


def earning(conn: Connection, now: datetime) -> int:
    """Customers who earned points in the last thirty days: those whom a pause would be felt by."""
    return int(conn.scalar(text(_EARNING), {"now": now, "since": now - LATELY}) or 0)


def _since(conn: Connection) -> datetime | None:
    found: datetime | None = conn.scalar(text(f"SELECT min(created_at) FROM point_program WHERE {_NOW_PAUSED}"))
    return found


def _undoable(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since < UNDO


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
_MISSED: Final = "SELECT count(*) FROM shop_order WHERE counts AND placed_at >= :since AND placed_at <= :now"
_EARNING: Final = """
SELECT count(DISTINCT o.customer_id) FROM shop_order o JOIN point_basis b ON b.order_id = o.id
WHERE o.counts AND o.placed_at > :since AND o.placed_at <= :now
"""
