"""What will run next: runs that wait for their hour, and the days that the calendar brings to active campaigns."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from campaigns.triggers import Once, OnEvent
from plugin_server.db.campaigning import agenda, campaigns
from plugin_server.db.campaigning.agenda import Entry
from plugin_server.jobs.campaigning.run import firings


def coming(conn: Connection, now: datetime, limit: int = 4) -> list[Entry]:
    """The next of each active campaign that has a day, and runs under way, by time.

    Campaigns that wait for something to happen have no day; they are left out.
    """
    found = agenda.going(conn, limit)
    for saved in campaigns.all_saved(conn, state="active"):
        if isinstance(saved.campaign.trigger, Once | OnEvent):
            continue
        due = next((one for one in firings(conn, saved.campaign, now) if one.at > now), None)
        if due is not None:
            found.append(Entry(due.at, saved.campaign.title, saved.campaign.key))
    return sorted(found, key=lambda one: one.at)[:limit]
