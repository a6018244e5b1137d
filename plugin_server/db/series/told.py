"""A series in figures: how many stand at each step, what came of the steps, and who left how."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.series import Series
from campaigns.series_parts import series_of
from plugin_server.db.campaigning.campaigns import Saved


def figures(conn: Connection, saved: Saved) -> dict[str, Any]:
    """``{"entered", "inside", "left": {outcome: n}, "steps": [{"key", "kind", "standing", "resting", "passed", …}]}``.

    Steps of the newest version in their order, then those of earlier ones that still matter, marked ``former``.
    """
    given = {"id": saved.id}
    standing = _counts(conn.execute(text(_STANDING), given))
    passed = _counts(conn.execute(text(_PASSED), given))
    left = _counts(conn.execute(text(_LEFT), given))
    series = series_of(saved.campaign)
    kinds = {step.key: step.kind for step in series.steps}
    former = sorted((set(standing) | set(passed)) - set(kinds))
    steps = [_step(key, kinds.get(key, ""), standing, passed, left) for key in (*kinds, *former)]
    inside = sum(sum(counts.values()) for counts in standing.values())
    outcomes: dict[str, int] = {}
    for counts in left.values():
        for outcome, n in counts.items():
            outcomes[outcome] = outcomes.get(outcome, 0) + n
    return {
        "entered": inside + sum(outcomes.values()),
        "inside": inside,
        "left": {key: outcomes[key] for key in sorted(outcomes, key=lambda key: -outcomes[key])},
        "steps": steps,
        "versions": {
            row.version: row.n for row in conn.execute(text(_VERSIONS), given)
        },
        "calls": {row.state: row.n for row in conn.execute(text(_CALLS), given)},
    }  # fmt: skip


def _counts(rows: Iterable[Any]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.step, {})[row.word] = row.n
    return found


def _step(
    key: str,
    kind: str,
    standing: dict[str, dict[str, int]],
    passed: dict[str, dict[str, int]],
    left: dict[str, dict[str, int]],
) -> dict[str, Any]:
    notes = passed.get(key, {})
    return {
        "key": key,
        "kind": kind,
        "former": not kind,
        "standing": sum(standing.get(key, {}).values()),
        "resting": standing.get(key, {}).get("resting", 0),
        "passed": sum(n for note, n in notes.items() if note),
        "notes": {note: n for note, n in sorted(notes.items()) if note},
        "left": left.get(key, {}),
    }


_STANDING: Final = """
SELECT step, state AS word, count(*) AS n FROM series_place WHERE campaign_id = :id AND state <> 'left' GROUP BY 1, 2
"""
_LEFT: Final = """
SELECT step, outcome AS word, count(*) AS n FROM series_place WHERE campaign_id = :id AND state = 'left' GROUP BY 1, 2
"""
_PASSED: Final = "SELECT step, note AS word, count(*) AS n FROM series_log WHERE campaign_id = :id GROUP BY 1, 2"
_VERSIONS: Final = """
SELECT version, count(*) AS n FROM series_place WHERE campaign_id = :id AND left_at IS NULL GROUP BY 1 ORDER BY 1
"""
_CALLS: Final = "SELECT state, count(*) AS n FROM series_call WHERE campaign_id = :id GROUP BY 1 ORDER BY 1"


def lately_left(conn: Connection, campaign_id: int) -> list[Any]:
    """The last twenty who left: customer, step, outcome, when."""
    return list(
        conn.execute(
            text(
                "SELECT p.customer_id, p.step, p.outcome, p.left_at, c.email, "
                "btrim(c.first_name || ' ' || c.last_name) AS name FROM series_place p "
                "JOIN customer c ON c.id = p.customer_id WHERE p.campaign_id = :id AND p.left_at IS NOT NULL "
                "ORDER BY p.left_at DESC, p.id DESC LIMIT 20"
            ),
            {"id": campaign_id},
        )
    )


def flow(series: Series) -> list[dict[str, Any]]:
    """Each step with where it leads: ``{"key", "kind", "to": [{"way", "key"}]}``; key None is the end."""
    ways = []
    for step in series.steps:
        told = series.ways(step.key)
        names = ("then", "else") if step.kind == "condition" else ("next",)
        ways.append(
            {
                "key": step.key,
                "kind": step.kind,
                "to": [{"way": name, "key": key} for name, key in zip(names, told, strict=True)],
            }
        )
    return ways
