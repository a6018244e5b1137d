"""Whom a campaign that is not saved yet would reach, and how often such people buy or climb without it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Connection, column, func, select, text

from campaigns.schema import Campaign
from campaigns.triggers import Once, OnEvent
from plugin_server.db.campaigning import audience, backtest
from plugin_server.db.campaigning.audience import Setting
from plugin_server.db.models.facts import CustomerFacts

LOOK_BACK: Final = 30
"""Days over which a campaign on an event is looked at: its people of one day would be too few to say anything."""


def reach(conn: Connection, *, merchant_id: int, campaign: Campaign, campaign_id: int, now: datetime) -> dict[str, Any]:
    """``{"treated", "holdout", "excluded": {reason: n}, "days", "base", "languages"}``, plain values.

    ``days`` is 0 for people of one firing now; for an event the days looked back on, whose tallies are summed.
    ``base`` is the share of all of them who ordered (or climbed) within the last window, None for nobody.
    """
    of = audience.setting(conn, merchant_id, campaign_id)
    now_reached = _now(conn, campaign, of, now)
    if not isinstance(campaign.trigger, OnEvent):
        return now_reached
    days = _days(of, now)
    met = backtest.met_by_event(
        conn, merchant_id=merchant_id, campaign=campaign, campaign_id=campaign_id, days=days, now=now, sample=0
    )
    excluded: dict[str, int] = {}
    for tally in met.days.values():
        for reason, number in tally["excluded"].items():
            excluded[reason] = excluded.get(reason, 0) + number
    summed = {name: sum(tally[name] for tally in met.days.values()) for name in ("treated", "holdout")}
    return now_reached | summed | {"excluded": excluded, "days": LOOK_BACK}


def _days(of: Setting, now: datetime) -> list[date]:
    today = now.astimezone(ZoneInfo(of.timezone)).date()
    return [today - timedelta(days=back) for back in range(LOOK_BACK)]


def _now(conn: Connection, campaign: Campaign, of: Setting, now: datetime) -> dict[str, Any]:
    """One pass: everybody by arm, reason and language, and how many of them did what the campaign wants."""
    everybody = campaign.model_copy(update={"trigger": Once(kind="once")})
    people = audience.audience(everybody, of, now).subquery("people")
    facts = CustomerFacts.__table__
    did = _did(campaign, of, now)
    query = (
        select(people.c.arm, people.c.reason, people.c.language, func.count().label("n"), func.count().filter(did))
        .select_from(people.join(facts, facts.c.customer_id == people.c.customer_id))
        .group_by(people.c.arm, people.c.reason, people.c.language)
    )
    found: dict[str, Any] = {"treated": 0, "holdout": 0, "excluded": {}, "days": 0, "base": None, "languages": {}}
    asked = hits = 0
    for arm, reason, language, number, done in conn.execute(query):
        if arm == "excluded":
            found["excluded"][reason] = found["excluded"].get(reason, 0) + number
            continue
        found[arm] += number
        asked, hits = asked + number, hits + done
        if arm == "treated":
            found["languages"][language] = found["languages"].get(language, 0) + number
    return found | ({"base": hits / asked} if asked else {})


_CLIMBED: Final = """
SELECT customer_id FROM rung_change WHERE changed_at > :since AND changed_at <= :now AND from_rung IS NOT NULL
AND array_position(CAST(:rungs AS text[]), to_rung) > array_position(CAST(:rungs AS text[]), from_rung)
"""


def _did(campaign: Campaign, of: Setting, now: datetime) -> ColumnElement[bool]:
    since, facts = now - timedelta(days=campaign.measure.window_days), CustomerFacts.__table__
    if campaign.measure.goal == "order":
        return facts.c.last_order_at > since
    known = text(_CLIMBED).bindparams(since=since, now=now, rungs=list(of.shop.ladder.keys))
    climbed = known.columns(column("customer_id", BigInteger)).subquery("climbed")
    return facts.c.customer_id.in_(select(climbed.c.customer_id))
