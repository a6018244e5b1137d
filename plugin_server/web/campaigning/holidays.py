"""The calendar: computed dates, dates a person confirmed or corrected, and the shop's own days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zlib import crc32

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.calendar import Occurrence, country_of
from campaigns.calendar import holidays as dates
from plugin_server.db.merchant import audit_log, holidays
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.web.campaigning.form import upcoming
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("holidays", __name__)
KEY = re.compile(r"[a-z0-9_]{1,60}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """A day of the list. ``computed`` is its date without anybody's hand, None for a day of the shop's own."""

    day: Occurrence
    by_hand: bool
    computed: date | None
    campaigns: int

    @property
    def at(self) -> str:
        """The fields of this row in the page."""
        return f"{self.day.key}-{self.day.year}"


@pages.get("/settings/holidays")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """What the next twelve months bring, and every later day that somebody set."""
    return _page(who, {})


@pages.post("/settings/holidays")
@requires("marketer")
def put(who: Person) -> ResponseReturnValue:
    """Confirm or correct a date, or add a day of the shop's own; campaigns that hang on it move with it."""
    day, name = _day(request.form.get("day", "")), " ".join(request.form.get("name", "").split())[:80]
    key = request.form.get("key", "")
    if (year := _year(day)) is None or (key and not KEY.fullmatch(key)):
        abort(400)
    with tenant(services().engine, who.merchant_id) as connection:
        faults = {} if day else {"day": "holidays.bad_day"}
        faults |= {} if key else _misnamed(connection, who, name, year)
        if day and not faults:
            names = {"en": name, "id": name, "nl": name} if name else {}
            key = key or _slug(name)
            holidays.put(
                connection, merchant_id=who.merchant_id, key=key, year=year, day=day, confirmed=True, names=names
            )
            detail = {"day": day.isoformat()}
            audit_log.record(
                connection, who.merchant_id, actor=who.email, action="holiday_set", subject=key, detail=detail
            )
    if faults:
        return _page(who, faults, f"{key}-{year}" if key else ""), 422
    flash(words()("holidays.saved"), "good")
    return redirect(url_for("holidays.show"))


@pages.post("/settings/holidays/remove")
@requires("marketer")
def remove(who: Person) -> ResponseReturnValue:
    """Take a hand-set date away: a day of the shop's own goes, any other falls on its computed date again."""
    key, year = request.form.get("key", ""), request.form.get("year", "")
    if not KEY.fullmatch(key) or not re.fullmatch(r"\d{4}", year, re.ASCII):
        abort(400)
    with tenant(services().engine, who.merchant_id) as connection:
        was = holidays.remove(connection, key, int(year)) or abort(404)
        detail = {"day": was.isoformat()}
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action="holiday_removed", subject=key, detail=detail
        )
    flash(words()("holidays.removed", date=words().date(was, "full")), "good")
    return redirect(url_for("holidays.show"))


def _page(who: Person, faults: Mapping[str, str], at: str = "") -> str:
    """``at`` is the row that the faults stand in, "" for the form that adds a day."""
    with tenant(services().engine, who.merchant_id) as connection:
        rows = _rows(connection, who)
    return page("holidays.html", section="settings", rows=rows, faults=faults, at=at, form=request.form)


def _rows(connection: Connection, who: Person) -> list[Row]:
    now = services().now()
    days, given = upcoming(connection, who, now), holidays.overrides(connection)
    later = [Occurrence(one.key, str(one.year), one.day, one.confirmed, one.names) for one in given]
    days += [one for one in later if days and one.day > days[-1].day]
    own = {(one.key, str(one.year)) for one in given}
    country, hanging = country_of(who.timezone), holidays.campaigns_on(connection)
    years = {int(one.year[:4]) for one in days}
    computed = {(one.key, one.year): one.day for year in years for one in dates(country, year)}
    return [
        Row(one, (one.key, one.year) in own, computed.get((one.key, one.year)), hanging.get(one.key, 0)) for one in days
    ]


def _misnamed(connection: Connection, who: Person, name: str, year: int) -> dict[str, str]:
    """A day of one's own needs a name that makes a key, and not that of a holiday in the list."""
    if not _slug(name):
        return {"name": "holidays.bad_name"}
    taken = {one.key for one in dates(country_of(who.timezone), year, holidays.overrides(connection))}
    return {"name": "holidays.taken"} if _slug(name) in taken else {}


def _slug(name: str) -> str:
    """The key of a name; of one in other letters its sum, which is the same every year."""
    latin = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60].strip("_")
    return latin or (f"day_{crc32(name.casefold().encode()):x}" if name else "")


def _year(day: date | None) -> int | None:
    """The year that a holiday counts for: its row's, else that of the day. None for what no row of ours says."""
    given = request.form.get("year", "")
    if not given:
        return day.year if day else services().now().year
    return int(given[:4]) if re.fullmatch(r"\d{4}(-2)?", given, re.ASCII) else None


def _day(given: str) -> date | None:
    try:
        found = date.fromisoformat(given)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None
