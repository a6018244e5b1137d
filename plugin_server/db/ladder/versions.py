"""The shop's own ladder: looked at before it is saved, kept version by version."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, insert, select, text

from campaigns.ladder.ladders import Ladder, check
from plugin_server.db import figures
from plugin_server.db.ladder import facts, known, rungs
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.models.ladder import LadderVersion


def preview(conn: Connection, *, merchant_id: int, new: Ladder, now: datetime) -> dict[str, Any]:
    """Who would move where, by one statement: ``{"customers", "unmoved", "moves", "rungs"}``.

    ``moves``: from, to, count; ``from`` is a key of the ladder in force (None: not placed yet), ``to`` one of the new.
    ``rungs``: key, now (None for a rung that is new), then. Raises ``BadRule`` for a ladder that cannot be.
    """
    check(new)
    on = replace(rungs.shop(conn, merchant_id), ladder=new)
    rows = known.over(on.asked)
    place = rungs.place(rungs.holds(on, rows, now))
    target = case(dict(enumerate(new.keys)), value=place)
    found = conn.execute(select(rows.c.rung, target, func.count()).group_by(rows.c.rung, target)).all()
    before: dict[str | None, int] = {}
    after: dict[str, int] = dict.fromkeys(new.keys, 0)
    for origin, to, count in found:
        before[origin] = before.get(origin, 0) + count
        after[to] += count
    order = {key: index for index, key in enumerate(new.keys)}
    moves = [{"from": origin, "to": to, "count": count} for origin, to, count in found if origin != to]
    return {
        "customers": sum(after.values()),
        "unmoved": sum(count for origin, to, count in found if origin == to),
        "moves": sorted(moves, key=lambda move: (-move["count"], order[move["to"]], str(move["from"]))),
        "rungs": [{"key": key, "now": before.get(key), "then": after[key]} for key in new.keys],
    }


def save(conn: Connection, *, merchant_id: int, new: Ladder, by: str, now: datetime) -> int:
    """Put a ladder in force and place everybody on it at once; gives its version.

    The ladder in force again adds no version. Raises ``BadRule`` for a ladder that cannot be.
    """
    check(new)
    facts.take_turn(conn, merchant_id)
    current = rungs.shop(conn, merchant_id).ladder
    if current.model_copy(update={"version": new.version}) == new:
        return current.version
    version = current.version + 1
    definition = new.model_dump(mode="json", exclude={"version"})
    conn.execute(
        insert(LadderVersion).values(
            merchant_id=merchant_id, version=version, definition=definition, created_at=now, created_by=by
        )
    )
    _tell_again(conn, current, new, rungs.shop(conn, merchant_id).locale)
    groups = known.groups_of(rungs.shop(conn, merchant_id).asked)
    known.refresh(conn, merchant_id=merchant_id, customer_ids=None, groups=groups)
    ladder.climb(conn, merchant_id=merchant_id, customer_ids=None, now=now, at_once=True)
    figures.forget(conn)
    return version


def _tell_again(conn: Connection, before: Ladder, after: Ladder, locale: str) -> None:
    """Shops keep a rung's name as customers read it: one that reads otherwise now is told to them again."""
    read = {rung.key: rung.public(locale) for rung in before.rungs}
    renamed = [rung.key for rung in after.rungs if read.get(rung.key) != rung.public(locale)]
    conn.execute(text("UPDATE identity SET told_rung = NULL WHERE told_rung = ANY(:keys)"), {"keys": renamed})


def versions(conn: Connection) -> list[dict[str, Any]]:
    """All saved versions, the newest first: version, name, created_at, created_by."""
    rows = conn.execute(
        text(
            "SELECT version, definition->>'name' AS name, created_at, created_by FROM ladder_version "
            "ORDER BY version DESC"
        )
    )
    return [dict(row) for row in rows.mappings()]


def at(conn: Connection, version: str) -> Ladder | None:
    """The ladder as it was saved under this number; None where there is no such version."""
    found = conn.execute(
        text("SELECT version, definition FROM ladder_version WHERE version::text = :v"), {"v": version}
    ).one_or_none()
    return Ladder.model_validate({**found.definition, "version": found.version}) if found else None


def falling(conn: Connection, limit: int = 50) -> tuple[int, list[Any]]:
    """Who loses a rung at the next reviews: how many, and the first of them with name, rung and day."""
    count = conn.scalar(text("SELECT count(*) FROM rung_review")) or 0
    rows = conn.execute(
        text(
            "SELECT c.id, c.email, c.first_name, c.last_name, f.rung, r.falls_on FROM rung_review r "
            "JOIN customer c ON c.id = r.customer_id JOIN customer_facts f ON f.customer_id = r.customer_id "
            "ORDER BY r.falls_on, f.spend_minor DESC, c.id LIMIT :limit"
        ),
        {"limit": limit},
    )
    return int(count), list(rows)
