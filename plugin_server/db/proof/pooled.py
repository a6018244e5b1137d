"""All campaigns together: those who could have got some, against the merchant's lasting holdout, quarter by quarter.

Somebody enters a quarter with the first run that would have written to them and stays in the arm of the lasting draw,
whatever later runs made of them; what counts is what they did from then to the quarter's end, when the holdout is
drawn anew. That first run does not hang on what the quarter's campaigns brought about, so both arms are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns.arms import quarter
from campaigns.offers.margin import Trade
from campaigns.proof import Difference, Moments, hits, newcombe, pooled, sample_ratio_p
from campaigns.proof.experiment import UNEVEN
from campaigns.proof.plan import least_seen
from connectors.types import Money
from plugin_server.db.offers import codes as offers
from plugin_server.db.proof import money as results_money
from plugin_server.db.proof import outcomes
from plugin_server.db.proof.outcomes import FEW, Arm, apart

MOST_QUARTERS: Final = 8
MEASURES: Final = ("bought", "climbs", "orders", "revenue", "contribution")
_RUNS: Final = """
SELECT id, frozen_at, lasting_share, step FROM campaign_run WHERE frozen_at IS NOT NULL AND frozen_at < :now ORDER BY id
"""
_LOOKED: Final = """
SELECT DISTINCT ON (coalesce(c.merged_into, m.customer_id)) coalesce(c.merged_into, m.customer_id) AS person,
       CASE WHEN m.arm = 'holdout' AND m.reason = 'lasting_holdout' THEN 'holdout' ELSE 'treated' END AS arm,
       '' AS variant, m.rung, r.frozen_at AS begins, least(CAST(:until AS timestamptz), :now) AS ends
FROM audience_member m JOIN campaign_run r ON r.id = m.run_id LEFT JOIN customer c ON c.id = m.customer_id
WHERE r.id = ANY(:runs) AND m.arm IN ('treated', 'spared', 'holdout')
ORDER BY coalesce(c.merged_into, m.customer_id), r.frozen_at, r.id, c.merged_into IS NOT NULL, m.customer_id
"""


@dataclass(frozen=True, slots=True)
class _Quarter:
    key: str
    until: datetime
    runs: list[int]
    shares: set[Decimal]


def of_merchant(conn: Connection, now: datetime) -> dict[str, Any]:
    """``{"quarters": […newest first], "pooled", "offers", "next_reading", "margin_known"}``.

    Each quarter has ``arms``, ``differences`` per person, ``figures`` and a ``verdict_key`` on the contribution (on
    orders where no unit cost is known). ``pooled`` adds up the quarters that are over: ``measures`` per person and in
    all. ``offers``: what those of all runs up to now cost, and what their codes may still cost.
    """
    merchant = conn.execute(text("SELECT currency, timezone FROM merchant")).one()
    trade = offers.trade(conn, now)
    margin = trade.margin
    found = _quarters(conn, ZoneInfo(merchant.timezone), now)
    read = [(one, _arms(conn, one, trade, now)) for one in found]
    over = [arms for one, arms in read if one.until <= now and _verdict(one, arms, margin, now) != "uneven"]
    return {
        "quarters": [_shown(conn, one, arms, margin, merchant.currency, now) for one, arms in read],
        "pooled": _pooled(over, margin, merchant.currency) if over else None,
        "offers": _cost(conn, merchant.currency, trade, now),
        "next_reading": found[0].until.isoformat() if found and found[0].until > now else None,
        "margin_known": margin is not None,
    }


def _quarters(conn: Connection, zone: ZoneInfo, now: datetime) -> list[_Quarter]:
    made: dict[str, _Quarter] = {}
    for run in conn.execute(text(_RUNS), {"now": now}):
        day = run.frozen_at.astimezone(zone).date()
        months = day.year * 12 + (day.month - 1) // 3 * 3 + 3
        until = datetime.combine(date(months // 12, months % 12 + 1, 1), time(), zone)
        one = made.setdefault(quarter(day), _Quarter(quarter(day), until, [], set()))
        one.runs.append(run.id)
        if run.step is None:  # who comes to a step of a series was drawn at its entry
            one.shares.add(run.lasting_share)
    return sorted(made.values(), key=lambda one: one.until, reverse=True)[:MOST_QUARTERS]


def _arms(conn: Connection, one: _Quarter, trade: Trade, now: datetime) -> dict[str, Arm]:
    given = {"runs": one.runs, "until": one.until, "now": now}
    found = outcomes.measured(conn, _LOOKED, given, trade)
    return {name: found.get((name, ""), Arm()) for name in ("treated", "holdout")}


def _ratio(one: _Quarter, arms: dict[str, Arm]) -> float | None:
    share = next(iter(one.shares)) if len(one.shares) == 1 else None
    return sample_ratio_p(arms["treated"].n, arms["holdout"].n, float(share)) if share else None


def _verdict(one: _Quarter, arms: dict[str, Arm], margin: Decimal | None, now: datetime) -> str:
    ratio, treated, holdout = _ratio(one, arms), arms["treated"], arms["holdout"]
    if not holdout.n:
        return "no_holdout"
    if one.until > now:
        return "not_yet"
    if ratio is not None and ratio < UNEVEN:
        return "uneven"
    gain = apart(treated, holdout, "contribution") if margin is not None else None
    gain = gain or apart(treated, holdout, "orders")
    if not gain.conclusive:
        return "few" if min(treated.buyers, holdout.buyers) < FEW else "inconclusive"
    return "worked" if (gain.low or 0) > 0 else "harmed"


def _moments(arm: Arm) -> dict[str, Moments]:
    return {
        "bought": hits(arm.buyers, arm.n),
        "climbs": hits(arm.climbed, arm.n),
        "orders": arm.orders,
        "revenue": arm.revenue,
        "contribution": arm.contribution,
    }


def _shown(
    conn: Connection, one: _Quarter, arms: dict[str, Arm], margin: Decimal | None, currency: str, now: datetime
) -> dict[str, Any]:
    treated, holdout = arms["treated"], arms["holdout"]
    gain = apart(treated, holdout, "contribution") if margin is not None else None
    found = {
        "bought": newcombe(treated.buyers, treated.n, holdout.buyers, holdout.n),
        "climbs": newcombe(treated.climbed, treated.n, holdout.climbed, holdout.n),
        "orders": apart(treated, holdout, "orders"),
        "revenue": apart(treated, holdout, "revenue"),
        "contribution": gain,
    }
    return {
        "quarter": one.key,
        "runs": one.runs,
        "read_on": one.until.isoformat(),
        "final": one.until <= now,
        "verdict_key": _verdict(one, arms, margin, now),
        "sample_ratio_p": _ratio(one, arms),
        "arms": {
            name: {"n": arm.n, "buyers": arm.buyers, "orders": int(arm.orders.total), "climbed": arm.climbed,
                   "fell": arm.fell, "revenue": Money(round(arm.revenue.total), currency).as_json(),
                   "given": Money(sum(arm.given), currency).as_json()}
            for name, arm in arms.items()
        },
        "differences": {name: _difference(name, value, currency) for name, value in found.items()},
        "least_rise": least_seen(treated.buyers, treated.n, holdout.buyers, holdout.n),
        "figures": results_money.figures(conn, one.runs, currency, arms, gain, now),
    }  # fmt: skip


def _pooled(over: list[dict[str, Arm]], margin: Decimal | None, currency: str) -> dict[str, Any]:
    trials = [(_moments(arms["treated"]), _moments(arms["holdout"])) for arms in over]
    enough = min(sum(arms[name].buyers for arms in over) for name in ("treated", "holdout")) >= FEW
    measures, people = {}, 0
    for name in MEASURES:
        whole = pooled((a[name], b[name]) for a, b in trials)
        known = enough and (name != "contribution" or margin is not None)
        people = max(people, whole.people)
        measures[name] = {
            "each": _difference(name, whole.each if known else None, currency),
            "total": _difference(name, whole.total if known else None, currency),
        }
    treated, holdout = (outcomes.total(arms[name] for arms in over) for name in ("treated", "holdout"))
    least = least_seen(treated.buyers, treated.n, holdout.buyers, holdout.n)
    return {"people": people, "quarters": len(over), "measures": measures, "least_rise": least}


def _difference(name: str, found: Difference | None, currency: str) -> dict[str, Any] | None:
    if found is None or found.difference is None or found.low is None or found.high is None:
        return None
    parts = {"difference": found.difference, "low": found.low, "high": found.high}
    shown: dict[str, Any] = dict(parts)
    if name in ("revenue", "contribution"):
        shown = {key: Money(round(value), currency).as_json() for key, value in parts.items()}
    return shown | {"conclusive": found.conclusive}


_OPEN: Final = """
SELECT coalesce(sum(c.liability_minor), 0) FROM offer_code c
WHERE c.run_id IS NOT NULL AND c.state IN ('issued', 'promised') AND c.expires_at > :now AND NOT EXISTS (
    SELECT FROM redemption d WHERE d.offer_code_id = c.id AND d.released_at IS NULL)
"""


def _cost(conn: Connection, currency: str, trade: Trade, now: datetime) -> dict[str, Any]:
    spent = results_money.spent(conn, None, currency, trade, now)
    return {
        "given": Money(sum(spent.values()), currency).as_json(),
        "open": Money(int(conn.scalar(text(_OPEN), {"now": now}) or 0), currency).as_json(),
        "by_kind": {kind: Money(minor, currency).as_json() for kind, minor in spent.items()},
    }
