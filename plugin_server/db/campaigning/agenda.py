"""What ran lately, and the runs that wait for their hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from plugin_server.db.campaigning.campaigns import OPEN_STATES

_RUNS = """
    SELECT r.id, c.name, c.key, r.state, coalesce(r.not_before, r.due_at) AS at FROM campaign_run r
    JOIN campaign c ON c.id = r.campaign_id WHERE {which} ORDER BY {order} LIMIT :limit"""
_OVER = _RUNS.format(which="NOT r.state = ANY(:open)", order="r.due_at DESC, r.id DESC")
_OPEN = _RUNS.format(which="r.state = ANY(:open)", order="5, r.id")


@dataclass(frozen=True, slots=True)
class Entry:
    """A run with its campaign, or (``run`` None) a firing that the calendar will bring."""

    at: datetime
    name: str
    key: str
    state: str = ""
    run: int | None = None


def ran(conn: Connection, limit: int = 4) -> list[Entry]:
    """The newest runs that are over."""
    return _entries(conn, _OVER, limit)


def going(conn: Connection, limit: int = 4) -> list[Entry]:
    """Runs that go on by themselves, the next first."""
    return _entries(conn, _OPEN, limit)


def _entries(conn: Connection, query: str, limit: int) -> list[Entry]:
    rows = conn.execute(text(query), {"open": list(OPEN_STATES), "limit": limit})
    return [Entry(row.at, row.name, row.key, row.state, row.id) for row in rows]
