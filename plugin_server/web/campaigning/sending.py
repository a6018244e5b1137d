"""How a campaign is sent: the fence, what becomes of doubts, and whose mail goes first."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.schema import BadCampaign, Campaign, dump, parse
from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("sending", __name__)


@pages.get("/campaigns/<key>/sending")
@requires("marketer")
def show(who: Person, key: str) -> ResponseReturnValue:
    """The form, filled with what is saved."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = _saved(connection, key)
    can = wiring.mail_fence(services(), who.merchant_id) is not None
    return page("sending.html", section="campaigns", campaign=saved.campaign, can_fence=can)


@pages.post("/campaigns/<key>/sending")
@requires("marketer")
def save(who: Person, key: str) -> ResponseReturnValue:
    """Another version of the campaign with these guards; all else stays."""
    with tenant(services().engine, who.merchant_id) as connection:
        made = _changed(_saved(connection, key).campaign)
        version = campaigns.save(connection, merchant_id=who.merchant_id, campaign=made, by=who.email)
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action="campaign_saved", subject=key,
            detail={"version": version},
        )  # fmt: skip
    flash(words()("sending.saved", version=version), "good")
    return redirect(url_for("campaigns.show", key=key))


def _saved(connection: Connection, key: str) -> campaigns.Saved:
    return campaigns.get(connection, key) or abort(404)


def _changed(old: Campaign) -> Campaign:
    document = dump(old)
    document["guards"] |= {
        "fenced": "fenced" in request.form,
        "in_doubt": request.form.get("in_doubt", ""),
        "priority": request.form.get("priority", 0, type=int),
    }
    try:
        return parse(document)
    except BadCampaign:
        # The form offers nothing else; whoever sends something else gets no page for it.
        abort(400)
