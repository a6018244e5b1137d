"""What a look through a campaign's mails found, each with how to mend it; and a test to oneself."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.jobs.letters.trial import send_test
from plugin_server.jobs.queues import wake
from plugin_server.jobs.sending import pictures
from plugin_server.jobs.sending.lint import look_through
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("lint", __name__)


@pages.get("/campaigns/<key>/lint")
@requires("viewer")
def show(who: Person, key: str) -> ResponseReturnValue:
    """Part of the campaign's page: what must be mended, and what had better be."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key) or abort(404)
        cap = saved.campaign.guards.frequency_cap
        name = f"lately:{cap.messages}:{cap.days}" if cap else "lately:0:0"
        weights = pictures.known(services(), who.merchant_id, saved)
        made = figures.soon(services(), connection, who.merchant_id, name)
        met = figures.soon(services(), connection, who.merchant_id, f"audience:{key}:{saved.version}")
        found = look_through(
            connection, services().settings, saved.campaign, services().now(), version=saved.version,
            lately=made.document if made else {}, weights=weights, readers=met.document["treated"] if met else 0,
        )  # fmt: skip
    return page("_lint.html", found=found, key=key, counting=made is None or met is None)


@pages.post("/campaigns/<key>/test")
@requires("marketer")
def test(who: Person, key: str) -> ResponseReturnValue:
    """Send the mail to oneself, in each language it is written in."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key) or abort(404)
        detail = {"version": saved.version}
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action="campaign_tested", subject=key, detail=detail
        )
    wake(services().redis, send_test, who.merchant_id, who.user_id, key, on="urgent", hold=5)
    flash(words()("lint.tested", email=who.email), "good")
    return redirect(url_for("campaigns.show", key=key))
