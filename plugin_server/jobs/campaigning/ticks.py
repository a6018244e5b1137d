"""Fires campaigns whose time has come; what was missed is made up once while it makes sense, else written down."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from campaigns.calendar import GRACE, Due
from campaigns.reasons import Reason
from campaigns.triggers import OnEvent
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Refused, Saved
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.campaigning import run
from plugin_server.jobs.series import walk as series
from plugin_server.wiring import Services


def tick(services: Services) -> int:
    """Fire what is due, for all merchants; gives how many runs were started."""
    return sum(tick_merchant(services, merchant_id) for merchant_id in merchant_ids(services.engine))


def tick_merchant(services: Services, merchant_id: int) -> int:
    """Fire what is due for one merchant."""
    now, started = services.now(), list[int]()
    with tenant(services.engine, merchant_id) as conn:
        for saved in campaigns.all_saved(conn, state="active"):
            started += _fire(services, conn, merchant_id, saved, now)
    for run_id in started:
        run.wake_run(services, merchant_id, run_id)
    series.wake_if_due(services, merchant_id)
    return len(started)


def _fire(services: Services, conn: Connection, merchant_id: int, saved: Saved, now: datetime) -> list[int]:
    """Start what fell due since the campaign was activated and has not fired for its occasion yet."""
    since, fired = saved.activated_at or now, campaigns.occasions(conn, saved.id)
    fallen = [due for due in run.firings(conn, saved.campaign, now) if since <= due.at <= now]
    # Each day of an event is for other people; any other firing is for the same, whom one late mail is enough.
    newest = None if isinstance(saved.campaign.trigger, OnEvent) or not fallen else fallen[-1]
    started = []
    for due in fallen:
        if due.occasion in fired:
            continue
        newer = newest if due is not newest and now - due.at <= GRACE else None
        state, reason = ("stopped", _passed(due, newer)) if newer else _way(services, conn, saved, due, now)
        run_id, new = campaigns.open_run(
            conn,
            merchant_id=merchant_id,
            saved=saved,
            occasion=due.occasion,
            due_at=due.at,
            by="schedule",
            state=state,
            reason=reason,
        )
        if new and state == "planned":
            started.append(run_id)
    return started


def _passed(due: Due, newest: Due) -> Reason:
    """Why a firing that was missed is not made up: a later one of the same campaign has fallen due since."""
    sentence = f"missed: it was due on {due.at:%Y-%m-%d %H:%M} UTC, and the firing of {newest.at:%Y-%m-%d %H:%M} UTC"
    figures = {"due_at": due.at.isoformat(), "newer_at": newest.at.isoformat()}
    return Reason(f"{sentence} goes in its place", "missed_for_newer", **figures)


def _way(services: Services, conn: Connection, saved: Saved, due: Due, now: datetime) -> tuple[str, str]:
    if now - due.at > GRACE:
        sentence = f"missed: it was due on {due.at:%Y-%m-%d %H:%M} UTC and is too old to be sent now"
        return "stopped", Reason(sentence, "missed", due_at=due.at.isoformat())
    try:
        run.check(conn, saved.campaign, now, services.settings)
    except Refused as refusal:
        # A frozen store may thaw within hours: the run waits. A margin that is gone is for a person to decide.
        return ("planned", "") if campaigns.frozen_store(conn) else ("stopped", refusal.reason)
    return "planned", ""
