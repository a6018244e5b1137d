"""What the people of runs did afterwards, one row for each person and arm, and the sums of their arms.

People count in the arm they were drawn into, whatever became of the mail; those who were merged into one person since
count once. Of an order that falls into the windows of two runs there is still one. Opens are nowhere asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.proof import Difference, Moments, welch
from plugin_server.db.ladder import rungs

NONE: Final = Moments(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Arm:
    """The people of an arm and what they did in the window. Money is in minor units of the merchant's currency.

    ``orders``, ``revenue`` and ``contribution`` are moments per person. ``foreign_orders`` count as orders, not as
    money.
    """

    n: int = 0
    buyers: int = 0
    climbed: int = 0
    fell: int = 0
    foreign_orders: int = 0
    discount_minor: int = 0
    orders: Moments = NONE
    revenue: Moments = NONE
    contribution: Moments = NONE

    def __add__(self, other: Arm) -> Arm:
        return Arm(
            self.n + other.n,
            self.buyers + other.buyers,
            self.climbed + other.climbed,
            self.fell + other.fell,
            self.foreign_orders + other.foreign_orders,
            self.discount_minor + other.discount_minor,
            self.orders + other.orders,
            self.revenue + other.revenue,
            self.contribution + other.contribution,
        )

    def reached(self, goal: str) -> int:
        """How many reached the goal: ``climb``, or ``order``."""
        return self.climbed if goal == "climb" else self.buyers


FEW: Final = 10
"""With fewer buyers than this in an arm, an interval of means would pretend to know more than it does."""


def apart(treated: Arm, holdout: Arm, what: str) -> Difference:
    """Difference per person of ``orders``, ``revenue`` or ``contribution``, with Welch's interval if enough bought."""
    found = welch(getattr(treated, what), getattr(holdout, what))
    if min(treated.buyers, holdout.buyers) >= FEW:
        return found
    return Difference(found.difference, None, None)


def total(arms: Iterable[Arm]) -> Arm:
    """Several arms as one."""
    return sum(arms, Arm())


def of_runs(
    conn: Connection, runs: Sequence[int], *, days: int, margin: Decimal | None, now: datetime
) -> dict[tuple[str, str], Arm]:
    """The arms of these runs by (``treated`` or ``holdout``, variant), ``days`` from each freeze, up to ``now``."""
    given = {"runs": list(runs), "window": timedelta(days=days), "now": now}
    return measured(conn, _OF_RUNS, given, margin)


def measured(
    conn: Connection, looked: str, given: dict[str, Any], margin: Decimal | None
) -> dict[tuple[str, str], Arm]:
    """Arms out of ``looked``, an SQL query of (person, arm, variant, rung, begins, ends), several rows per person."""
    merchant = conn.execute(text("SELECT id, currency FROM merchant")).one()
    known = {
        "currency": merchant.currency,
        "rungs": list(rungs.shop(conn, merchant.id).ladder.keys),
        "margin": float(margin or 0),
    }
    rows = conn.execute(text(_MEASURED.format(looked=looked)), given | known)
    return {(row.arm, row.variant): _arm(row) for row in rows}


def _arm(row: Any) -> Arm:
    return Arm(
        n=row.n,
        buyers=row.buyers,
        climbed=row.climbed,
        fell=row.fell,
        foreign_orders=int(row.foreign_orders),
        discount_minor=int(row.discount),
        orders=Moments(row.n, row.o1, row.o2),
        revenue=Moments(row.n, row.r1, row.r2),
        contribution=Moments(row.n, row.c1, row.c2),
    )


_OF_RUNS: Final = """
SELECT DISTINCT ON (m.run_id, coalesce(c.merged_into, m.customer_id)) coalesce(c.merged_into, m.customer_id) AS person,
       CASE m.arm WHEN 'spared' THEN 'treated' ELSE m.arm END AS arm, m.variant, m.rung,
       r.frozen_at AS begins, least(r.frozen_at + :window, :now) AS ends
FROM audience_member m JOIN campaign_run r ON r.id = m.run_id LEFT JOIN customer c ON c.id = m.customer_id
WHERE r.id = ANY(:runs) AND r.frozen_at IS NOT NULL AND m.arm IN ('treated', 'spared', 'holdout')
ORDER BY m.run_id, coalesce(c.merged_into, m.customer_id), c.merged_into IS NOT NULL
"""
_MEASURED: Final = """
WITH looked AS MATERIALIZED ({looked}), people AS (
    SELECT person, arm, variant, (array_agg(rung ORDER BY begins))[1] AS rung, min(begins) AS begins, max(ends) AS ends
    FROM looked GROUP BY person, arm, variant
), bought AS (
    SELECT person, arm, variant, count(*) AS orders, sum(net_minor) FILTER (WHERE home) AS revenue,
           sum(discount_minor) FILTER (WHERE home) AS discount, count(*) FILTER (WHERE NOT home) AS foreign_orders
    FROM (SELECT DISTINCT l.person, l.arm, l.variant, s.id, s.net_minor, s.discount_minor,
              s.currency = :currency AS home
          FROM looked l JOIN shop_order s ON s.customer_id = l.person AND s.counts
          WHERE s.placed_at >= l.begins AND s.placed_at < l.ends) each
    GROUP BY person, arm, variant
), per_person AS (
    SELECT p.arm, p.variant, coalesce(b.orders, 0) AS orders, coalesce(b.revenue, 0)::float8 AS revenue,
           coalesce(b.discount, 0)::float8 AS discount, coalesce(b.foreign_orders, 0) AS foreign_orders,
           coalesce(up.step, 0) AS step
    FROM people p LEFT JOIN bought b USING (person, arm, variant)
    LEFT JOIN LATERAL (
        SELECT sign(array_position(CAST(:rungs AS text[]), c.to_rung)
                    - array_position(CAST(:rungs AS text[]), p.rung)) AS step
        FROM rung_change c WHERE c.customer_id = p.person AND c.changed_at >= p.begins AND c.changed_at < p.ends
        ORDER BY c.changed_at DESC, c.id DESC LIMIT 1) up ON true
)
SELECT arm, variant, count(*) AS n, count(*) FILTER (WHERE orders > 0) AS buyers, sum(foreign_orders) AS foreign_orders,
       count(*) FILTER (WHERE step > 0) AS climbed, count(*) FILTER (WHERE step < 0) AS fell, sum(discount) AS discount,
       sum(orders)::float8 AS o1, sum(orders ^ 2)::float8 AS o2, sum(revenue) AS r1, sum(revenue ^ 2) AS r2,
       sum(gain) AS c1, sum(gain ^ 2) AS c2
FROM (SELECT *, (revenue + discount) * CAST(:margin AS float8) - discount AS gain FROM per_person) g
GROUP BY arm, variant
"""
