"""A shop's points programme as data: what earns points, when they count, when they end, and what they buy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from campaigns.parts import Part
from campaigns.schema import BadCampaign, Problem
from connectors.types import minor_units

ACTIONS: Final = ("joined", "birthday", "review", "referral", "birthday_told", "preferences_told")
"""What a customer can do for points beside buying."""


class Multiplier(Part):
    """Points on one rung are worth this many times the usual: ``{rung: member, times: 1.5}``."""

    rung: str = Field(pattern=r"^[a-z0-9_]{1,60}$")
    times: Decimal = Field(gt=0, le=100, max_digits=6, decimal_places=2)


class ForAmount(Part):
    """``points`` for each ``per`` spent (major units of the programme's currency), on everything or one category."""

    kind: Literal["amount"]
    points: int = Field(ge=1, le=1_000_000)
    per: Decimal = Field(gt=0, max_digits=14, decimal_places=4)
    category: str | None = Field(default=None, max_length=200)


class ForAction(Part):
    """``points`` for something done: joining, a birthday (yearly), an approved review, a friend who bought,
    and, once each, telling one's birthday and what one likes.
    """

    kind: Literal["action"]
    action: Literal["joined", "birthday", "review", "referral", "birthday_told", "preferences_told"]
    points: int = Field(ge=1, le=1_000_000)
    most_per_year: int = Field(default=12, ge=1, le=1000)


Earning = Annotated[ForAmount | ForAction, Field(discriminator="kind")]


class Reward(Part):
    """What ``points`` buy: a personal code in the shop where the customer buys."""

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")
    name: dict[str, str] = Field(min_length=1)
    points: int = Field(ge=1, le=100_000_000)
    kind: Literal["percentage", "fixed", "free_shipping"]
    value: Decimal | None = Field(default=None, gt=0, max_digits=14, decimal_places=4)
    minimum: Decimal | None = Field(default=None, ge=0, max_digits=14)
    valid_days: int = Field(default=60, ge=1, le=730)
    stock: int | None = Field(default=None, ge=0, le=10_000_000)

    @model_validator(mode="after")
    def _computable(self) -> Self:
        if (self.kind == "free_shipping") != (self.value is None):
            raise ValueError("percentage and fixed need a value, free_shipping takes none")
        if self.kind == "percentage" and self.value is not None and self.value > 100:
            raise ValueError(f"value {self.value} is more than 100 percent")
        return self

    def called(self, language: str) -> str:
        """The name in a language, else in English, else in the first one given."""
        return self.name.get(language) or self.name.get("en") or next(iter(self.name.values()))


class Program(Part):
    """The whole programme. Versions are kept: what an order earned is undone by the version that it was earned by.

    ``since`` is the first day (shop's zone) whose orders earn; ``pending_days`` is the return window during which
    points are seen but not spent; ``expires_days`` is each lot's life from the day it can be spent on (None: for ever).
    ``expected_redemption`` is the share of points that you expect to be spent, for the liability report.
    """

    name: str = Field(default="", max_length=100)
    since: date
    earn: tuple[Earning, ...] = Field(min_length=1, max_length=50)
    multipliers: tuple[Multiplier, ...] = Field(default=(), max_length=20)
    pending_days: int = Field(default=14, ge=0, le=365)
    expires_days: int | None = Field(default=365, ge=1, le=3650)
    warn_days: int = Field(default=30, ge=1, le=180)
    point_value: Decimal = Field(gt=0, max_digits=12, decimal_places=4)
    expected_redemption: Decimal = Field(default=Decimal("0.8"), gt=0, le=1)
    include_shipping: bool = False
    rewards: tuple[Reward, ...] = Field(default=(), max_length=100)

    @field_validator("multipliers")
    @classmethod
    def _one_per_rung(cls, value: tuple[Multiplier, ...]) -> tuple[Multiplier, ...]:
        if len({item.rung for item in value}) < len(value):
            raise ValueError("a rung stands here twice; keep it once")
        return value

    @field_validator("rewards")
    @classmethod
    def _one_per_key(cls, value: tuple[Reward, ...]) -> tuple[Reward, ...]:
        if len({item.key for item in value}) < len(value):
            raise ValueError("two rewards have the same key; give each its own")
        return value

    @model_validator(mode="after")
    def _actions_once(self) -> Self:
        actions = [rule.action for rule in self.earn if isinstance(rule, ForAction)]
        if len(set(actions)) < len(actions):
            raise ValueError("earn: an action stands here twice; keep it once")
        return self

    def reward(self, key: str) -> Reward | None:
        """The reward of that key."""
        return next((item for item in self.rewards if item.key == key), None)


def amount_rules(program: Program, currency: str) -> list[dict[str, Any]]:
    """The earning by amount as the rows that SQL reads: place, category (None: all), points, minor units per them.

    Raises ``BadCampaign`` where an amount is smaller than the currency's smallest coin.
    """
    rows = []
    for place, rule in enumerate(program.earn):
        if isinstance(rule, ForAmount):
            per = minor_units(rule.per, currency)
            if per < 1:
                raise BadCampaign((Problem(f"earn.{place}.per", f"is less than the smallest coin of {currency}."),))
            rows.append({"place": place, "category": rule.category, "points": rule.points, "per": per})
    return rows


def multiplier_rows(program: Program) -> list[dict[str, Any]]:
    """Multipliers by rung in hundredths, as the rows that SQL reads."""
    return [{"rung": item.rung, "hundredths": int(item.times * 100)} for item in program.multipliers]


def actions_of(program: Program) -> dict[str, ForAction]:
    """The rules by action."""
    return {rule.action: rule for rule in program.earn if isinstance(rule, ForAction)}


def parse_program(document: object) -> Program:
    """A checked programme from plain data. Raises ``BadCampaign`` with every problem and its path."""
    if not isinstance(document, Mapping):
        raise BadCampaign((Problem("", "A points programme is a mapping with since, earn and point_value."),))
    try:
        return Program.model_validate(document)
    except ValidationError as error:
        found = [_problem(item) for item in error.errors(include_url=False)]
        paths = [one.path for one in found]
        # A list whose only element was refused is told to be empty as well.
        kept = [one for one in found if not any(path.startswith(f"{one.path}.") for path in paths)]
        raise BadCampaign(tuple(kept)) from error


def read_program(text: str) -> Program:
    """A checked programme from a YAML file. Raises ``BadCampaign``."""
    try:
        return parse_program(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise BadCampaign((Problem("", f"This is not YAML: {error}."),)) from error


def _problem(item: Any) -> Problem:
    """A fault with the path that its writer knows: without the names of our own alternatives in it."""
    path = ".".join(str(part) for part in item["loc"] if part not in ("amount", "action"))
    words = {
        "missing": "is missing; add it.",
        "extra_forbidden": "is not known here; check the spelling or take it out.",
        "union_tag_not_found": "needs a kind: amount or action.",
        "union_tag_invalid": "there is no such kind; write amount or action.",
        "too_short": "is empty; give at least one.",
    }
    told = str(item["msg"]).removeprefix("Value error, ")
    return Problem(path, words.get(item["type"]) or f"{told[0].lower()}{told[1:].rstrip('.')}.")
