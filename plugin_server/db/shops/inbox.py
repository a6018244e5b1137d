"""What came in from outside: written down once, claimed by lease, settled with a note.

No transaction stays open while an event is worked on. A worker that dies leaves its events to the next one, when the
lease is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

LEASE = timedelta(minutes=5)
TRIES = 5
"""An event that failed this often is put aside as ``failed``; a person can look at its note."""

# From the first claim on, an equal event is a new one: it may tell of a change made after this one was looked at.
_CLAIM = """
    UPDATE inbound_event e SET attempts = attempts + 1, not_before = :until,
        dedupe = CASE WHEN once OR attempts > 0 THEN dedupe ELSE dedupe || '#' || id END
    WHERE id IN (SELECT id FROM inbound_event
                 WHERE state = 'received' AND {whose} AND (not_before IS NULL OR not_before <= :now)
                 ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id, provider, store_id, topic, headers, body, attempts, received_at
"""

_SETTLE = text(
    """UPDATE inbound_event SET state = :state, note = :note, settled_at = :now, not_before = NULL
       WHERE id = ANY(:ids) AND state = 'received'"""
)

_AGAIN = text(
    """UPDATE inbound_event SET note = :note,
           state = CASE WHEN attempts >= :tries THEN 'failed' ELSE state END,
           settled_at = CASE WHEN attempts >= :tries THEN CAST(:now AS timestamptz) END,
           not_before = :now + make_interval(secs => :wait * power(2, attempts))
       WHERE id = ANY(:ids) AND state = 'received'"""
)


def claim(connection: Connection, *, provider: str | None, limit: int, now: datetime) -> list[Row[Any]]:
    """Take up to ``limit`` waiting events, oldest first, for ``LEASE``. ``provider`` None: those of any store.

    Rows: id, provider, store_id, topic, headers, body, attempts, received_at. Commit before working on them.
    """
    whose = "store_id IS NOT NULL" if provider is None else "provider = :provider"
    values = {"provider": provider, "limit": limit, "now": now, "until": now + LEASE}
    return sorted(connection.execute(text(_CLAIM.format(whose=whose)), values).all(), key=lambda row: int(row.id))


def settle(connection: Connection, ids: Sequence[int], state: str, note: str, *, now: datetime) -> None:
    """Be done with events: ``done``, ``ignored`` or ``failed``."""
    connection.execute(_SETTLE, {"ids": list(ids), "state": state, "note": note[:500], "now": now})


def again(connection: Connection, ids: Sequence[int], note: str, *, now: datetime, wait: float = 5.0) -> None:
    """Let events wait, longer each time (``wait`` seconds doubled per attempt); ``failed`` after ``TRIES``."""
    connection.execute(_AGAIN, {"ids": list(ids), "note": note[:500], "now": now, "wait": wait, "tries": TRIES})
