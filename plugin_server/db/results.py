"""What a campaign brought about: treated against holdout, by assignment, with intervals; offers; movement; profit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.proof import Difference, Moments, newcombe, sample_ratio_p, welch
from connectors.types import Money
from plugin_server.db import campaigns, offers, rungs, series_told
from plugin_server.db.campaigns import Run, Saved

ARMS: Final = ("treated", "holdout")
CLICK_DAYS: Final = 5

# One row per person and run: what they did in the window. Orders in another currency count as orders, not as money.
_ARMS: Final = """
WITH measured AS (SELECT m.run_id, m.customer_id, m.arm, m.rung,
       coalesce(o.orders, 0) AS orders, coalesce(o.revenue, 0) AS revenue, coalesce(o.discount, 0) AS discount,
       coalesce(o.foreign_orders, 0) AS foreign_orders, coalesce(up.step, 0) AS step
FROM audience_member m JOIN campaign_run r ON r.id = m.run_id
LEFT JOIN LATERAL (
    SELECT count(*) AS orders, sum(s.net_minor) FILTER (WHERE s.currency = :currency) AS revenue,
           sum(s.discount_minor) FILTER (WHERE s.currency = :currency) AS discount,
           count(*) FILTER (WHERE s.currency <> :currency) AS foreign_orders
    FROM shop_order s WHERE s.customer_id = m.customer_id AND s.counts
      AND s.placed_at >= r.frozen_at AND s.placed_at < least(r.frozen_at + :window, :now)
) o ON true
LEFT JOIN LATERAL (
    SELECT sign(array_position(CAST(:rungs AS text[]), c.to_rung)
                - array_position(CAST(:rungs AS text[]), m.rung)) AS step
    FROM rung_change c WHERE c.customer_id = m.customer_id
      AND c.changed_at >= r.frozen_at AND c.changed_at < least(r.frozen_at + :window, :now)
    ORDER BY c.changed_at DESC, c.id DESC LIMIT 1
) up ON true
WHERE r.id = ANY(:runs) AND r.frozen_at IS NOT NULL AND m.arm <> 'excluded')
SELECT arm, count(*) AS n, count(*) FILTER (WHERE orders > 0) AS buyers, sum(orders) AS orders,
       sum(revenue) AS revenue, sum(foreign_orders) AS foreign_orders,
       count(*) FILTER (WHERE step > 0) AS climbed, count(*) FILTER (WHERE step < 0) AS fell,
       sum(CAST(revenue AS float8)) AS r1, sum(CAST(revenue AS float8) ^ 2) AS r2,
       sum((revenue + discount) * CAST(:margin AS float8) - discount) AS c1,
       sum(((revenue + discount) * CAST(:margin AS float8) - discount) ^ 2) AS c2
FROM measured GROUP BY arm
"""


@dataclass(frozen=True, slots=True)
class _Arm:
    n: int
    buyers: int
    orders: int
    climbed: int
    fell: int
    revenue_minor: int
    foreign_orders: int
    revenue: Moments
    contribution: Moments


_NOBODY: Final = _Arm(0, 0, 0, 0, 0, 0, 0, Moments(0, 0, 0), Moments(0, 0, 0))


def results(conn: Connection, *, run_id: int, now: datetime) -> dict[str, Any]:
    """The figures of one run, in the shape of ``of_campaign``. Raises ``Refused`` where there is no such run."""
    run = campaigns.run(conn, run_id)
    return _results(conn, campaigns.need(conn, run.campaign.key), [run], now)


def of_campaign(conn: Connection, saved: Saved, now: datetime) -> dict[str, Any]:
    """INTERFACES' ``campaigns results``: arms, differences, offers, movement, figures over all runs, as of ``now``."""
    return _results(conn, saved, campaigns.runs_of(conn, saved.id), now)


def _results(conn: Connection, saved: Saved, runs: list[Run], now: datetime) -> dict[str, Any]:
    merchant = conn.execute(text("SELECT id, currency, holdout_share FROM merchant")).one()
    ids = [run.id for run in runs]
    margin = offers.trade(conn, now).margin
    arms = _arms(conn, ids, saved.campaign.measure.window_days, merchant, margin, now)
    treated, holdout = arms["treated"], arms["holdout"]
    goal = saved.campaign.measure.goal
    hits = "climbed" if goal == "climb" else "buyers"
    conversion = newcombe(getattr(treated, hits), treated.n, getattr(holdout, hits), holdout.n)
    revenue, contribution = welch(treated.revenue, holdout.revenue), welch(treated.contribution, holdout.contribution)
    verdict = _verdict(conversion, treated, holdout)
    share = float(max(saved.campaign.measure.holdout, merchant.holdout_share))
    return {
        "campaign": saved.campaign.key,
        "state": saved.state,
        "goal": goal,
        "runs": [_run(item) for item in runs],
        **_reading([item for item in runs if item.step is None], saved.campaign.measure.window_days, now),
        "arms": {name: _shown(arm, merchant.currency, margin) for name, arm in arms.items()},
        "differences": {
            "conversion": _difference(conversion),
            "revenue_per_customer": _money_difference(revenue, merchant.currency),
            "contribution_per_customer": _money_difference(contribution, merchant.currency) if margin else None,
        },
        "verdict": VERDICTS[verdict],
        "verdict_key": verdict,
        "sample_ratio_p": sample_ratio_p(treated.n, holdout.n, share),
        "offers": _offers(conn, ids, saved, merchant.currency),
        "movement": {name: _movement(arm) for name, arm in arms.items()},
        "figures": _figures(conn, ids, merchant.currency, treated, contribution if margin else None, now),
        "messages": _messages(conn, ids),
        "series": series_told.figures(conn, saved) if saved.campaign.steps else None,
    }


def _arms(
    conn: Connection, runs: list[int], days: int, merchant: Any, margin: Decimal | None, now: datetime
) -> dict[str, _Arm]:
    rows = conn.execute(
        text(_ARMS),
        {
            "runs": runs,
            "window": timedelta(days=days),
            "now": now,
            "currency": merchant.currency,
            "rungs": list(rungs.shop(conn, merchant.id).ladder.keys),
            "margin": float(margin or 0),
        },
    )
    found = {
        row.arm: _Arm(
            n=row.n,
            buyers=row.buyers,
            orders=int(row.orders),
            climbed=row.climbed,
            fell=row.fell,
            revenue_minor=int(row.revenue),
            foreign_orders=int(row.foreign_orders),
            revenue=Moments(row.n, row.r1, row.r2),
            contribution=Moments(row.n, row.c1, row.c2),
        )
        for row in rows
    }
    return {name: found.get(name, _NOBODY) for name in ARMS}


def _run(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "occasion": run.occasion,
        "step": run.step,
        "state": run.state,
        "reason": run.state_reason,
        "due_at": run.due_at.isoformat(),
        "frozen_at": run.frozen_at.isoformat() if run.frozen_at else None,
    }


def _reading(runs: list[Run], days: int, now: datetime) -> dict[str, Any]:
    frozen = [run.frozen_at for run in runs if run.frozen_at]
    read_on = max(frozen) + timedelta(days=days) if frozen else None
    return {
        "window_days": days,
        "read_on": read_on.isoformat() if read_on else None,
        "final": bool(read_on and now >= read_on),
    }


def _shown(arm: _Arm, currency: str, margin: Decimal | None) -> dict[str, Any]:
    return {
        "n": arm.n,
        "buyers": arm.buyers,
        "conversion": arm.buyers / arm.n if arm.n else None,
        "orders": arm.orders,
        "revenue": Money(arm.revenue_minor, currency).as_json(),
        "contribution": Money(round(arm.contribution.total), currency).as_json() if margin is not None else None,
        "orders_in_other_currencies": arm.foreign_orders,
    }


def _movement(arm: _Arm) -> dict[str, int]:
    return {"climbed": arm.climbed, "stayed": arm.n - arm.climbed - arm.fell, "fell": arm.fell}


def _difference(found: Difference) -> dict[str, Any]:
    return {"difference": found.difference, "low": found.low, "high": found.high, "conclusive": found.conclusive}


def _money_difference(found: Difference, currency: str) -> dict[str, Any]:
    def money(minor: float | None) -> dict[str, str] | None:
        return None if minor is None else Money(round(minor), currency).as_json()

    shown = {"difference": money(found.difference), "low": money(found.low), "high": money(found.high)}
    return {**shown, "conclusive": found.conclusive}


VERDICTS: Final = {
    "nobody": "Nobody has been written to yet.",
    "no_holdout": "Nobody was held out, so nobody can say what would have happened without the campaign.",
    "inconclusive": "Inconclusive: a difference as small as this may be chance.",
    "worked": "It worked: the difference is larger than chance.",
    "harmed": "It did harm: the difference is larger than chance.",
}


def _verdict(found: Difference, treated: _Arm, holdout: _Arm) -> str:
    if not treated.n:
        return "nobody"
    if not holdout.n:
        return "no_holdout"
    if not found.conclusive:
        return "inconclusive"
    return "worked" if (found.low or 0) > 0 else "harmed"


def _offers(conn: Connection, runs: list[int], saved: Saved, currency: str) -> dict[str, Any]:
    row = conn.execute(text(_OFFERS), {"runs": runs}).one()
    budget = conn.execute(
        text("SELECT limit_minor, issued_minor FROM offer_budget WHERE campaign_id = :id"), {"id": saved.id}
    ).one_or_none()
    limit = budget.limit_minor if budget else None
    return {
        "issued": row.issued,
        "failed": row.failed,
        "redeemed": row.redeemed,
        "released": row.released,
        "discount": Money(int(row.discount), currency).as_json(),
        "liability": Money(int(budget.issued_minor) if budget else 0, currency).as_json(),
        "budget": Money(int(limit), currency).as_json() if limit is not None else None,
    }


_OFFERS: Final = """
SELECT count(DISTINCT c.id) FILTER (WHERE c.state = 'issued') AS issued,
       count(DISTINCT c.id) FILTER (WHERE c.state = 'failed') AS failed,
       count(d.id) FILTER (WHERE d.released_at IS NULL) AS redeemed,
       count(d.id) FILTER (WHERE d.released_at IS NOT NULL) AS released,
       coalesce(sum(d.discount_minor) FILTER (WHERE d.released_at IS NULL), 0) AS discount
FROM campaign_run r JOIN offer_code c ON c.run_id = r.id LEFT JOIN redemption d ON d.offer_code_id = c.id
WHERE r.id = ANY(:runs)
"""


def _figures(
    conn: Connection, runs: list[int], currency: str, treated: _Arm, gain: Difference | None, now: datetime
) -> dict[str, Any]:
    """Side by side: what those written to bought, what those who clicked bought, what would not have been."""
    clicked = conn.execute(
        text(_CLICKED), {"runs": runs, "currency": currency, "days": timedelta(days=CLICK_DAYS), "now": now}
    ).one()
    profit = None
    if gain is not None and gain.difference is not None and gain.low is not None and gain.high is not None:
        profit = {
            name: Money(round(per_head * treated.n), currency).as_json()
            for name, per_head in (("estimate", gain.difference), ("low", gain.low), ("high", gain.high))
        }
    return {
        "touched_revenue": Money(treated.revenue_minor, currency).as_json(),
        "clicked_revenue": Money(int(clicked.revenue), currency).as_json(),
        "incremental_profit": profit,
        "incremental_profit_conclusive": bool(gain and gain.conclusive),
    }


_CLICKED: Final = """
SELECT coalesce(sum(s.net_minor), 0) AS revenue FROM shop_order s
WHERE s.counts AND s.currency = :currency AND s.placed_at < :now AND EXISTS (
    SELECT FROM message m JOIN campaign_run r ON r.id = m.run_id
    WHERE r.id = ANY(:runs) AND m.customer_id = s.customer_id
      AND m.clicked_at <= s.placed_at AND s.placed_at < m.clicked_at + :days)
"""


def _messages(conn: Connection, runs: list[int]) -> dict[str, int]:
    rows = conn.execute(
        text(
            "SELECT m.state, count(*) FROM message m JOIN campaign_run r ON r.id = m.run_id "
            "WHERE r.id = ANY(:runs) GROUP BY 1 ORDER BY 1"
        ),
        {"runs": runs},
    )
    return {row[0]: row[1] for row in rows}
