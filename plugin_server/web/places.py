"""All pages of settings, in the order in which they are shown, for those who may open them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Flask, url_for

from plugin_server.db.merchant.people import Person


@dataclass(frozen=True, slots=True)
class Place:
    """A page of settings: its key in the words, and its address."""

    key: str
    endpoint: str
    address: str


PLACES: Final = (
    ("business", "settings.show", "viewer"),
    ("brand", "brand.show", "viewer"),
    ("ladder", "ladders.show", "viewer"),
    ("sending", "sender.show", "viewer"),
    ("guards", "usual_guards.show", "viewer"),
    ("topics", "topics.show", "viewer"),
    ("membership", "members.settings", "viewer"),
    ("referral", "referral_review.settings", "viewer"),
    ("points", "points.show", "viewer"),
    ("holidays", "holidays.show", "viewer"),
    ("costs", "welcome.costs_known", "viewer"),
    ("team", "people.show", "owner"),
    ("keys", "api_keys.show", "owner"),
    ("data", "privacy.show", "owner"),
    ("log", "settings.audit", "owner"),
)
"""Key, endpoint, and who may open it."""


def places(who: Person) -> list[Place]:
    """The pages that this person may open."""
    return [Place(key, endpoint, url_for(endpoint)) for key, endpoint, role in PLACES if who.may(role)]


def install(app: Flask) -> None:
    """Let templates show them."""
    app.jinja_env.globals["settings_places"] = places
