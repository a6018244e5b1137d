"""The business itself: what it is called, how it writes, which shops it has, who did what."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from campaigns.mail.lint import FREE
from plugin_server.db.merchant import audit_log, home, merchants, shop_settings
from plugin_server.db.merchant.people import Person
from plugin_server.db.sending import sender
from plugin_server.db.session import tenant
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.security import LARGEST_ID
from plugin_server.web.settings.acts import about
from plugin_server.web.words import zone_of

pages = Blueprint("settings", __name__)
EARLIEST, LATEST = date(1990, 1, 1), date(2999, 12, 31)


@pages.get("/settings")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """The form, filled in; owners may change it."""
    with tenant(services().engine, who.merchant_id) as connection:
        merchant, stores = merchants.get(connection), home.stores(connection)
    merchant["holdout"] = words().number(merchant["holdout_share"] * 100)
    return page("settings.html", section="settings", merchant=merchant, stores=stores, faults={})


@pages.post("/settings")
@requires("owner")
def save(who: Person) -> ResponseReturnValue:
    """Save, or show what is wrong beside its field."""
    values, faults = shop_settings.checked(request.form)
    with tenant(services().engine, who.merchant_id) as connection:
        name = (values.get("from_email") or "").rpartition("@")[2].lower()
        if name and name not in FREE and sender.refused(connection, name, services().settings.public_url):
            faults["from_email"] = "domain"
        if faults:
            shown = merchants.get(connection) | dict(request.form.items())
            stores = home.stores(connection)
            return page("settings.html", section="settings", merchant=shown, stores=stores, faults=faults), 422
        shop_settings.save(connection, values)
        detail = {name: str(value) for name, value in values.items()}
        audit_log.record(connection, who.merchant_id, actor=who.email, action="settings_changed", detail=detail)
    flash(words()("settings.saved"), "good")
    return redirect(url_for("settings.show"))


@pages.get("/settings/audit")
@requires("owner")
def audit(who: Person) -> ResponseReturnValue:
    """Who did what, newest first: of everybody or one person, of one kind, between two days."""
    before = request.args.get("before", type=int)
    if before is not None and abs(before) > LARGEST_ID:
        abort(404)
    since, until = _day("from"), _day("to")
    zone = zone_of(who.timezone)
    wish = audit_log.Wish(
        actor=request.args.get("who") or None,
        action=request.args.get("act") or None,
        since=datetime.combine(since, time.min, zone) if since else None,
        until=datetime.combine(until + timedelta(days=1), time.min, zone) if until else None,
    )
    with tenant(services().engine, who.merchant_id) as connection:
        entries = audit_log.recent(connection, wish, before=before)
        actors, actions = audit_log.actors(connection), audit_log.actions(connection)
    asked = {name: request.args[name] for name in ("who", "act", "from", "to") if request.args.get(name)}
    return page(
        "audit_log.html", section="settings", entries=entries, more=len(entries) == 50, actors=actors,
        actions=actions, asked=asked, about=about,
    )  # fmt: skip


def _day(name: str) -> date | None:
    """The day asked for; what is none, or no calendar of ours has, counts as not asked."""
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None
