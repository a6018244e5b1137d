"""What the front of a customer's card shows: one offer, one next step, the member's code, the shop's own look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import segno
from flask import Blueprint, Response, abort, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import Connection, text

from campaigns.membership import next_anniversary
from connectors.types import minor_units
from plugin_server.db import benefits, membership
from plugin_server.db.card import Card
from plugin_server.vault import CustomerLink
from plugin_server.web.held_points import Held, held
from plugin_server.web.rungs import RungName, explain, names_of
from plugin_server.web.share import Share, shared
from plugin_server.web.words import Words

pages = Blueprint("card_face", __name__)
COLOUR = re.compile(r"#?([0-9a-fA-F]{6})", re.ASCII)
WAYS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Face:
    """All that the front shows. ``step`` is what to do for the rung ``ahead``, "" where nothing is missing or known."""

    rungs: list[RungName]
    why: dict[str, Any] | None
    step: str
    by: date | None
    held: Held | None
    share: Share
    may_join: bool
    anniversary: date | None
    benefits: list[str]
    benefits_ahead: list[str]
    best: Any
    others: list[Any]
    look: str | None
    logo: str | None


def face(conn: Connection, link: CustomerLink, mine: Card, say: Words) -> Face:
    """Read the front of a card, in the customer's words."""
    merchant, person = link.merchant_id, mine.customer
    today = say.now.astimezone(say.zone).date()
    may_join = membership.invited(conn, merchant, person.id)
    why = explain(conn, merchant, person.id, say)
    ahead = (why or {}).get("next") or {}
    best = best_offer(mine)
    brand = conn.scalar(text("SELECT settings->'brand' FROM merchant")) or {}
    return Face(
        rungs=names_of(conn, merchant, say.language),
        why=why,
        step=next_step(say, ahead, mine.shop.currency, may_join=may_join),
        by=_by(ahead.get("by"), say),
        held=held(conn, person.id, say.now),
        share=shared(conn, merchant, person.id),
        may_join=may_join,
        anniversary=next_anniversary(person.member_since, today) if person.member_since else None,
        benefits=benefits.of_rung(conn, person.rung, say.language, mine.shop.locale),
        benefits_ahead=benefits.of_rung(conn, ahead.get("rung"), say.language, mine.shop.locale),
        best=best,
        others=[offer for offer in mine.offers if offer is not best],
        look=_look(brand.get("colour")),
        logo=_logo(brand.get("logo")),
    )


def best_offer(mine: Card) -> Any:
    """The code that takes most off the customer's usual order; of equal ones the one that ends first. None: none."""
    usual = mine.customer.average_order_minor or 0

    def worth(offer: Any) -> Decimal:
        if offer.kind == "percentage":
            return Decimal(offer.value * max(usual, offer.minimum_minor) / 100)
        return Decimal(minor_units(offer.value, offer.currency) if offer.kind == "fixed" else 0)

    return max(mine.offers, key=worth, default=None)


def next_step(say: Words, ahead: dict[str, Any], currency: str, *, may_join: bool = False) -> str:
    """``one more purchase and your yes to membership``; "" where a step is one that no words are known for."""
    told: list[str] = []
    shortest = len(ahead["ways"][0]) if ahead.get("ways") else 0
    for way in ahead.get("ways", ()):
        parts = [_said(say, step, currency, may_join) for step in way]
        if len(way) == shortest and all(parts):
            told.append(say("face.and").join(parts))
    return say("face.or").join(told[:WAYS_SHOWN])


def _said(say: Words, step: dict[str, Any], currency: str, may_join: bool) -> str:
    fact, short = step["fact"], step["short"]
    if fact == "member_since":
        return say("face.step_yes" if may_join else "face.step_invited")
    key = f"face.step_{fact}"
    if not say.has(key):
        return ""
    if isinstance(short, str):
        return say(key, amount=say.major(Decimal(short), currency))
    return say(key, n=short) if short is not None else say(key)


def _by(given: str | None, say: Words) -> date | None:
    if given is None:
        return None
    moment = datetime.fromisoformat(given)
    return moment.astimezone(say.zone).date() if moment.tzinfo else moment.date()


def qr(number: str) -> Markup:
    """A QR code as a picture within the page, so that the card needs no second request; "" stays ""."""
    digits = number.replace(" ", "")
    made = segno.make(digits, micro=False, error="m") if digits else None
    # Only the encoder's own shapes: no text of anybody's is in it.
    return Markup(made.svg_inline(omitsize=True, svgclass="qr", lineclass=None, border=2) if made else "")  # noqa: S704


def _look(colour: object) -> str | None:
    found = COLOUR.fullmatch(colour) if isinstance(colour, str) else None
    return url_for("card_face.look", colour=found[1].lower()) if found else None


def _logo(given: object) -> str | None:
    """A picture that we serve ourselves; other addresses the page's policy would not load."""
    return given if isinstance(given, str) and given.startswith("/") and not given.startswith("//") else None


@pages.get("/look/<colour>.css")
def look(colour: str) -> ResponseReturnValue:
    """The card in the shop's colour, darkened or lightened until it can be read; the address says it all."""
    if not COLOUR.fullmatch(colour) or len(colour) != 6:
        abort(404)
    light, dark = readable(colour, on="ffffff"), readable(colour, on="1c2029")
    sheet = (
        f":root{{--accent:#{light};--on-accent:#ffffff}}"
        f"@media (prefers-color-scheme:dark){{:root{{--accent:#{dark};--on-accent:#14171f}}}}"
    )
    return Response(sheet, mimetype="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})


@lru_cache(maxsize=256)
def readable(colour: str, on: str) -> str:
    """The nearest mix of a colour with black or white that reaches 4.6 : 1 against a ground (WCAG AA is 4.5)."""
    target = 0 if _luminance(on) > 0.5 else 255
    for part in range(101):
        mixed = "".join(f"{round(value + (target - value) * part / 100):02x}" for value in bytes.fromhex(colour))
        if contrast(mixed, on) >= 4.6:
            return mixed
    return "000000" if target == 0 else "ffffff"


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours by WCAG 2.2, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [value / 255 for value in bytes.fromhex(colour)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
