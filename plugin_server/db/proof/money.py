"""The money of a campaign: what its codes cost, and three figures side by side: touched, clicked, incremental."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.proof import Difference, newcombe
from connectors.types import Money
from plugin_server.db.campaigning.campaigns import Saved
from plugin_server.db.proof.outcomes import Arm, apart

CLICK_DAYS: Final = 5


def offers(conn: Connection, runs: Sequence[int], saved: Saved, currency: str) -> dict[str, Any]:
    """Codes issued, used and given back, what they cost so far, and how much of the budget is bound."""
    row = conn.execute(text(_OFFERS), {"runs": list(runs)}).one()
    budget = conn.execute(
        text("SELECT limit_minor, issued_minor FROM offer_budget WHERE campaign_id = :id"), {"id": saved.id}
    ).one_or_none()
    limit = budget.limit_minor if budget else None
    return {
        "issued": row.issued,
        "failed": row.failed,
        "leaked": row.leaked,
        "redeemed": row.redeemed,
        "released": row.released,
        "discount": Money(int(row.discount), currency).as_json(),
        "liability": Money(int(budget.issued_minor) if budget else 0, currency).as_json(),
        "budget": Money(int(limit), currency).as_json() if limit is not None else None,
    }


_OFFERS: Final = """
SELECT count(DISTINCT c.id) FILTER (WHERE c.state IN ('issued', 'promised', 'kept', 'lapsed')) AS issued,
       count(DISTINCT c.id) FILTER (WHERE c.state = 'failed') AS failed,
       count(DISTINCT c.id) FILTER (WHERE EXISTS (SELECT FROM code_leak l WHERE l.offer_code_id = c.id)) AS leaked,
       count(d.id) FILTER (WHERE d.released_at IS NULL) + count(*) FILTER (WHERE c.state = 'kept') AS redeemed,
       count(d.id) FILTER (WHERE d.released_at IS NOT NULL) AS released,
       coalesce(sum(d.discount_minor) FILTER (WHERE d.released_at IS NULL), 0)
       + coalesce(sum(CAST(c.terms ->> 'paid_minor' AS bigint)) FILTER (WHERE c.state = 'kept'), 0) AS discount
FROM campaign_run r JOIN offer_code c ON c.run_id = r.id LEFT JOIN redemption d ON d.offer_code_id = c.id
WHERE r.id = ANY(:runs)
"""


def figures(
    conn: Connection,
    runs: Sequence[int],
    currency: str,
    arms: dict[str, Arm],
    gain: Difference | None,
    now: datetime,
) -> dict[str, Any]:
    """What those written to bought, what those bought who had clicked, and what would not have been without.

    Clicked: orders within five days of a person's click, each with the campaign of the last mail clicked before it.
    Incremental: differences per person times the people treated.
    """
    treated, holdout = arms["treated"], arms["holdout"]
    clicked = conn.execute(
        text(_CLICKED), {"runs": list(runs), "currency": currency, "days": timedelta(days=CLICK_DAYS), "now": now}
    ).one()
    touched_revenue = Money(round(treated.revenue.total), currency).as_json()
    clicked_revenue = Money(int(clicked.revenue), currency).as_json()
    profit = _money(gain, treated.n, currency) if gain is not None else None
    return {
        "touched_revenue": touched_revenue,
        "clicked_revenue": clicked_revenue,
        "incremental_profit": profit,
        "incremental_profit_conclusive": bool(gain and gain.conclusive),
        "touched": {"people": treated.n, "orders": int(treated.orders.total), "revenue": touched_revenue},
        "clicked": {"people": clicked.people, "orders": clicked.orders, "revenue": clicked_revenue},
        "incremental": {
            "climbs": _number(newcombe(treated.climbed, treated.n, holdout.climbed, holdout.n), treated.n),
            "orders": _number(apart(treated, holdout, "orders"), treated.n),
            "revenue": _money(apart(treated, holdout, "revenue"), treated.n, currency),
            "contribution": profit,
        },
    }


_CLICKED: Final = """
SELECT count(*) AS orders, count(DISTINCT s.customer_id) AS people,
       coalesce(sum(s.net_minor) FILTER (WHERE s.currency = :currency), 0) AS revenue
FROM shop_order s JOIN LATERAL (
    SELECT m.run_id FROM message m
    WHERE m.customer_id = s.customer_id AND m.clicked_at <= s.placed_at AND s.placed_at < m.clicked_at + :days
    ORDER BY m.clicked_at DESC, m.id DESC LIMIT 1) last ON last.run_id = ANY(:runs)
WHERE s.counts AND s.placed_at < :now
  AND s.customer_id IN (SELECT customer_id FROM message WHERE run_id = ANY(:runs) AND clicked_at IS NOT NULL)
"""


def _number(found: Difference, people: int) -> dict[str, float] | None:
    if found.difference is None or found.low is None or found.high is None:
        return None
    return {"estimate": found.difference * people, "low": found.low * people, "high": found.high * people}


def _money(found: Difference, people: int, currency: str) -> dict[str, Any] | None:
    numbers = _number(found, people)
    return numbers and {name: Money(round(value), currency).as_json() for name, value in numbers.items()}
