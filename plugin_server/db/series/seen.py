"""What is known of people in a series in the moment of acting: one query for a whole batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from campaigns.ladder.meaning import meaning
from campaigns.ladder.rules import Rule
from campaigns.series import Seen
from campaigns.steps import GoalStep
from plugin_server.db.ladder import known
from plugin_server.db.ladder.rungs import Shop


@dataclass(frozen=True, slots=True)
class Sight:
    """One person in a batch. ``again``: they have been through this step before."""

    place_id: int
    customer_id: int
    due_at: datetime
    timezone: str | None
    again: bool
    seen: Seen


def look(
    conn: Connection,
    ids: Sequence[int],
    *,
    topic: str,
    goal: GoalStep | None,
    rule: Rule | None,
    shop: Shop,
    now: datetime,
) -> list[Sight]:
    """What is known of these places; ``rule`` is the step's own. ``topic``: who has said no to it is gone."""
    on = goal.on if goal else ""
    rows = conn.execute(text(_LOOK), {"ids": list(ids), "goal": on, "now": now}).all()
    people = [row.customer_id for row in rows]
    yes = set(conn.scalars(text(_YES), {"people": people, "topic": topic}))
    holding = holders(conn, rule, people, shop, now) if rule else set()
    there = holders(conn, goal.rule, people, shop, now) if goal and goal.rule else set()
    if on == "climb":
        there = _climbed(conn, {row.customer_id: row.rung for row in rows}, shop.ladder.keys)
    found = []
    for row in rows:
        who, gone = row.customer_id, row.gone or (None if row.customer_id in yes else "unsubscribed")
        seen = Seen(gone, row.talking, row.reached or who in there, who in holding)
        found.append(Sight(row.id, who, row.due_at, row.timezone, row.again, seen))
    return found


def _climbed(conn: Connection, then: Mapping[int, str | None], ladder: Sequence[str]) -> set[int]:
    """Who stands higher than when they entered (customer → rung then)."""
    place = {key: number for number, key in enumerate(ladder)}
    rows = conn.execute(text(_RUNGS), {"people": list(then)})
    now = {row.customer_id: place.get(row.rung or "") for row in rows}
    before = {who: place.get(rung or "") for who, rung in then.items()}
    return {who for who, at in now.items() if at is not None and (was := before[who]) is not None and at > was}


_RUNGS: Final = "SELECT customer_id, rung FROM customer_facts WHERE customer_id = ANY(CAST(:people AS bigint[]))"
_LOOK: Final = """
SELECT p.id, p.customer_id, p.due_at, c.timezone,
       CASE WHEN c.erased_at IS NOT NULL THEN 'erased' WHEN c.merged_into IS NOT NULL THEN 'merged'
            WHEN c.email_norm IS NULL THEN 'no_email'
            WHEN EXISTS (SELECT FROM suppression s WHERE s.email_norm = c.email_norm) THEN 'suppressed' END AS gone,
       EXISTS (SELECT FROM conversation t WHERE t.customer_id = p.customer_id AND t.state = 'open') AS talking,
       CASE WHEN :goal = 'order' THEN EXISTS (SELECT FROM shop_order o WHERE o.customer_id = p.customer_id
                AND o.counts AND o.placed_at > p.entered_at AND o.placed_at <= :now)
            ELSE false END AS reached, p.rung,
       EXISTS (SELECT FROM series_log l WHERE l.place_id = p.id AND l.step = p.step) AS again
FROM series_place p JOIN customer c ON c.id = p.customer_id
WHERE p.id = ANY(:ids) ORDER BY p.id
"""
# Consents and rungs are read on their own: joined, tables that were just filled may be read whole for each person.
_YES: Final = """
SELECT customer_id FROM (
    SELECT DISTINCT ON (n.customer_id) n.customer_id, n.state FROM unnest(CAST(:people AS bigint[])) AS w(id)
    JOIN consent n ON n.customer_id = w.id WHERE n.channel = 'email' AND n.topic = :topic
    ORDER BY n.customer_id, n.occurred_at DESC, n.id DESC) newest
WHERE state = 'subscribed'
"""


def holders(conn: Connection, rule: Rule, people: Sequence[int], shop: Shop, now: datetime) -> set[int]:
    """Which of these customers meet a rule now."""
    rows, local = known.over(known.names_in(rule)), shop.local(now)
    holds = meaning(rule, known.columns(rows, shop.exponent, local), local)
    column: Any = rows.c.customer_id
    these = column == func.any(cast(list(people), ARRAY(BigInteger)))
    return set(conn.scalars(select(column).where(these, holds)))
