"""The money of a campaign: what its codes cost, and three figures side by side: touched, clicked, incremental."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.offers.margin import Trade
from campaigns.proof import Difference, newcombe
from connectors.types import Money
from plugin_server.db.campaigning.campaigns import Saved
from plugin_server.db.proof.earned import FREE_SHIPPING, GIFT_LINES, PAID
from plugin_server.db.proof.outcomes import Arm, apart

CLICK_DAYS: Final = 5


def offers(conn: Connection, runs: Sequence[int], saved: Saved, currency: str, trade: Trade) -> dict[str, Any]:
    """Codes issued, used and given back, what they cost so far by kind, and how much of the budget is bound."""
    row = conn.execute(text(_OFFERS), {"runs": list(runs)}).one()
    budget = conn.execute(
        text("SELECT limit_minor, issued_minor FROM offer_budget WHERE campaign_id = :id"), {"id": saved.id}
    ).one_or_none()
    limit = budget.limit_minor if budget else None
    cost = spent(conn, runs, currency, trade, None)
    return {
        "issued": row.issued,
        "failed": row.failed,
        "leaked": row.leaked,
        "redeemed": row.redeemed,
        "released": row.released,
        "discount": Money(sum(cost.values()), currency).as_json(),
        "by_kind": {kind: Money(minor, currency).as_json() for kind, minor in cost.items()},
        "liability": Money(int(budget.issued_minor) if budget else 0, currency).as_json(),
        "budget": Money(int(limit), currency).as_json() if limit is not None else None,
    }


_OFFERS: Final = """
SELECT count(DISTINCT c.id) FILTER (WHERE c.state IN ('issued', 'promised', 'kept', 'lapsed')) AS issued,
       count(DISTINCT c.id) FILTER (WHERE c.state = 'failed') AS failed,
       count(DISTINCT c.id) FILTER (WHERE EXISTS (SELECT FROM code_leak l WHERE l.offer_code_id = c.id)) AS leaked,
       count(d.id) FILTER (WHERE d.released_at IS NULL) + count(*) FILTER (WHERE c.state = 'kept') AS redeemed,
       count(d.id) FILTER (WHERE d.released_at IS NOT NULL) AS released
FROM campaign_run r JOIN offer_code c ON c.run_id = r.id LEFT JOIN redemption d ON d.offer_code_id = c.id
WHERE r.id = ANY(:runs)
"""


def spent(
    conn: Connection, runs: Sequence[int] | None, currency: str, trade: Trade, now: datetime | None
) -> dict[str, int]:
    """What the offers of runs (of all with None) cost up to ``now``, in minor units by the kinds of ``earned.GIVEN``.

    Codes are counted when used, with those that friends and teams got by a promise of the run; cashback when paid.
    """
    given = {
        "runs": None if runs is None else list(runs), "now": now, "currency": currency, "margin": trade.margin or 0,
        "shipping": trade.average_shipping_minor,
    }  # fmt: skip
    return {row.kind: int(row.minor) for row in conn.execute(text(_SPENT), given)}


_SPENT: Final = f"""
WITH asked AS (
    SELECT * FROM offer_code
    WHERE run_id IS NOT NULL AND (CAST(:runs AS bigint[]) IS NULL OR run_id = ANY(CAST(:runs AS bigint[])))
), code AS (
    SELECT a.*, a.kind AS offered FROM asked a
    UNION ALL SELECT c.*, 'bring_a_friend' FROM asked a JOIN referral_join j ON j.promise_id = a.id
        JOIN offer_code c ON c.claim_id IN (j.claim_id, j.own_claim_id) WHERE a.kind = 'bring_a_friend'
    UNION ALL SELECT c.*, 'team_deal' FROM asked a JOIN team t ON t.offer_code_id = a.id
        JOIN team_seat s ON s.team_id = t.id JOIN offer_code c ON c.claim_id = s.claim_id WHERE a.kind = 'team_deal'
), cost AS (
    SELECT CASE WHEN c.offered = 'bring_a_friend' THEN 'friends' WHEN {FREE_SHIPPING} THEN 'shipping'
                WHEN g.worth IS NOT NULL THEN 'gifts' ELSE 'codes' END AS kind,
           CASE WHEN {FREE_SHIPPING} THEN greatest(d.discount_minor, CAST(:shipping AS bigint))
                ELSE d.discount_minor - coalesce(g.worth, 0) + coalesce(g.cost, 0) END AS minor
    FROM code c JOIN redemption d ON d.offer_code_id = c.id AND d.released_at IS NULL
    LEFT JOIN LATERAL ({GIFT_LINES.format(store="c.store_id", order="d.order_id")}) g
        ON c.offered IN ('gift', 'buy_get')
    WHERE CAST(:now AS timestamptz) IS NULL OR d.redeemed_at <= :now
    UNION ALL SELECT 'cashback', ({PAID}) FROM asked c WHERE c.kind = 'cashback' AND c.state = 'kept'
)
SELECT kind, sum(minor)::bigint AS minor FROM cost GROUP BY kind HAVING sum(minor) <> 0 ORDER BY kind
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
