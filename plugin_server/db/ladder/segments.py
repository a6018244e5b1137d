"""Segments: rules with a name; how many they hold, some of them, and why somebody is in or out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Table,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)

from campaigns.ladder import nature, rules
from campaigns.ladder.meaning import meaning
from campaigns.ladder.rules import All, Any_, Leaf, Not, Rule, children
from campaigns.ladder.sentences import sentence
from plugin_server.db.ladder import known, standing
from plugin_server.db.ladder.rungs import Shop
from plugin_server.db.models.customer import Customer
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


SAMPLE = 50_000
"""So many customers, picked by pages of the table, are counted at once while somebody edits a rule."""
LARGE = 2 * SAMPLE
"""From this many rows on a sample is worth it."""
RARE = 50
"""Fewer than this in the sample tell too little: then everybody is counted."""
ENOUGH = 1000
"""Some of about so many whom the rule holds are shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """How many customers a rule holds, of how many, and some of them.

    Not ``exact``: reckoned from a sample, off by a few percent at most.
    """

    count: int
    total: int
    sample: list[Row[*tuple[Any, ...]]]
    exact: bool = True


def look(conn: Connection, on: Shop, rule: Rule, now: datetime, *, sample: int = 8, exact: bool = False) -> Look:
    """Whom the rule holds now: one pass over the facts, in a large shop over a sample of them unless ``exact``."""
    size = conn.scalar(_SIZE) or 0
    guess = sampled(conn, on, rule, now, sample, 100 * SAMPLE / size) if not exact and size >= LARGE else None
    return guess or _look(conn, on, rule, now, sample, known.FACTS)


_SIZE = text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'customer_facts'::regclass")


def sampled(conn: Connection, on: Shop, rule: Rule, now: datetime, sample: int, share: float) -> Look | None:
    """``look`` by ``share`` percent of the table's pages; None where that holds too few to tell."""
    found = _look(conn, on, rule, now, 0, _picked(share))
    if found.count < RARE:
        return None
    # A few to show need not be looked for among all that were counted, where the rule holds often.
    few = _some(conn, on, rule, now, sample, _picked(share * min(1.0, ENOUGH / found.count)))
    if len(few) < sample:
        few = _some(conn, on, rule, now, sample, _picked(share))
    return Look(_about(found.count * 100 / share), _about(found.total * 100 / share), few, exact=False)


def _picked(share: float) -> FromClause:
    return known.FACTS.tablesample(func.system(share), name="facts", seed=literal(1))


def _about(number: float) -> int:
    """Three digits: more would pretend to know more."""
    return int(float(f"{number:.3g}"))


def _look(conn: Connection, on: Shop, rule: Rule, now: datetime, sample: int, base: FromClause) -> Look:
    rows, holds = _held(on, rule, now, base)
    counted = conn.execute(select(func.count().filter(holds), func.count()).select_from(rows)).one()
    found = _some(conn, on, rule, now, sample, base) if counted[0] else []
    return Look(counted[0], counted[1], found)


def _held(on: Shop, rule: Rule, now: datetime, base: FromClause) -> tuple[FromClause, ColumnElement[bool]]:
    rows, local = known.over(known.names_in(rule), base), on.local(now)
    return rows, meaning(rule, known.columns(rows, on.exponent, local), local)


def _some(
    conn: Connection, on: Shop, rule: Rule, now: datetime, sample: int, base: FromClause
) -> list[Row[*tuple[Any, ...]]]:
    """So many of those whom the rule holds, who ordered last."""
    if not sample:
        return []
    rows, holds = _held(on, rule, now, base)
    last = rows.c.last_order_at.desc().nulls_last()
    top = (
        select(rows.c.customer_id, rows.c.rung, rows.c.orders, rows.c.last_order_at)
        .where(holds)
        .order_by(last, rows.c.customer_id)
        .limit(sample)
        .subquery("top")
    )
    some = (
        select(Customer.id, Customer.email, Customer.first_name, Customer.last_name, top.c.rung, top.c.orders)
        .join(top, top.c.customer_id == Customer.id)
        .order_by(top.c.last_order_at.desc().nulls_last(), top.c.customer_id)
    )
    return list(conn.execute(some))


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
