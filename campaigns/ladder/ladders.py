"""A ladder: rungs from the ground up, each with a rule, and the moment its evidence came about.

A customer stands on the highest rung whose rule holds. The lowest rung has no rule: it is for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import ColumnElement, func

from campaigns.ladder import rules
from campaigns.ladder.facts import CATALOGUE, MOMENTS
from campaigns.ladder.rules import All, Any_, BadRule, Compare, IsSet, Not, Rule, WithinLastDays

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Since(BaseModel):
    """When a rung was reached, from moments among the facts.

    ``latest_of`` waits for the last piece of evidence, ``earliest_of`` takes the first of several, ``first_known``
    the first in the list that is known. Unknown moments are passed over.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Literal["latest_of", "earliest_of", "first_known"]
    moments: tuple[str | Since, ...] = Field(min_length=1, max_length=10)


class Rung(BaseModel):
    """One rung. ``key`` is fixed in data, ``names`` are for people (English at least)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    names: dict[str, str]
    rule: Rule | None = None
    since: Since


class Ladder(BaseModel):
    """Rungs from the lowest up, under a name and a version (0: the one that comes with the product)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int = 0
    rungs: tuple[Rung, ...] = Field(min_length=2, max_length=20)

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
        first = error.errors()[0]
        raise BadRule(".".join(map(str, first["loc"])), first["msg"]) from error
    check(ladder)
    return ladder


def check(ladder: Ladder) -> None:
    """Raises ``BadRule`` where a rung has no rule or no evidence, or can never be told from another."""
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


def _check_names(rung: Rung, lower: tuple[str, ...], place: str) -> None:
    if not _KEY.fullmatch(rung.key):
        raise BadRule(f"{place}.key", f"{rung.key!r}: use small letters, digits and _, at most 40.")
    if rung.key in lower:
        raise BadRule(f"{place}.key", f"There are two rungs {rung.key!r}.")
    if not rung.names.get("en", "").strip():
        raise BadRule(f"{place}.names.en", "Give the rung an English name; other languages fall back to it.")


def _check_since(since: Since, place: str) -> None:
    for index, moment in enumerate(since.moments):
        if isinstance(moment, Since):
            _check_since(moment, f"{place}.moments.{index}")
        elif moment not in CATALOGUE or CATALOGUE[moment].type not in MOMENTS:
            raise BadRule(f"{place}.moments.{index}", f"{moment!r} is not a moment among the facts.")


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


def _least(fact: str, number: int) -> Compare:
    return Compare(fact=fact, op=">=", value=number)


def _rung(key: str, names: tuple[str, str, str], rule: Rule | None, since: Since) -> Rung:
    return Rung(key=key, names=dict(zip(("en", "id", "nl"), names, strict=True)), rule=rule, since=since)


def _latest(*moments: str | Since) -> Since:
    return Since(of="latest_of", moments=moments)


SEVEN_RUNGS = Ladder(
    name="seven-rungs",
    rungs=(
        _rung("suspect", ("Suspect", "Suspek", "Suspect"), None, _latest("known_since")),
        _rung(
            "prospect",
            ("Prospect", "Prospek", "Prospect"),
            Any_(rules=(Compare(fact="has_account", op="=", value=True), IsSet(fact="enquired_at"))),
            Since(of="first_known", moments=("enquired_at", "known_since")),
        ),
        _rung("shopper", ("Shopper", "Pembeli", "Koper"), _least("orders", 1), _latest("first_order_at")),
        _rung("customer", ("Customer", "Pelanggan", "Klant"), _least("orders", 2), _latest("second_order_at")),
        _rung(
            "member",
            ("Member", "Anggota", "Lid"),
            All(rules=(_least("orders", 3), IsSet(fact="member_since"))),
            _latest("third_order_at", "member_since"),
        ),
        _rung(
            "advocate",
            ("Advocate", "Advokat", "Ambassadeur"),
            All(rules=(_least("orders", 2), Any_(rules=(_least("reviews", 1), _least("referrals_converted", 1))))),
            _latest("second_order_at", Since(of="earliest_of", moments=("first_review_at", "first_referral_at"))),
        ),
        _rung(
            "raving_fan",
            ("Raving fan", "Penggemar setia", "Superfan"),
            All(
                rules=(
                    _least("orders", 3),
                    _least("referrals_converted", 2),
                    WithinLastDays(fact="last_referral_at", days=365),
                )
            ),
            _latest("third_order_at", "second_referral_at"),
        ),
    ),
)
"""The default: suspect, prospect, shopper, customer, member, advocate, raving fan."""
