"""Movement between two days: the flow, the same as a table, what the climbs were worth, and who is stalled."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from plugin_server.db import movement
from plugin_server.db.people import Person
from plugin_server.db.session import tenant
from plugin_server.web import flow
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.remembered import remembered
from plugin_server.web.rungs import names_of
from plugin_server.web.words import zone_of

pages = Blueprint("movement", __name__)
EARLIEST = date(1990, 1, 1)
USUAL = timedelta(days=90)


@pages.get("/ladder/movement")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """From one day's end to another's; without dates the last ninety days."""
    today = services().now().astimezone(zone_of(who.timezone)).date()
    until = _day("to", today, today)
    since = _day("from", until - USUAL, until)
    with tenant(services().engine, who.merchant_id) as connection:
        key = f"{who.merchant_id}:movement:{since}:{until}"
        now = services().now()
        found = remembered(
            services().redis,
            key,
            lambda: movement.matrix(connection, merchant_id=who.merchant_id, date_from=since, date_to=until, now=now),
        )
        stalled = movement.stalled(connection, merchant_id=who.merchant_id, now=now, limit=5)
        rungs = names_of(connection, who.merchant_id, words().language)
    names = [(rung.key, rung.name) for rung in rungs]
    drawn = flow.drawn(found["cells"], names, words()("movement.unknown"))
    return page(
        "movement.html",
        section="home",
        found=found,
        flow=drawn,
        rungs=rungs,
        names=dict(names),
        stalled=stalled,
        since=since,
        until=until,
    )


def _day(name: str, usual: date, latest: date) -> date:
    """The day asked for, within what can be calculated; what is no day counts as not asked."""
    try:
        given = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        given = usual
    return max(EARLIEST, min(given, latest))
