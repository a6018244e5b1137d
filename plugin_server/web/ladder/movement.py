"""Movement between two days: the flow, the same as a table, what the climbs were worth, and who is stalled."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from plugin_server.db.customers import finding as customers
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder import flow
from plugin_server.web.ladder.rungs import names_of
from plugin_server.web.words import zone_of

pages = Blueprint("movement", __name__)
EARLIEST = date(1990, 1, 1)
USUAL = figures.MOVEMENT_DAYS


@pages.get("/ladder/movement")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """From one day's end to another's; without dates the last ninety days."""
    today = services().now().astimezone(zone_of(who.timezone)).date()
    since, until, fault = _span(today)
    usual = until == today and since == until - USUAL
    with tenant(services().engine, who.merchant_id) as connection:
        name = "movement" if usual else f"movement:{since}:{until}"
        found = figures.soon(services(), connection, who.merchant_id, name)
        stalled = figures.soon(services(), connection, who.merchant_id, "stalled")
        waiting = stalled.document if stalled else []
        people = customers.display_names(connection, [one["id"] for rung in waiting for one in rung["customers"]])
        rungs = names_of(connection, who.merchant_id, words().language)
    names = [(rung.key, rung.name) for rung in rungs]
    drawn = found and flow.drawn(found.document["cells"], names, words()("movement.unknown"))
    return page(
        "movement.html",
        section="home",
        found=found and found.document,
        made_at=found and found.made_at,
        flow=drawn,
        rungs=rungs,
        names=dict(names),
        stalled=waiting,
        people=people,
        fault=fault,
        since=since,
        until=until,
    )


def _span(today: date) -> tuple[date, date, str]:
    """The days asked for, within what can be calculated, and a sentence where they cannot be (then: the usual ones)."""
    days = dict[str, date]()
    for name in ("from", "to"):
        given = request.args.get(name, "").strip()
        try:
            days |= {name: date.fromisoformat(given)} if given else {}
        except ValueError:
            return today - USUAL, today, words()("movement.bad_day", given=given)
    until = max(EARLIEST, min(days.get("to", today), today))
    since = max(EARLIEST, min(days.get("from", until - USUAL), today))
    return (since, until, "") if since <= until else (today - USUAL, today, words()("movement.swapped"))
