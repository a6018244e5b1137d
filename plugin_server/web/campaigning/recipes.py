"""Recipes: campaigns that are ready to use, on the ladder and by the ways of keeping customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.recipes import Recipe, recipes
from campaigns.schema import Campaign, parse
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.web.campaigning import base as campaign_base
from plugin_server.web.campaigning import sentence as campaign_sentence
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder import moves
from plugin_server.web.ladder.rungs import RungName, names_of
from plugin_server.web.words import Words

pages = Blueprint("recipes", __name__)
WAYS: Final = ("membership", "points", "discount", "exclusive", "group", "care")
"""The five ways of keeping customers, and the two key words: satisfaction and relationship."""
_WAY: Final = {
    "climbed": "membership",
    "member_invite": "membership",
    "anniversary": "exclusive",
    "friend_bought": "group",
    "friend_wish": "group",
}
"""Recipes whose way does not follow from event and offer."""
_RUNG: Final = {"friend_bought": "advocate"}
"""Recipes that are open to all but meant for some."""
_OF_EVENT: Final = {"points_end": "points", "friend_joined": "group", "friend_bought": "group"}
_OF_OFFER: Final = {
    "quantity_price": "group", "buy_get": "group", "gift": "group", "cashback": "group", "team_deal": "group",
    "member_only": "exclusive", "early_access": "exclusive", "points": "points",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """One recipe as the page shows it; ``sentence`` says when, to whom and what; ``rung`` is where it begins."""

    key: str
    name: str
    what: str
    sentence: str
    way: str
    rung: str
    rungs: tuple[str, ...] = ()
    steps: int = 0


def way_of(recipe: Recipe) -> str:
    """By which way of keeping customers a recipe works."""
    event = recipe.document["trigger"].get("event", "")
    offer = (recipe.document.get("offer") or {}).get("kind")
    found = _WAY.get(recipe.key) or _OF_EVENT.get(event) or _OF_OFFER.get(offer or "")
    return found or ("discount" if offer else "care")


def rung_of(campaign: Campaign, rungs: Sequence[str]) -> str:
    """The rung on which a recipe begins: the lowest of its audience, empty where it is for nearly all of them."""
    named = [key for key in rungs if key in campaign.audience.rungs]
    return named[0] if campaign.audience.rungs != "all" and len(named) < len(rungs) else ""


def cards(connection: Connection, who: Person, rungs: Sequence[RungName], words: Words) -> list[Card]:
    """All recipes, fitted to the shop's ladder and in the reader's language."""
    made, keys = [], [rung.key for rung in rungs]
    for recipe in recipes():
        campaign = parse(campaign_base.for_shop(recipe.document, keys))
        made.append(
            Card(
                recipe.key,
                words(f"recipe.{recipe.key}.name"),
                words(f"recipe.{recipe.key}.what"),
                campaign_sentence.main(connection, who, campaign, rungs, words, words.now),
                way_of(recipe),
                campaign_base.fitted([_RUNG[recipe.key]], keys)[0] if recipe.key in _RUNG else rung_of(campaign, keys),
                () if campaign.audience.rungs == "all" else tuple(campaign.audience.rungs),
                len(campaign.steps),
            )
        )
    return made


@pages.get("/campaigns/recipes")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """The ladder with the recipes that begin on each rung; or, with ``?by=way``, the ways with theirs.

    The place of the recipe that makes the move worth most is open.
    """
    with tenant(services().engine, who.merchant_id) as connection:
        rungs = names_of(connection, who.merchant_id, words().language)
        found, wanted = cards(connection, who, rungs, words()), moves.wanted(connection)
    by = "way" if request.args.get("by") == "way" else "rung"
    return page("recipes.html", section="campaigns", cards=found, rungs=rungs, ways=WAYS, by=by, wanted=wanted)
