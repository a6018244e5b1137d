"""The calendar of campaigns: a month with its holidays, what will go out, what went out, and where it gets crowded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from campaigns.calendar import Occurrence
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import planned
from plugin_server.jobs.campaigning.planned import Entry, Month
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.words import zone_of

pages = Blueprint("campaign_calendar", __name__)
REACH = range(-24, 25)
"""Months before and after this one that can be looked at."""


@dataclass(frozen=True)
class Day:
    """One day of the grid. ``inside`` is False for days of the months beside it."""

    date: date
    inside: bool
    past: bool
    today: bool
    holidays: list[Occurrence]
    entries: list[Entry]


@pages.get("/campaigns/calendar")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """A month, ``?month=2026-12``; this one otherwise."""
    first, today = _asked(who)
    days = days_of(first, words().week_start)
    with tenant(services().engine, who.merchant_id) as connection:
        found = planned.month(connection, days[0], days[-1], services().now())
    grid = _grid(days, first, today, found)
    return page("campaign_calendar.html", section="campaigns", first=first, grid=grid, found=found, **_beside(first))


@pages.get("/campaigns/calendar/crowding")
@requires("viewer")
def crowding(who: Person) -> ResponseReturnValue:
    """Part of the page: where the planned mails of the month meet the same people."""
    first, _ = _asked(who)
    days, now = days_of(first, words().week_start), services().now()
    with tenant(services().engine, who.merchant_id) as connection:
        entries = [one for one in planned.month(connection, days[0], days[-1], now).entries if one.run_id is None]
        found = planned.crowding(connection, who.merchant_id, entries, now)
    return page("_crowding.html", found=found, entries=entries)


def _asked(who: Person) -> tuple[date, date]:
    today = services().now().astimezone(zone_of(who.timezone)).date()
    wish = request.args.get("month")
    try:
        first = date.fromisoformat(f"{wish}-01") if wish else today.replace(day=1)
    except ValueError:
        abort(404)
    if (first.year - today.year) * 12 + first.month - today.month not in REACH:
        abort(404)
    return first, today


def days_of(first: date, week_start: int = 0) -> list[date]:
    """All days of the weeks that the month touches, each week from its first weekday (0 is Monday) on."""
    start = first - timedelta(days=(first.weekday() - week_start) % 7)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return [start + timedelta(days=number) for number in range(-(-((last - start).days + 1) // 7) * 7)]


def _grid(days: list[date], first: date, today: date, found: Month) -> list[Day]:
    return [
        Day(
            day,
            day.month == first.month,
            day < today,
            day == today,
            [one for one in found.holidays if one.day == day],
            [one for one in found.entries if one.day == day],
        )
        for day in days
    ]


def _beside(first: date) -> dict[str, Any]:
    before, after = first - timedelta(days=1), first + timedelta(days=31)
    began = date(2024, 1, 1) + timedelta(days=words().week_start)
    week = [words().date(began + timedelta(days=number), "EEE") for number in range(7)]
    return {"before": f"{before:%Y-%m}", "after": f"{after:%Y-%m}", "this": f"{first:%Y-%m}", "week": week}
