"""A ladder: rungs from the ground up, each with a rule, and the moment its evidence came about.

A customer stands on the highest rung whose rule holds. The lowest rung has no rule: it is for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import ColumnElement, func

from campaigns.ladder import nature, public, rules
from campaigns.ladder.facts import CATALOGUE, MOMENTS
from campaigns.ladder.rules import All, Any_, BadRule, Compare, Not, Rule, WithinLastDays

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
LONGEST_NAME = 80


class Since(BaseModel):
    """When a rung was reached, from moments among the facts.

    ``latest_of`` waits for the last piece of evidence, ``earliest_of`` takes the first of several, ``first_known``
    the first in the list that is known. Unknown moments are passed over.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Literal["latest_of", "earliest_of", "first_known"]
    moments: tuple[str | Since, ...] = Field(min_length=1, max_length=10)


class Rung(BaseModel):
    """One rung. ``key`` is fixed in data, ``names`` are for the shop's people (English at least).

    ``shown`` are the names customers read. Where there are none they read the shop's own, and kinder ones in the place
    of the trade's inner words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    names: dict[str, str]
    shown: dict[str, str] = Field(default_factory=dict)
    rule: Rule | None = None
    since: Since

    def name(self, language: str) -> str:
        """What the shop's people call it in a language (``nl``, ``id_ID``); English where it has no name there."""
        return self.names.get(language[:2]) or self.names["en"]

    def public(self, language: str) -> str:
        """What customers read in a language (``nl``, ``id_ID``); never a word such as suspect."""
        own = self.shown.get(language[:2]) or self.shown.get("en")
        return own or public.read_as(self.name(language), language[:2])


class Review(BaseModel):
    """When rungs may be lost: on review days alone, one rung at a time, and not before ``grace_days`` are over.

    Review days are the first of each month, quarter, half year or year, in the shop's zone. Climbing is never delayed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    every: Literal["month", "quarter", "half_year", "year"] = "quarter"
    grace_days: int = Field(default=30, ge=0, le=366)

    def after(self, day: date) -> date:
        """The first review day after ``day``."""
        step = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}[self.every]
        months = (day.month - 1) // step * step + step
        return date(day.year + months // 12, months % 12 + 1, 1)

    def due(self, today: date) -> date:
        """The review day of somebody whose rule stopped holding today: the first one after the grace."""
        return self.after(today + timedelta(days=self.grace_days))


class Ladder(BaseModel):
    """Rungs from the lowest up, under a name and a version (0: the one that comes with the product).

    Without a ``review`` a rung is lost as soon as its rule no longer holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int = 0
    rungs: tuple[Rung, ...] = Field(min_length=2, max_length=20)
    review: Review | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Rung keys from the lowest up."""
        return tuple(rung.key for rung in self.rungs)

    def rung(self, key: str) -> Rung:
        """The rung of this key. Raises ``KeyError``."""
        return self.rungs[self.index(key)]

    def index(self, key: str) -> int:
        """Its place, 0 is the lowest. Raises ``KeyError``."""
        if key not in self.keys:
            raise KeyError(key)
        return self.keys.index(key)


def parse(data: object) -> Ladder:
    """The ladder of JSON-like data. Raises ``BadRule`` with the path of the first fault."""
    if isinstance(data, dict) and isinstance(data.get("rungs"), list):
        for index, rung in enumerate(data["rungs"]):
            if isinstance(rung, dict) and rung.get("rule") is not None:
                _at(f"rungs.{index}.rule", rung["rule"])
    try:
        ladder = Ladder.model_validate(data)
    except ValidationError as error:
        raise rules.of_shape(error) from error
    check(ladder)
    return ladder


def check(ladder: Ladder) -> None:
    """Raises ``BadRule`` where a rung has no rule or no evidence, or can never be told from another."""
    _check_text(ladder.name, "name")
    seen: dict[Rule | None, str] = {}
    for index, rung in enumerate(ladder.rungs):
        place = f"rungs.{index}"
        _check_names(rung, ladder.keys[:index], place)
        if (rung.rule is None) != (index == 0):
            raise BadRule(f"{place}.rule", "The lowest rung takes everybody and has no rule; every other needs one.")
        if rung.rule is not None:
            _nested(f"{place}.rule", rung.rule)
        if rung.rule in seen:
            raise BadRule(
                f"{place}.rule", f"The same rule as rung {seen[rung.rule]!r}: one of them nobody can stand on."
            )
        seen[rung.rule] = rung.key
        _check_since(rung.since, f"{place}.since")
    _check_alike(ladder.rungs)
    for index in range(len(ladder.rungs)):
        _check_reachable(ladder.rungs, index)


def _check_reachable(rungs: tuple[Rung, ...], index: int) -> None:
    """Somebody must be able to stand there: to meet the rule, and not by that alone a higher one."""
    rung, place = rungs[index], f"rungs.{index}.rule"
    if rung.rule is None:
        return
    if found := nature.contradiction(rung.rule):
        raise BadRule(f"{place}.{found.path}".rstrip("."), f"Nobody can reach rung {rung.key!r}. {found.problem}")
    for higher in rungs[index + 1 :]:
        if higher.rule is not None and nature.implies(rung.rule, higher.rule):
            raise BadRule(
                place,
                f"Nobody can stand on rung {rung.key!r}: whoever meets its rule meets that of {higher.key!r} as well, "
                f"which is higher. Make {higher.key!r} harder, or swap them.",
            )


def _check_names(rung: Rung, lower: tuple[str, ...], place: str) -> None:
    if not _KEY.fullmatch(rung.key):
        raise BadRule(f"{place}.key", f"{rung.key!r}: use small letters, digits and _, at most 40.")
    if rung.key in lower:
        raise BadRule(f"{place}.key", f"There are two rungs {rung.key!r}.")
    if not rung.names.get("en", "").strip():
        raise BadRule(f"{place}.names.en", "Give the rung an English name; other languages fall back to it.")
    for language, name in rung.names.items():
        _check_text(language, f"{place}.names")
        _check_text(name, f"{place}.names.{language}")
    for language, name in rung.shown.items():
        _check_text(language, f"{place}.shown")
        _check_text(name, f"{place}.shown.{language}")
        if public.unkind(name):
            raise BadRule(
                f"{place}.shown.{language}",
                f"Customers read this name, and nobody likes to be called {name!r}. Give them a kinder one.",
            )


def _check_alike(rungs: tuple[Rung, ...]) -> None:
    """Two rungs called the same could not be told apart on any page."""
    for language in dict.fromkeys(("en", *(code for rung in rungs for code in rung.names))):
        called: dict[str, str] = {}
        for index, rung in enumerate(rungs):
            name = " ".join(rung.name(language).casefold().split())
            if name in called:
                raise BadRule(
                    f"rungs.{index}.names.{language if language in rung.names else 'en'}",
                    f"The rungs {called[name]!r} and {rung.key!r} have the same name. Call one of them otherwise.",
                )
            called[name] = rung.key


def _check_text(name: str, place: str) -> None:
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise BadRule(place, f"A name has {LONGEST_NAME} letters at most, all of which can be printed.")


def _check_since(since: Since, place: str) -> None:
    for index, moment in enumerate(since.moments):
        if isinstance(moment, Since):
            _check_since(moment, f"{place}.moments.{index}")
        elif moment not in CATALOGUE or CATALOGUE[moment].type not in MOMENTS:
            raise BadRule(f"{place}.moments.{index}", f"{moment!r} is not a moment among the facts.")
        elif CATALOGUE[moment].of_today:
            raise BadRule(
                f"{place}.moments.{index}", f"{moment!r} follows from the ladder itself: it cannot date a rung."
            )


def _at(place: str, data: object) -> Rule:
    try:
        return rules.parse(data)
    except BadRule as error:
        raise BadRule(f"{place}.{error.path}" if error.path else place, error.problem) from error


def _nested(place: str, rule: Rule) -> None:
    _at(place, rules.as_json(rule))
    for leaf in rules.leaves(rule):
        if CATALOGUE[leaf.fact].kept == "standing":
            raise BadRule(
                place, f"A rung cannot depend on {leaf.fact!r}: that follows from the ladder itself, in a circle."
            )
        if CATALOGUE[leaf.fact].of_today:
            raise BadRule(
                place,
                f"A rung cannot depend on {leaf.fact!r}: the forecast is known as of today alone, and a ladder is "
                "asked as of any date. Ask for it in a segment.",
            )


def reached(since: Since, moments: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """When the evidence came about, as SQL over moments (dates already turned into times)."""
    made = [reached(item, moments) if isinstance(item, Since) else moments[item] for item in since.moments]
    if len(made) == 1:
        return made[0]
    if since.of == "first_known":
        return func.coalesce(*made)
    return func.greatest(*made) if since.of == "latest_of" else func.least(*made)


def moments_of(ladder: Ladder) -> set[str]:
    """All moments that date the rungs."""

    def within(since: Since) -> set[str]:
        return {name for item in since.moments for name in (within(item) if isinstance(item, Since) else {item})}

    return {name for rung in ladder.rungs for name in within(rung.since)}


def lapses(rule: Rule) -> tuple[WithinLastDays, ...]:
    """The conditions of a rule that stop holding by the mere passing of time."""
    if isinstance(rule, Not):
        return ()
    return tuple(leaf for leaf in rules.leaves(rule) if isinstance(leaf, WithinLastDays))


def dated(rule: Rule | None) -> Since:
    """When a rung with this rule was reached, as far as moments among the facts can tell.

    Of what must hold together the latest, of alternatives the earliest. What no moment tells (money spent, a tenth
    order) is dated by the last order: it was reached then at the latest.
    """
    found = None if rule is None else _dated(rule)
    if isinstance(found, Since):
        return found
    return Since(of="latest_of", moments=(found or "known_since",))


def _dated(rule: Rule) -> Since | str | None:
    if isinstance(rule, Not):
        return None
    if isinstance(rule, All | Any_):
        parts = tuple(dict.fromkeys(part for part in map(_dated, rule.rules) if part is not None))
        return Since(of="latest_of" if isinstance(rule, All) else "earliest_of", moments=parts[:10]) if parts else None
    count = (
        int(rule.value) + (rule.op == ">")
        if isinstance(rule, Compare) and rule.op in (">", ">=", "=") and isinstance(rule.value, int)
        else 0
    )
    numbered = _NUMBERED.get(rule.fact, ())
    if numbered:
        return numbered[min(max(count, 1), len(numbered)) - 1]
    fact = CATALOGUE[rule.fact]
    if fact.kept == "facts" and fact.type in MOMENTS and rule.fact != "birthday":
        return rule.fact
    return {"has_account": "enquired_at", "country": None, "language": None}.get(
        rule.fact,
        "last_order_at" if fact.unit in ("orders", "days", "money", "percent", "products", "categories") else None,
    )


_ORDERS = ("first_order_at", "second_order_at", "third_order_at", "last_order_at")
_NUMBERED: dict[str, tuple[str, ...]] = {
    "orders": _ORDERS,
    "order_days": _ORDERS,
    "reviews": ("first_review_at",),
    "referrals_converted": ("first_referral_at", "second_referral_at", "last_referral_at"),
}
"""Facts that are counted, with the moments of the first, the second and so on; the last stands for all further."""
