"""What the merchant's mails are about, and whether sign-ups must be confirmed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.customers import topics
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("topics", __name__)
LONGEST = 60


@pages.get("/settings/topics")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """The topics in the reader's language, and the address of the sign-up form."""
    with tenant(services().engine, who.merchant_id) as connection:
        known, double = topics.all_topics(connection), topics.double_opt_in(connection)
    names = [topic.name(words().language) for topic in known if topic.key != topics.PROMOTIONS]
    join = url_for("preferences.form", merchant=who.merchant_id)
    return page(
        "topics.html", section="settings", names=names, double=double, join=services().settings.public_url + join
    )


@pages.post("/settings/topics")
@requires("owner")
def save(who: Person) -> ResponseReturnValue:
    """One topic on each line. What was said of a topic that goes stays in the log."""
    names = [" ".join(line.split())[:LONGEST] for line in request.form.get("topics", "").splitlines() if line.strip()]
    with tenant(services().engine, who.merchant_id) as connection:
        topics.save_topics(connection, names, words().language)
        topics.save_double_opt_in(connection, "double" in request.form)
        detail = {"topics": ", ".join(names), "double_opt_in": str("double" in request.form)}
        audit_log.record(connection, who.merchant_id, actor=who.email, action="settings_changed", detail=detail)
    flash(words()("settings.saved"), "good")
    return redirect(url_for("topics.show"))
