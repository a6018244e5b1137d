"""A campaign over the last twelve months: whom it would have met when, and what its offer would have cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns import calendar
from campaigns.schema import Campaign
from campaigns.triggers import Once, OnEvent, OnHoliday
from connectors.types import Money, minor_units
from plugin_server.db.campaigning import audience, backtest
from plugin_server.db.campaigning.backtest import Met
from plugin_server.db.campaigning.campaigns import Saved
from plugin_server.db.merchant import holidays
from plugin_server.jobs.campaigning import preview
from plugin_server.jobs.campaigning.backtest_series import walked

Firing = tuple[date, datetime, str]
"""Day of the shop, instant, occasion."""

TODAY: Final = "Rungs, the audience's rule, consent and the draw of the holdout are those of today, not of back then."
RUNGS_OF_THEN: Final = (
    "Rungs are those of the day. The audience's rule, consent and the draw of the holdout are those of today."
)
NO_GUARDS: Final = "Frequency caps and quiet hours are not applied."
EVERY_CODE: Final = (
    "The cost is what all codes together would have cost if every one had been used; the usual order is this year's."
)
BY_HAND: Final = "The campaign runs when somebody says so; there are no days to go back to. See its preview."
FADES: Final = {
    "stalled": "Only those who still stand on that rung are known to have stalled.",
    "supply_ends": "Of each of a customer's goods only the newest end of its supply is kept.",
    "overdue": "Overdue is told by each customer's newest order and the rhythm known today.",
    "rung_ends": "Only reviews that are still to come are known.",
    "points_end": "Points that have ended or were spent since are not counted.",
}
"""Events of which only the newest is kept, and what that means for the past."""


def back_test(conn: Connection, *, merchant_id: int, saved: Saved, now: datetime) -> dict[str, Any]:
    """Twelve months up to ``now``: ``{"campaign", "from", "to", "firings", "months", "people", "treated", …}``.

    ``firings`` holds those that would have met somebody; ``offer`` the cost, ``basis`` what the figures rest on;
    ``series`` what would have come of those who entered (``backtest_series.walked``), None for a single mail.
    """
    campaign = saved.campaign
    zone = ZoneInfo(str(conn.scalar(text("SELECT timezone FROM merchant"))))
    today = now.astimezone(zone).date()
    since = _year_before(today)
    fired = _firings(conn, campaign, zone, since, now)
    met = _met(conn, merchant_id, saved, fired, now)
    offer = preview.offer_of(conn, saved, sum(day["treated"] for day in met.days.values()), now)
    each = minor_units(offer["liability_each"]["amount"], offer["liability_each"]["currency"]) if offer else 0
    currency = str(conn.scalar(text("SELECT currency FROM merchant")))
    firings = [_firing(one, met.days[one[0]], each, currency if offer else None) for one in fired if one[0] in met.days]
    series, rests_on = None, list[str]()
    if campaign.steps and fired:
        days = [day for day, _, _ in fired]
        series, rests_on = walked(conn, merchant_id=merchant_id, saved=saved, days=days, now=now)
    excluded = sum((Counter(one["excluded"]) for one in firings), Counter[str]())
    return {
        "campaign": campaign.key,
        "from": since.isoformat(),
        "to": today.isoformat(),
        "trigger": campaign.trigger.kind,
        "fired": len(fired),
        "people": met.people,
        "treated": sum(one["treated"] for one in firings),
        "holdout": sum(one["holdout"] for one in firings),
        "excluded": dict(excluded.most_common()),
        "reasons": {key: audience.REASONS[key] for key in excluded},
        "offer": offer and offer | {"budget_reached_on": _budget_reached(campaign, firings, each, currency)},
        "months": _months(firings, each, currency if offer else None),
        "firings": firings,
        "sample": met.sample,
        "series": series,
        "basis": [*_basis(campaign), *rests_on],
    }


def _year_before(day: date) -> date:
    leap = (day.month, day.day) == (2, 29)
    return date(day.year - 1, day.month, 28 if leap else day.day) + timedelta(days=1)


def _firings(conn: Connection, campaign: Campaign, zone: ZoneInfo, since: date, now: datetime) -> list[Firing]:
    """All firings from ``since`` to now, by time."""
    trigger = campaign.trigger
    if isinstance(trigger, Once):
        return []
    if isinstance(trigger, OnHoliday):
        found = calendar.due(
            trigger, timezone=zone.key, country=calendar.country_of(zone.key), around=now,
            overrides=holidays.overrides(conn),
        )  # fmt: skip
        all_ = [(due.at.astimezone(zone).date(), due.at, due.occasion) for due in found]
    else:
        days = (since + timedelta(days=more) for more in range(367))
        all_ = [
            (day, datetime.combine(day, trigger.at, zone).astimezone(UTC), f"day:{day}")
            for day in days
            if isinstance(trigger, OnEvent) or trigger.falls_on(day)
        ]
    return [one for one in all_ if one[0] >= since and one[1] <= now]


def _met(conn: Connection, merchant_id: int, saved: Saved, fired: Sequence[Firing], now: datetime) -> Met:
    days = sorted({day for day, _, _ in fired})
    if not days:
        return Met({}, 0, [])
    if isinstance(saved.campaign.trigger, OnEvent):
        return backtest.met_by_event(
            conn, merchant_id=merchant_id, campaign=saved.campaign, campaign_id=saved.id, days=days, now=now
        )
    seen = audience.preview_audience(
        conn, merchant_id=merchant_id, campaign=saved.campaign, campaign_id=saved.id, now=now
    )
    tally = {key: seen[key] for key in ("audience", "treated", "holdout", "excluded")}
    last = {"times": len(fired), "last": days[-1].isoformat()}
    names = ("customer_id", "name", "email", "rung")
    sample = [{name: one[name] for name in names} | last for one in seen["sample"]]
    return Met(dict.fromkeys(days, tally), tally["treated"], sample)


def _firing(fired: Firing, tally: dict[str, Any], each: int, currency: str | None) -> dict[str, Any]:
    day, at, occasion = fired
    head = {"day": day.isoformat(), "at": at.isoformat(), "occasion": occasion, **tally}
    return head | {"liability": Money(each * tally["treated"], currency).as_json() if currency else None}


def _months(firings: list[dict[str, Any]], each: int, currency: str | None) -> list[dict[str, Any]]:
    months: dict[str, Counter[str]] = {}
    for one in firings:
        count = months.setdefault(one["day"][:7], Counter())
        count.update({"firings": 1, "treated": one["treated"], "holdout": one["holdout"]})
    return [
        {
            "month": month,
            **{name: count[name] for name in ("firings", "treated", "holdout")},
            "liability": Money(each * count["treated"], currency).as_json() if currency else None,
        }
        for month, count in sorted(months.items())
    ]


def _budget_reached(campaign: Campaign, firings: list[dict[str, Any]], each: int, currency: str) -> str | None:
    """The day on which the next code would not have fitted into the budget any more; None where it sufficed."""
    if campaign.offer is None or campaign.offer.budget is None:
        return None
    left = minor_units(campaign.offer.budget, currency)
    for one in firings:
        left -= each * one["treated"]
        if left < 0:
            return str(one["day"])
    return None


def _basis(campaign: Campaign) -> list[str]:
    if isinstance(campaign.trigger, Once):
        return [BY_HAND]
    said = [RUNGS_OF_THEN if isinstance(campaign.trigger, OnEvent) else TODAY, NO_GUARDS]
    if isinstance(campaign.trigger, OnEvent) and campaign.trigger.event in FADES:
        said.append(FADES[campaign.trigger.event])
    given = campaign.offer is not None or any(step.kind == "offer" for step in campaign.steps)
    return [*said, EVERY_CODE] if given else said
