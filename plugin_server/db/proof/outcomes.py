"""What the people of runs did afterwards, one row for each person and arm, and the sums of their arms.

People count in the arm they were drawn into, whatever became of the mail; those who were merged into one person since
count once. Of an order that falls into the windows of two runs there is still one. Opens are nowhere asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.offers.margin import Trade
from campaigns.proof import Difference, Moments, welch
from plugin_server.db.ladder import rungs
from plugin_server.db.proof.earned import EARNED, GIVEN, ORDERS, owed

NONE: Final = Moments(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Arm:
    """The people of an arm and what they did in the window. Money is in minor units of the merchant's currency.

    ``orders``, ``revenue`` and ``contribution`` are moments per person. ``foreign_orders`` count as orders, not as
    money. ``given`` is what was given away, by the kinds of ``earned.GIVEN``; ``contribution`` is net of it.
    """

    n: int = 0
    buyers: int = 0
    climbed: int = 0
    fell: int = 0
    foreign_orders: int = 0
    given: tuple[int, ...] = (0,) * len(GIVEN)
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
            tuple(map(sum, zip(self.given, other.given, strict=True))),
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
    conn: Connection, runs: Sequence[int], *, days: int, trade: Trade, now: datetime
) -> dict[tuple[str, str], Arm]:
    """The arms of these runs by (``treated`` or ``holdout``, variant), ``days`` from each freeze, up to ``now``."""
    given = {"runs": list(runs), "window": timedelta(days=days), "now": now}
    return measured(conn, _OF_RUNS, given, trade)


def measured(conn: Connection, looked: str, given: dict[str, Any], trade: Trade) -> dict[tuple[str, str], Arm]:
    """Arms out of ``looked``, an SQL query of (person, arm, variant, rung, begins, ends), several rows per person."""
    merchant = conn.execute(text("SELECT id, currency FROM merchant")).one()
    known = {
        "currency": merchant.currency,
        "rungs": list(rungs.shop(conn, merchant.id).ladder.keys),
        "margin": trade.margin or 0,
        "shipping": trade.average_shipping_minor,
    }
    rows = conn.execute(text(_MEASURED.replace("{looked}", looked)), given | known | owed(conn))
    return {(row.arm, row.variant): _arm(row) for row in rows}


def _arm(row: Any) -> Arm:
    return Arm(
        n=row.n,
        buyers=row.buyers,
        climbed=row.climbed,
        fell=row.fell,
        foreign_orders=int(row.foreign_orders),
        given=tuple(int(minor or 0) for minor in row.given),
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
ORDER BY m.run_id, coalesce(c.merged_into, m.customer_id), c.merged_into IS NOT NULL, m.customer_id
"""
_COSTS: Final = ", ".join(f"sum({kind})" for kind in GIVEN)
_MEASURED: Final = f"""
WITH looked AS MATERIALIZED ({{looked}}), people AS (
    SELECT person, arm, variant, (array_agg(rung ORDER BY begins))[1] AS rung, min(begins) AS begins, max(ends) AS ends
    FROM looked GROUP BY person, arm, variant
), {ORDERS}, {EARNED}, per_person AS (
    SELECT p.arm, p.variant, coalesce(e.orders, 0) AS orders, coalesce(e.revenue, 0)::float8 AS revenue,
           coalesce(e.gain, 0)::float8 AS gain, coalesce(e.foreign_orders, 0) AS foreign_orders,
           {", ".join(GIVEN)}, coalesce(up.step, 0) AS step
    FROM people p LEFT JOIN earned e USING (person, arm, variant)
    LEFT JOIN LATERAL (
        SELECT sign(array_position(CAST(:rungs AS text[]), c.to_rung)
                    - array_position(CAST(:rungs AS text[]), p.rung)) AS step
        FROM rung_change c WHERE c.customer_id = p.person AND c.changed_at >= p.begins AND c.changed_at < p.ends
        ORDER BY c.changed_at DESC, c.id DESC LIMIT 1) up ON true
)
SELECT arm, variant, count(*) AS n, count(*) FILTER (WHERE orders > 0) AS buyers, sum(foreign_orders) AS foreign_orders,
       count(*) FILTER (WHERE step > 0) AS climbed, count(*) FILTER (WHERE step < 0) AS fell,
       array[{_COSTS}] AS given,
       sum(orders)::float8 AS o1, sum(orders ^ 2)::float8 AS o2, sum(revenue) AS r1, sum(revenue ^ 2) AS r2,
       sum(gain) AS c1, sum(gain ^ 2) AS c2
FROM per_person GROUP BY arm, variant
"""
