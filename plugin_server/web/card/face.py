"""What the front of a customer's card shows: one offer, one next step and the member's code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import segno
from markupsafe import Markup
from sqlalchemy import Connection

from campaigns.membership import next_anniversary
from connectors.types import minor_units
from plugin_server.db.customers import answers, benefits, membership
from plugin_server.db.customers.card import Card
from plugin_server.web.card.held_points import Held, held
from plugin_server.web.card.share import Share, shared
from plugin_server.web.ladder.rungs import RungName, explain, public_names
from plugin_server.web.words import Words

WAYS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Face:
    """All that the front shows. ``step`` is what to do for the rung ``ahead``, "" where nothing is missing or known.

    ``likes`` is None where there is nothing to choose from.
    """

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
    likes: list[str] | None


def face(conn: Connection, merchant: int, mine: Card, say: Words) -> Face:
    """Read the front of a card, in the customer's words."""
    person = mine.customer
    today = say.now.astimezone(say.zone).date()
    may_join = membership.invited(conn, merchant, person.id)
    why = explain(conn, merchant, person.id, say)
    ahead = (why or {}).get("next") or {}
    best = best_offer(mine)
    return Face(
        rungs=public_names(conn, merchant, say.language),
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
        likes=answers.liked(conn, person.id),
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
