"""Whom a change of a series finds inside: they keep their version, or are moved by the key of their step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from campaigns.series_parts import series_of
from plugin_server.db.campaigning.campaigns import Refused, Saved
from plugin_server.db.merchant import audit_log
from plugin_server.db.series import places as series


@dataclass(frozen=True, slots=True)
class Moving:
    """Those of one earlier version at one step. ``goes``: the newest version has this step, of the same kind."""

    version: int
    step: str
    kind: str
    people: int
    goes: bool

    def as_json(self) -> dict[str, Any]:
        """``{"version", "step", "kind", "people", "goes"}``."""
        return {
            "version": self.version, "step": self.step, "kind": self.kind, "people": self.people, "goes": self.goes,
        }  # fmt: skip


def outlook(conn: Connection, saved: Saved) -> list[Moving]:
    """Everybody inside with an earlier version, by version and step."""
    rows = conn.execute(
        text(
            "SELECT version, step, count(*) AS n FROM series_place WHERE campaign_id = :id AND left_at IS NULL "
            "AND version <> :newest GROUP BY 1, 2 ORDER BY 1, 2"
        ),
        {"id": saved.id, "newest": saved.version},
    ).all()
    newest = {step.key: step.kind for step in saved.campaign.steps}
    found, known = [], dict[int, dict[str, str]]()
    for row in rows:
        if row.version not in known:
            machine = series_of(series.definition(conn, saved.id, row.version))
            known[row.version] = {step.key: step.kind for step in machine.steps}
        kind = known[row.version][row.step]
        found.append(Moving(row.version, row.step, kind, row.n, newest.get(row.step) == kind))
    return found


def move(conn: Connection, merchant_id: int, saved: Saved, by: str) -> int:
    """Move everybody whose step the newest version still has; the others keep theirs. Gives how many were moved.

    They stay due when they were. Raises ``Refused`` where nobody can be moved.
    """
    going = [one for one in outlook(conn, saved) if one.goes]
    if not going:
        raise Refused("Nobody is to be moved: everybody inside has the newest version, or stands at a step it lacks.")
    moved = conn.execute(
        text(
            "UPDATE series_place p SET version = :newest FROM unnest(CAST(:versions AS int[]), CAST(:steps AS text[])) "
            "AS t(version, step) WHERE p.campaign_id = :id AND p.left_at IS NULL AND p.version = t.version "
            "AND p.step = t.step"
        ),
        {
            "id": saved.id,
            "newest": saved.version,
            "versions": [one.version for one in going],
            "steps": [one.step for one in going],
        },
    ).rowcount
    detail = {"version": saved.version, "people": moved}
    audit_log.record(
        conn, merchant_id, actor=by, action="series_moved", subject=saved.campaign.key, detail=detail
    )  # fmt: skip
    return moved
