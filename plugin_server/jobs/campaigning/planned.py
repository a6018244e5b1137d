"""What the calendar of campaigns shows: mails that will go out, drafts that would, and runs that did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns import calendar
from campaigns.triggers import OnEvent, Recurring
from plugin_server.db.campaigning import campaigns, overlap
from plugin_server.db.campaigning.campaigns import Saved
from plugin_server.db.campaigning.overlap import Overlaps, Planned
from plugin_server.db.merchant import holidays
from plugin_server.jobs.campaigning.run import firings


@dataclass(frozen=True, slots=True)
class Entry:
    """One mail of a day. ``state`` is that of the run where there is one (``run_id``), else of the campaign."""

    day: date
    at: datetime
    campaign_id: int
    key: str
    title: str
    state: str
    confirmed: bool = True
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """All mails of some days by time, campaigns that look every day for whoever it happens to, and the holidays."""

    entries: list[Entry]
    daily: list[Saved]
    holidays: list[calendar.Occurrence]


def month(conn: Connection, first: date, last: date, now: datetime) -> Month:
    """The days from ``first`` to ``last`` (both in it), in the shop's zone."""
    zone = ZoneInfo(str(conn.scalar(text("SELECT timezone FROM merchant"))))
    saved = [one for one in campaigns.all_saved(conn) if one.state != "ended"]
    entries = _ran(conn, first, last, zone)
    known = {(entry.campaign_id, entry.at) for entry in entries}
    for one in saved:
        if not _daily(one):
            entries += [entry for entry in _coming(conn, one, first, last, zone, now) if _new(entry, known)]
    years, given = range(first.year, last.year + 1), holidays.overrides(conn)
    days = [day for year in years for day in calendar.holidays(calendar.country_of(zone.key), year, given)]
    return Month(
        sorted(entries, key=lambda entry: (entry.at, entry.key)),
        [one for one in saved if _daily(one) and one.state == "active"],
        [day for day in days if first <= day.day <= last],
    )


def _new(entry: Entry, known: set[tuple[int, datetime]]) -> bool:
    return (entry.campaign_id, entry.at) not in known


def _daily(one: Saved) -> bool:
    trigger = one.campaign.trigger
    return isinstance(trigger, OnEvent) or (isinstance(trigger, Recurring) and trigger.every == "day")


def _coming(conn: Connection, one: Saved, first: date, last: date, zone: ZoneInfo, now: datetime) -> list[Entry]:
    """Firings from now on; those of campaigns that are not active would come if somebody activated them."""
    around = datetime.combine(first, datetime.min.time(), zone)
    campaign = one.campaign
    return [
        Entry(day, due.at, one.id, campaign.key, campaign.title, one.state, due.confirmed)
        for due in firings(conn, campaign, around)
        if due.at >= now and first <= (day := due.at.astimezone(zone).date()) <= last
    ]


_RAN: Final = """
SELECT r.id, r.due_at, r.state, c.id AS campaign_id, c.key, c.name FROM campaign_run r
JOIN campaign c ON c.id = r.campaign_id
JOIN campaign_version v ON v.campaign_id = r.campaign_id AND v.version = r.version
WHERE r.due_at >= :begin AND r.due_at < :end AND v.definition #>> '{trigger,kind}' <> 'event'
AND coalesce(v.definition #>> '{trigger,every}', '') <> 'day' ORDER BY r.due_at, r.id
"""


def _ran(conn: Connection, first: date, last: date, zone: ZoneInfo) -> list[Entry]:
    midnight = datetime.min.time()
    begin, end = (datetime.combine(day, midnight, zone) for day in (first, last + timedelta(days=1)))
    return [
        Entry(
            row.due_at.astimezone(zone).date(), row.due_at, row.campaign_id, row.key, row.name, row.state, True, row.id
        )
        for row in conn.execute(text(_RAN), {"begin": begin, "end": end})
    ]


def crowding(conn: Connection, merchant_id: int, entries: Sequence[Entry], now: datetime) -> Overlaps:
    """Who would get several of these mails; runs that are there already are not counted again."""
    saved = {one.id: one for one in campaigns.all_saved(conn)}
    planned = [entry for entry in entries if entry.run_id is None]
    concerned = [saved[number] for number in dict.fromkeys(entry.campaign_id for entry in planned)]
    return overlap.overlaps(
        conn,
        merchant_id=merchant_id,
        campaigns=[(one.id, one.campaign) for one in concerned],
        plan=[_mail(saved[entry.campaign_id], entry.at) for entry in planned],
        now=now,
    )


def _mail(one: Saved, at: datetime) -> Planned:
    cap = one.campaign.guards.frequency_cap
    return Planned(
        one.id, at, one.campaign.offer is not None, cap.messages if cap else 0, cap.days if cap else 1
    )  # fmt: skip
