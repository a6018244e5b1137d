"""The calendar: computed dates, dates a person confirmed or corrected, and the shop's own days."""

from __future__ import annotations

import re
from datetime import date

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.merchant import audit_log, holidays
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.web.campaigning.form import upcoming
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("holidays", __name__)


@pages.get("/settings/holidays")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """What the next twelve months bring."""
    with tenant(services().engine, who.merchant_id) as connection:
        days = upcoming(connection, who, services().now())
    return page("holidays.html", section="settings", days=days)


@pages.post("/settings/holidays")
@requires("marketer")
def put(who: Person) -> ResponseReturnValue:
    """Confirm or correct a date, or add a day of the shop's own; campaigns that hang on it move with it."""
    day, name = _day(request.form.get("day", "")), " ".join(request.form.get("name", "").split())[:80]
    key = request.form.get("key", "") or re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60]
    if day is None or not re.fullmatch(r"[a-z0-9_]{1,60}", key):
        flash(words()("holidays.bad"), "bad")
        return redirect(url_for("holidays.show"))
    names = {"en": name, "id": name, "nl": name} if name else {}
    with tenant(services().engine, who.merchant_id) as connection:
        holidays.put(
            connection, merchant_id=who.merchant_id, key=key, year=day.year, day=day, confirmed=True, names=names
        )
        detail = {"day": day.isoformat()}
        audit_log.record(connection, who.merchant_id, actor=who.email, action="holiday_set", subject=key, detail=detail)
    flash(words()("holidays.saved"), "good")
    return redirect(url_for("holidays.show"))


def _day(given: str) -> date | None:
    try:
        found = date.fromisoformat(given)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None
