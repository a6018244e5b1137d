"""One firing of a campaign: how far it is, and what came of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.reasons import Reason
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Refused
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.sending import messages
from plugin_server.db.session import tenant
from plugin_server.db.shops import marketing
from plugin_server.jobs import figures
from plugin_server.jobs.campaigning.run import report, wake_run
from plugin_server.jobs.queues import wake
from plugin_server.jobs.sending.fences import call_back
from plugin_server.web.context import is_partial, page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("runs", __name__)


@pages.get("/runs/<int:run_id>")
@requires("viewer")
def show(who: Person, run_id: int) -> ResponseReturnValue:
    """Live while it runs; then arms, difference with its interval, codes, in figures and in words."""
    with tenant(services().engine, who.merchant_id) as connection:
        run = _run(connection, run_id)
        going = run.state in campaigns.OPEN_STATES
        told = report(connection, run_id) if going else _kept(connection, who, f"told:{run_id}:{run.state}")
        shown = marketing.of_run(connection, run_id)
        result = _kept(connection, who, f"result:{run_id}:{run.state}")
    # A launch that can still be taken back; a run that waits for something else says for what.
    early = (
        run.state == "planned" and not run.state_reason and bool(run.not_before and run.not_before > services().now())
    )
    template = "_run.html" if is_partial() else "run.html"
    return page(template, section="campaigns", run=run, told=told, result=result, going=going, shown=shown, early=early)


def _kept(connection: Connection, who: Person, name: str) -> dict[str, Any] | None:
    """None while a worker adds it up for the first time: the page asks again until it is there."""
    made = figures.soon(services(), connection, who.merchant_id, name)
    return made.document if made else None


def _run(connection: Connection, run_id: int) -> campaigns.Run:
    try:
        return campaigns.run(connection, run_id)
    except Refused:
        # Its own page still asks how it is while somebody takes the launch back: 286 ends htmx's asking.
        abort(Response(status=286) if is_partial() else 404)


@pages.post("/runs/<int:run_id>/hold")
@requires("marketer")
def hold(who: Person, run_id: int) -> ResponseReturnValue:
    """Pause, stop for good, or go on. What has left the house stays out."""
    wish = request.form.get("to", "")
    if wish not in ("paused", "stopped", "resume"):
        abort(400)
    with tenant(services().engine, who.merchant_id) as connection:
        _run(connection, run_id)
        done = (
            campaigns.resume(connection, run_id)
            if wish == "resume"
            else campaigns.hold(connection, run_id, to=wish, reason=Reason(f"by {who.email}", "by", person=who.email))
        )
        messages.skip_stopped(connection, services().now())
        audit_log.record(connection, who.merchant_id, actor=who.email, action=f"run_{wish}", subject=f"run {run_id}")
    if not done:
        flash(words()("run.over"), "bad")
    elif wish == "resume":
        wake_run(services(), who.merchant_id, run_id)
    else:
        wake(services().redis, call_back, who.merchant_id, on="urgent")
    return redirect(url_for("runs.show", run_id=run_id))
