"""Pausing points: what it does to whom, before it is done; going on; and undoing it as if it had never been."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.merchant.people import Person
from plugin_server.db.points import pausing
from plugin_server.db.points.orders import in_force
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.jobs.giving.points_night import points_of
from plugin_server.jobs.queues import wake
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("points_pause", __name__)


@pages.get("/points/pause")
@requires("marketer")
def show(who: Person) -> ResponseReturnValue:
    """Say what pausing does, or has done so far; the buttons do it."""
    with tenant(services().engine, who.merchant_id) as conn:
        force = in_force(conn) or abort(404)
        standing = pausing.standing(conn, services().now())
        sums = figures.soon(services(), conn, who.merchant_id, "points")
    return page("points_pause.html", section="points", paused=force.paused, standing=standing, sums=sums)


@pages.post("/points/pause")
@requires("marketer")
def put(who: Person) -> ResponseReturnValue:
    """Pause, go on, or undo; pressing twice does it once."""
    does, now = request.form.get("do", ""), services().now()
    if does not in pausing.DOES:
        abort(400)
    with tenant(services().engine, who.merchant_id) as conn:
        done = pausing.change(conn, who.merchant_id, does, by=who.email, now=now)
    if done:
        wake(services().redis, points_of, who.merchant_id, on="default")
        flash(words()(f"pausing.did_{does}"), "good")
    return redirect(url_for("points.show"))
