"""What each rung brings its people, in the owner's words: a list per rung and language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

LONGEST = 120
MOST = 8
Benefits = dict[str, dict[str, list[str]]]
"""rung → language → lines."""


def every(conn: Connection) -> Benefits:
    """All lists of the merchant of this transaction."""
    return conn.scalar(text("SELECT settings->'benefits' FROM merchant")) or {}


def of_rung(conn: Connection, rung: str | None, *languages: str) -> list[str]:
    """The list of a rung in the first of these languages that has one, else in any."""
    said = every(conn).get(rung or "", {})
    return next((said[language] for language in (*languages, *said) if said.get(language)), [])


def save(conn: Connection, chosen: Benefits) -> None:
    """Keep checked lists."""
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('benefits', CAST(:b AS jsonb))"),
        {"b": json.dumps(chosen)},
    )


def read(given: Mapping[str, str], rungs: Sequence[str], languages: Sequence[str]) -> tuple[Benefits, dict[str, str]]:
    """(lists, faults by field) of a form with the fields ``benefit-<rung>-<language>``, one benefit a line."""
    chosen: Benefits = {}
    faults: dict[str, str] = {}
    for rung in rungs:
        for language in languages:
            name = f"benefit-{rung}-{language}"
            lines = [" ".join(line.split()) for line in given.get(name, "").splitlines()]
            lines = [line for line in lines if line]
            if len(lines) > MOST or any(len(line) > LONGEST for line in lines):
                faults[name] = "face.bad_benefits"
            elif lines:
                chosen.setdefault(rung, {})[language] = lines
    return chosen, faults
