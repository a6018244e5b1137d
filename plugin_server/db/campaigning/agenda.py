"""What ran lately, and the runs that wait for their hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from plugin_server.db.campaigning.campaigns import OPEN_STATES

_RUNS = """
    SELECT r.id, c.name, c.key, r.state, coalesce(r.not_before, r.due_at) AS at FROM campaign_run r
    JOIN campaign c ON c.id = r.campaign_id WHERE {which} ORDER BY {order} LIMIT :limit"""
_OVER = _RUNS.format(which="NOT r.state = ANY(:open)", order="r.due_at DESC, r.id DESC")
_BY_HAND = """
    SELECT r.id, c.name, c.key, r.state, coalesce(r.not_before, r.due_at) AS at,
        v.definition #> '{audience,rule}' AS rule
    FROM campaign_run r JOIN campaign c ON c.id = r.campaign_id
    JOIN campaign_version v ON v.campaign_id = r.campaign_id AND v.version = r.version
    WHERE r.due_at >= :since AND NOT r.state = ANY(:broken) AND v.definition #>> '{trigger,kind}' = 'once'
    ORDER BY r.due_at DESC LIMIT 100"""
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


def launched_to(conn: Connection, rules: Mapping[str, Mapping[str, Any]], since: datetime) -> dict[str, Entry]:
    """By the name of a rule: the newest campaign that was launched once to exactly its people, since a moment."""
    rows = conn.execute(text(_BY_HAND), {"since": since, "broken": ["stopped", "failed"]}).all()
    found: dict[str, Entry] = {}
    for row in rows:
        for name in (name for name, rule in rules.items() if rule == row.rule and name not in found):
            found[name] = Entry(row.at, row.name, row.key, row.state, row.id)
    return found


def _entries(conn: Connection, query: str, limit: int) -> list[Entry]:
    rows = conn.execute(text(query), {"open": list(OPEN_STATES), "limit": limit})
    return [Entry(row.at, row.name, row.key, row.state, row.id) for row in rows]
