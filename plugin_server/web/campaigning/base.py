"""What the builder's form begins with: a recipe, a campaign to change or to copy, a holiday, a day of the calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from campaigns.ladder.presets import SEVEN_RUNGS
from campaigns.recipes import YOURS, holiday_discount, recipes
from campaigns.schema import dump, parse
from plugin_server.db.campaigning import campaigns, usual_guards
from plugin_server.db.ladder.rungs import shop
from plugin_server.db.merchant.people import Person
from plugin_server.demo.opening import is_demo
from plugin_server.jobs.campaigning import recipe_goods
from plugin_server.jobs.campaigning.recipe_goods import Chosen
from plugin_server.web.campaigning.fields import Fields, fields_of
from plugin_server.web.campaigning.form import upcoming
from plugin_server.web.context import services
from plugin_server.web.ladder import moves
from plugin_server.web.words import Words

FAVOURITES = ("eid_al_fitr", "christmas")


@dataclass(frozen=True, slots=True)
class Base:
    """Plain data of the campaign to begin with; ``key`` is empty for a new one, ``version`` that of a saved one.

    ``chosen`` are the goods of the shop that were put into a recipe.

    ``token`` names it in the form: ``recipe:welcome``, ``copy:KEY``, ``edit:KEY`` or ``new``.
    """

    token: str
    document: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    version: int = 0
    chosen: Chosen | None = None


def asked(connection: Connection, who: Person, args: Mapping[str, str], now: datetime) -> Base:
    """What ``?recipe=``, ``?copy=``, ``?holiday=`` or ``?day=`` ask for; else the next big holiday's discount.

    ``?move=`` beside a recipe: once, to the people that a next move speaks of.
    """
    for kind in ("recipe", "copy"):
        if given := args.get(kind):
            found = of_token(connection, who, f"{kind}:{given}") or Base("new", _holiday(connection, who, "", now))
            document, chosen = recipe_goods.filled(connection, found.document, now)
            if (move := args.get("move", "")) in moves.WHOM and kind == "recipe":
                document = dump(parse(moves.to_these(document, move)))
            return replace(found, document=document, chosen=chosen)
    return Base("new", _holiday(connection, who, args.get("holiday", ""), now))


def _holiday(connection: Connection, who: Person, wish: str, now: datetime) -> dict[str, Any]:
    keys = [day.key for day in upcoming(connection, who, now)]
    holiday = next((key for key in (wish, *FAVOURITES, *keys) if key in keys), "christmas")
    return fitted_to_shop(connection, who, holiday_discount(holiday).document | {"name": ""})


def of_token(connection: Connection, who: Person, token: str) -> Base | None:
    """What a form's hidden ``base`` names; None where it is gone."""
    kind, _, key = token.partition(":")
    if kind == "new":
        return Base(token)
    if kind == "recipe":
        found = next((one for one in recipes() if one.key == key), None)
        return Base(token, fitted_to_shop(connection, who, found.document | {"name": ""})) if found else None
    saved = campaigns.get(connection, key)
    if saved is None or kind not in ("copy", "edit"):
        return None
    if kind == "edit":
        return Base(token, dump(saved.campaign), key, saved.version)
    return Base(token, dump(saved.campaign))


def fitted_to_shop(connection: Connection, who: Person, document: Mapping[str, Any]) -> dict[str, Any]:
    """``for_shop`` with the ladder looked up, and with the business's own guards where the recipe has none."""
    made = for_shop(document, shop(connection, who.merchant_id).ladder.keys)
    return made | {"guards": usual_guards.begun_with(connection, made["guards"], document.get("guards") or {})}


def for_shop(document: Mapping[str, Any], ladder: Sequence[str]) -> dict[str, Any]:
    """With all defaults, and with the shop's own rungs in the place of those of the usual ladder."""
    made = dump(parse(document))
    audience, trigger = made["audience"], made["trigger"]
    if audience["rungs"] != "all":
        audience["rungs"] = fitted(audience["rungs"], ladder)
    if trigger.get("rung"):
        trigger["rung"] = fitted([trigger["rung"]], ladder)[0]
    if is_demo(services().settings.tangga_home):
        # Nobody sleeps in the demo shop: its mails are files, and a visitor at night wants to see them too.
        made["guards"]["quiet_hours"] = None
    return made


def fitted(rungs: Sequence[str], ladder: Sequence[str]) -> list[str]:
    """Rungs of the usual ladder as the rungs of another that stand at the same height."""
    usual = SEVEN_RUNGS.keys
    if set(rungs) <= set(ladder):
        return list(rungs)
    heights = [usual.index(key) * len(ladder) // len(usual) for key in rungs if key in usual]
    return [key for place, key in enumerate(ladder) if place in heights] or [ladder[0]]


def begun(base: Base, args: Mapping[str, str], words: Words) -> Fields:
    """The form's fields to begin with; ``?rungs=a,b`` and ``?day=`` change them."""
    made = without_placeholder(fields_of(base.document)) if base.document else Fields()
    kind, _, key = base.token.partition(":")
    if kind == "recipe" and words.has(f"recipe.{key}.name"):
        made["name"] = words(f"recipe.{key}.name")
    if kind == "copy":
        made["name"] = words("builder.copy_of", name=made["name"] or key)
    if rungs := [key for key in args.get("rungs", "").split(",") if key]:
        made.setlist("audience.rungs", rungs)
        made["audience.whom"] = "some"
    if day := _day(args.get("day", "")):
        made["trigger.kind"], made["trigger.day"] = "once", day
    return made


def without_placeholder(given: Fields) -> Fields:
    """Without the goods and the yes to a risk that recipes leave to the shop: nothing is chosen yet."""
    risk = "offer.early_access.link_may_spread"
    open_goods = any(value == YOURS for value in given.values())
    return MultiDict(
        [pair for pair in given.items(multi=True) if pair[1] != YOURS and not (open_goods and pair[0] == risk)]
    )


def _day(given: str) -> str:
    try:
        return date.fromisoformat(given).isoformat() if given else ""
    except ValueError:
        return ""
