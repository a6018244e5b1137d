"""A series over the last twelve months: who would have come how far, how many mails and codes, and at what cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns.schema import Campaign, OfferStep
from campaigns.series_parts import part, series_of
from campaigns.series_past import Entry, Past, walk
from connectors.types import Money, minor_units
from plugin_server.db.campaigning import backtest_series
from plugin_server.db.campaigning.campaigns import Saved
from plugin_server.db.ladder import rungs
from plugin_server.jobs.series.preview import cost

AS_THEY_DID: Final = (
    "Everybody does what they did without the series: orders, climbs and clicks that its mails would have brought "
    "cannot be known. With them more would have reached the goal, and earlier."
)
FACTS_OF_THEN: Final = "Questions are answered by the facts of the day on which somebody would have come to them."
FACTS_TOUCHED: Final = (
    "A question asks for clicks, answers or tags; those that this series would have brought are missing."
)
FACTS_OF_TODAY: Final = "A question asks for something of which the past is not kept; it is answered as of today."
RECKONED_UP: Final = "One in {part} people was walked through, and the figures were reckoned up."


def walked(
    conn: Connection, *, merchant_id: int, saved: Saved, days: Sequence[date], now: datetime
) -> tuple[dict[str, Any], list[str]]:
    """What came of everybody who would have come in on ``days``, and what the figures rest on beside the entries."""
    campaign, shop = saved.campaign, rungs.shop(conn, merchant_id)
    machine = series_of(campaign)
    entries, weight = backtest_series.entries(
        conn, merchant_id=merchant_id, campaign=campaign, campaign_id=saved.id, days=days, now=now
    )
    past = _past(conn, campaign, entries, shop, now)
    lately = campaign.guards.frequency_cap.days if campaign.guards.frequency_cap else 7
    crowded = backtest_series.crowded(conn, past.sent, saved.id, lately)
    steps = [
        {
            "key": step.key, "kind": step.kind, "did": past.steps[step.key] * weight,
            "then": past.ways[step.key, "then"] * weight, "else": past.ways[step.key, "else"] * weight,
        }
        for step in machine.steps
    ]  # fmt: skip
    told = {
        "entered": past.entered * weight,
        "turned_away": past.turned_away * weight,
        "inside": past.inside * weight,
        "left": {key: n * weight for key, n in past.left.most_common()},
        "steps": steps,
        "mails": {
            "total": len(past.sent) * weight,
            "people": len(past.mails) * weight,
            "by_person": _spread(past, weight),
        },
        "crowded": {"mails": crowded * weight, "days": lately},
        "exact": weight == 1,
        **_costs(conn, campaign, past, weight, shop.zone, now),
    }
    return told, _basis(campaign, weight)


def _past(conn: Connection, campaign: Campaign, entries: Sequence[Entry], shop: rungs.Shop, now: datetime) -> Past:
    people = sorted({one.customer_id for one in entries})
    since = min((one.at for one in entries), default=now)
    return walk(
        series_of(campaign), entries, backtest_series.history(conn, people, shop.ladder.keys, since),
        lambda rule, at, those: backtest_series.holders(conn, rule, at, those, shop, now),
        shop_zone=shop.zone.key, again_after_days=campaign.again_after_days, until=now,
    )  # fmt: skip


def _spread(past: Past, weight: int) -> dict[str, int]:
    """How many people would have got one mail, two, and so on."""
    return {str(mails): people * weight for mails, people in sorted(Counter(past.mails.values()).items())}


def _costs(
    conn: Connection, campaign: Campaign, past: Past, weight: int, zone: ZoneInfo, now: datetime
) -> dict[str, Any]:
    currency = str(conn.scalar(text("SELECT currency FROM merchant")))
    steps = {step.key: step for step in campaign.steps if isinstance(step, OfferStep)}
    each = {key: cost(conn, part(campaign, key), 1, now) for key in steps}
    minor = {key: minor_units(one["amount"], one["currency"]) if one else 0 for key, one in each.items()}
    count = Counter(key for _, key in past.made)
    offers = [
        {
            "key": key, "codes": count[key] * weight, "liability_each": each[key],
            "liability": Money(minor[key] * count[key] * weight, currency).as_json(),
        }
        for key in steps
    ]  # fmt: skip
    whole = sum(minor[key] * n for key, n in count.items()) * weight
    budget = next((step.offer.budget for step in steps.values() if step.offer.budget is not None), None)
    left, reached = minor_units(budget, currency) if budget is not None else None, None
    for at, key in sorted(past.made):
        left = None if left is None else left - minor[key] * weight
        if left is not None and left < 0:
            reached = at.astimezone(zone).date().isoformat()
            break
    return {
        "offers": offers,
        "liability": Money(whole, currency).as_json() if steps else None,
        "budget_reached_on": reached,
    }


def _basis(campaign: Campaign, weight: int) -> list[str]:
    rules = [rule for step in campaign.steps if (rule := getattr(step, "rule", None)) is not None]
    asked = backtest_series.asked(rules)
    said = [AS_THEY_DID]
    said += [FACTS_OF_THEN] if rules else []
    said += [FACTS_TOUCHED] if asked & backtest_series.TOUCHED else []
    said += [FACTS_OF_TODAY] if asked & backtest_series.TODAYS else []
    return [*said, RECKONED_UP.format(part=weight)] if weight > 1 else said
