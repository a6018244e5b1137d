"""The end of a campaign: first what it means for how many people, then the button."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Refused
from plugin_server.db.campaigning.ending import foreseen
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.jobs.campaigning.run import set_state
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("ending", __name__)


@pages.get("/campaigns/<key>/end")
@requires("marketer")
def confirm(who: Person, key: str) -> ResponseReturnValue:
    """What ends, what goes on, and that it cannot be taken back."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key) or abort(404)
        if saved.state == "ended":
            return redirect(url_for("campaigns.show", key=key))
        told = foreseen(connection, saved.id)
        codes = figures.soon(services(), connection, who.merchant_id, f"codes:{key}", live=False)
    return page(
        "campaign_end.html", section="campaigns", campaign=saved.campaign, told=told, state=saved.state, codes=codes
    )


@pages.post("/campaigns/<key>/end")
@requires("marketer")
def end(who: Person, key: str) -> ResponseReturnValue:
    """End it; a second press finds it over."""
    with tenant(services().engine, who.merchant_id) as connection:
        _ = campaigns.get(connection, key) or abort(404)
    try:
        set_state(services(), who.merchant_id, key, "ended")
    except Refused as error:
        flash(words().why(error.reason), "bad")
    else:
        with tenant(services().engine, who.merchant_id) as connection:
            audit_log.record(connection, who.merchant_id, actor=who.email, action="campaign_ended", subject=key)
        flash(words()("ending.done"), "good")
    return redirect(url_for("campaigns.show", key=key))
