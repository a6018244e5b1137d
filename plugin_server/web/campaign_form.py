"""From the form to a campaign and back: the recipe "holiday discount" with a few fields that matter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from campaigns.calendar import Occurrence, country_of, holidays
from campaigns.recipes import holiday_discount
from campaigns.schema import BadCampaign, Campaign, parse
from plugin_server.db import campaigns
from plugin_server.db import holidays as own_days
from plugin_server.db.people import Person
from plugin_server.demo.opening import is_demo
from plugin_server.web.context import services
from plugin_server.web.words import Words, zone_of

LANGUAGES = ("en", "id", "nl")
FIELDS = {
    "trigger.holiday": "holiday",
    "trigger.offsets_days": "offset",
    "trigger.at": "at",
    "offer.value": "percent",
    "offer.minimum": "minimum",
    "offer.valid_days": "valid_days",
    "offer": "percent",
    "measure.holdout": "holdout",
    "audience.rungs": "rungs",
    "message": "languages",
}
"""Where in the form a problem of the schema belongs."""
OWN_TERMS = {"holdout": "Give a number from 0 to 90.", "offset": "Give a number of days from 0 to 180."}
"""The schema counts in shares, and days before as negative ones; the form in percent, and in days before."""


@dataclass(frozen=True)
class Form:
    """The fields as text, and what may be chosen."""

    days: list[Occurrence]
    values: Mapping[str, str]
    rungs: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)


def upcoming(connection: Connection, who: Person, now: datetime) -> list[Occurrence]:
    """The holidays of the next twelve months, the shop's own included, by date."""
    today = now.astimezone(zone_of(who.timezone)).date()
    country, given = country_of(who.timezone), own_days.overrides(connection)
    both = [day for year in (today.year, today.year + 1) for day in holidays(country, year, given)]
    return [day for day in both if today <= day.day <= _year_on(today)]


def _year_on(today: date) -> date:
    return date(today.year + 1, today.month, min(today.day, 28))


def blank(connection: Connection, who: Person, words: Words, asked: Mapping[str, str], now: datetime) -> Form:
    """A form for the next big day, or the one asked for by ``?holiday=``; rungs from ``?rungs=a,b``."""
    days = upcoming(connection, who, now)
    keys = [day.key for day in days]
    favourite = next((key for key in (asked.get("holiday"), "eid_al_fitr", "christmas") if key in keys), "")
    start = holiday_discount(favourite or "christmas").campaign
    given = [key for key in asked.get("rungs", "").split(",") if key]
    rungs = given or (list(start.audience.rungs) if start.audience.rungs != "all" else [])
    values = {
        "name": "",
        "holiday": favourite,
        "offset": "14",
        "at": "09:00",
        "percent": "10",
        "minimum": "",
        "valid_days": "14",
        "holdout": words.number(start.measure.holdout * 100),
    }
    return Form(days, values, rungs, list(LANGUAGES))


def again(connection: Connection, who: Person, given: MultiDict[str, str], now: datetime) -> Form:
    """The form as it was sent."""
    return Form(upcoming(connection, who, now), given, given.getlist("rungs"), given.getlist("languages"))


def campaign(connection: Connection, who: Person, given: MultiDict[str, str], now: datetime) -> Campaign:
    """The checked campaign of a sent form, under a key that is still free. Raises ``BadCampaign``."""
    holiday = given.get("holiday", "")
    named = next((day for day in upcoming(connection, who, now) if day.key == holiday), None)
    name = " ".join(given.get("name", "").split())[:80]
    title = name or (named.name(who.merchant_locale) if named else holiday)
    document = dict(holiday_discount(holiday, key="new", name=title).document)
    wanted = given.getlist("languages")
    document |= {
        "key": _free_key(connection, title),
        "trigger": {
            "kind": "holiday",
            "holiday": holiday,
            "offsets_days": [f"-{given.get('offset', '').strip().lstrip('-')}"],
            "at": given.get("at", ""),
        },
        "audience": {"rungs": given.getlist("rungs")},
        "offer": {
            "kind": "percentage",
            "value": _plain(given.get("percent", "")),
            "minimum": _plain(given.get("minimum", "")) or None,
            "valid_days": given.get("valid_days", ""),
        },
        "message": {key: text for key, text in document["message"].items() if key in wanted},
        "measure": {**document["measure"], "holdout": _share(given.get("holdout", ""))},
    }
    if is_demo(services().settings.tangga_home):
        # Nobody sleeps in the demo shop: its mails are files, and a visitor at night wants to see them too.
        document["guards"] = {"quiet_hours": None}
    return parse(document)


def _plain(number: str) -> str:
    return re.sub(r"[\s_]", "", number).replace(",", ".")


def _share(percent: str) -> str:
    plain = _plain(percent)
    return str(round(float(plain) / 100, 4)) if re.fullmatch(r"\d{1,3}(\.\d+)?", plain) else plain or "0"


def _free_key(connection: Connection, title: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "campaign"
    tries = [slug, *(f"{slug}-{number}" for number in range(2, 100))]
    return next(key for key in tries if campaigns.get(connection, key) is None)


def by_field(error: BadCampaign, words: Words) -> dict[str, str]:
    """Each problem's sentence by the form's field, in the reader's language; what belongs to none is under ``""``."""
    found: dict[str, Any] = {}
    for problem in error.problems:
        name = next((ours for path, ours in FIELDS.items() if problem.path.startswith(path)), "")
        sentence = words.said(OWN_TERMS.get(name, problem.sentence))
        found[name] = f"{found[name]} {sentence}" if name in found else sentence
    return found
