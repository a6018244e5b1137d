"""What is known of people in a series in the moment of acting: one query for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from campaigns.ladder.meaning import meaning
from campaigns.ladder.rules import Rule
from campaigns.series import Seen
from campaigns.steps import GoalStep
from plugin_server.db import known
from plugin_server.db.rungs import Shop


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
    given = {"ids": list(ids), "topic": topic, "goal": on, "rungs": list(shop.ladder.keys), "now": now}
    rows = conn.execute(text(_LOOK), given).all()
    people = [row.customer_id for row in rows]
    holding = holders(conn, rule, people, shop, now) if rule else set()
    there = holders(conn, goal.rule, people, shop, now) if goal and goal.rule else set()
    return [
        Sight(
            row.id, row.customer_id, row.due_at, row.timezone, row.again,
            Seen(row.gone, row.talking, row.reached or row.customer_id in there, row.customer_id in holding),
        )
        for row in rows
    ]  # fmt: skip


_LOOK: Final = """
SELECT p.id, p.customer_id, p.due_at, c.timezone,
       CASE WHEN c.erased_at IS NOT NULL THEN 'erased' WHEN c.merged_into IS NOT NULL THEN 'merged'
            WHEN c.email_norm IS NULL THEN 'no_email'
            WHEN EXISTS (SELECT FROM suppression s WHERE s.email_norm = c.email_norm) THEN 'suppressed'
            WHEN coalesce(said.state, 'unknown') <> 'subscribed' THEN 'unsubscribed' END AS gone,
       EXISTS (SELECT FROM conversation t WHERE t.customer_id = p.customer_id AND t.state = 'open') AS talking,
       CASE WHEN :goal = 'order' THEN EXISTS (SELECT FROM shop_order o WHERE o.customer_id = p.customer_id
                AND o.counts AND o.placed_at > p.entered_at AND o.placed_at <= :now)
            WHEN :goal = 'climb' THEN coalesce(array_position(CAST(:rungs AS text[]), f.rung)
                > array_position(CAST(:rungs AS text[]), p.rung), false)
            ELSE false END AS reached,
       EXISTS (SELECT FROM series_log l WHERE l.place_id = p.id AND l.step = p.step) AS again
FROM series_place p JOIN customer c ON c.id = p.customer_id
LEFT JOIN customer_facts f ON f.customer_id = p.customer_id
LEFT JOIN LATERAL (SELECT state FROM consent n WHERE n.customer_id = p.customer_id AND n.channel = 'email'
    AND n.topic = :topic ORDER BY n.occurred_at DESC, n.id DESC LIMIT 1) said ON true
WHERE p.id = ANY(:ids) ORDER BY p.id
"""


def holders(conn: Connection, rule: Rule, people: Sequence[int], shop: Shop, now: datetime) -> set[int]:
    """Which of these customers meet a rule now."""
    rows, local = known.over(known.names_in(rule)), shop.local(now)
    holds = meaning(rule, known.columns(rows, shop.exponent, local), local)
    column: Any = rows.c.customer_id
    these = column == func.any(cast(list(people), ARRAY(BigInteger)))
    return set(conn.scalars(select(column).where(these, holds)))
