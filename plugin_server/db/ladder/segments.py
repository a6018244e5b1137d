"""Segments: rules with a name; and why somebody is in or out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, text, update

from campaigns.ladder import nature, rules
from campaigns.ladder.meaning import meaning
from campaigns.ladder.rules import All, Any_, Leaf, Not, Rule, children
from campaigns.ladder.sentences import sentence
from plugin_server.db.ladder import known, standing
from plugin_server.db.ladder.rungs import Shop
from plugin_server.db.models.segment import Segment

TABLE: Table = Segment.__table__  # type: ignore[assignment]


class BadSegment(ValueError):
    """A segment that cannot be saved or taken away; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A segment as it stands."""

    key: str
    name: str
    rule: Rule
    updated_at: datetime


def everyone(conn: Connection) -> list[Saved]:
    """All segments of the merchant, by name."""
    rows = conn.execute(select(TABLE).order_by(func.lower(TABLE.c.name), TABLE.c.key))
    return [Saved(row.key, row.name, rules.parse(row.rule), row.updated_at) for row in rows]


def get(conn: Connection, key: str) -> Saved | None:
    """A segment by its key; None where there is none."""
    return next((one for one in everyone(conn) if one.key == key), None)


def by_key(conn: Connection) -> Mapping[str, Rule]:
    """The rules of all segments, for audiences that name one."""
    return {one.key: one.rule for one in everyone(conn)}


def save(
    conn: Connection, *, merchant_id: int, name: str, rule: Rule, by: str, now: datetime, key: str | None = None
) -> str:
    """Make a segment, or change the one with ``key``; gives the key.

    Raises ``BadSegment`` without a name, ``BadRule`` where nobody can ever meet the rule.
    """
    title = " ".join(name.split())[:120]
    if not title:
        raise BadSegment("name: Give the segment a name.")
    nature.check(rule)
    values = {"name": title, "rule": rules.as_json(rule), "updated_at": now, "updated_by": by}
    if key is not None and conn.execute(update(TABLE).where(TABLE.c.key == key).values(values)).rowcount:
        return key
    made = key or _free_key(conn, title)
    conn.execute(insert(TABLE).values(merchant_id=merchant_id, key=made, created_at=now, **values))
    return made


def _free_key(conn: Connection, title: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "segment"
    taken = set(conn.scalars(select(TABLE.c.key)))
    return next(key for key in (slug, *(f"{slug}-{n}" for n in range(2, 10_000))) if key not in taken)


_USED = text(
    "SELECT c.name FROM campaign c JOIN campaign_version v ON v.campaign_id = c.id AND v.version = c.version "
    "WHERE c.state <> 'ended' AND v.definition #>> '{audience,rule}' = :key ORDER BY c.name LIMIT 1"
)


def remove(conn: Connection, key: str) -> None:
    """Take a segment away. Raises ``BadSegment`` where a campaign that has not ended names it, or there is none."""
    used = conn.scalar(_USED, {"key": key})
    if used is not None:
        raise BadSegment(f"The campaign {used!r} is for this segment. Change or end it first.")
    if not conn.execute(delete(TABLE).where(TABLE.c.key == key)).rowcount:
        raise BadSegment(f"There is no segment {key!r}.")


def why(conn: Connection, on: Shop, rule: Rule, customer_id: int, now: datetime, lang: str) -> dict[str, Any] | None:
    """Whether the rule holds for one customer, and each condition with the figure it was held against.

    ``{"holds", "sentence", "tree"}``; each node of the tree has ``path``, ``kind``, ``holds``, ``sentence`` and
    ``below``; a condition also ``fact`` and ``value``. None where there is no such customer.
    """
    rows, local = known.over(known.names_in(rule)), on.local(now)
    told = known.columns(rows, on.exponent, local)
    conditions: list[Leaf] = list(dict.fromkeys(rules.leaves(rule)))
    query = select(
        meaning(rule, told, local).label("holds"),
        *(meaning(leaf, told, local).label(f"holds:{n}") for n, leaf in enumerate(conditions)),
        *(told[name].label(f"fact:{name}") for name in dict.fromkeys(leaf.fact for leaf in conditions)),
    ).where(rows.c.customer_id == customer_id)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        return None
    held = {leaf: bool(row[f"holds:{n}"]) for n, leaf in enumerate(conditions)}
    figures = {**row, "held": held}
    return {"holds": row["holds"], "sentence": sentence(rule, lang), "tree": _node(on, rule, figures, lang, "")}


def _node(on: Shop, rule: Rule, figures: Mapping[str, Any], lang: str, path: str) -> dict[str, Any]:
    holds = standing.holds(rule, figures["held"])
    if not isinstance(rule, All | Any_ | Not):
        reason = standing.reason(on, rule, figures, lang)
        return {"path": path, "kind": rule.kind, **reason, "below": []}
    below = [_node(on, child, figures, lang, f"{path}.{step}" if path else step) for step, child in children(rule)]
    return {"path": path, "kind": rule.kind, "holds": holds, "sentence": sentence(rule, lang), "below": below}


def customer_of(conn: Connection, email: str) -> int | None:
    """Who has this address; None for nobody."""
    query = text("SELECT id FROM customer WHERE email_norm = :email AND merged_into IS NULL")
    found: int | None = conn.scalar(query, {"email": email.strip().lower()})
    return found
