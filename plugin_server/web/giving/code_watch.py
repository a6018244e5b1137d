"""Codes used by strangers: what became of each, and what waits for a person."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.offers import code_watch_page
from plugin_server.db.session import tenant
from plugin_server.jobs.giving.code_watch import watch_codes
from plugin_server.jobs.queues import wake
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("code_watch", __name__)


@pages.get("/codes/leaked")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """All of them, or those of one campaign; first those that somebody has to decide on."""
    with tenant(services().engine, who.merchant_id) as connection:
        found = code_watch_page.listed(connection, request.args.get("campaign") or None)
    return page("codes_leaked.html", section="campaigns", found=found)


@pages.post("/codes/leaked/<int:leak_id>")
@requires("marketer")
def decide(who: Person, leak_id: int) -> ResponseReturnValue:
    """A new code after all, or none."""
    wish = request.form.get("wish", "")
    if wish not in ("anew", "leave"):
        abort(400)
    with tenant(services().engine, who.merchant_id) as connection:
        code = code_watch_page.decide(connection, leak_id, anew=wish == "anew", now=services().now())
        if code:
            audit_log.record(connection, who.merchant_id, actor=who.email, action=f"leak_{wish}", subject=code)
    if code and wish == "anew":
        wake(services().redis, watch_codes, who.merchant_id)
    flash(words()(f"leak_decided.{wish}" if code else "leak.over"), "good" if code else "bad")
    return redirect(url_for("code_watch.show"))
