"""The steps of a series that write no mail and give no offer: waits, questions, notes, calls, goal and end.

Steps follow each other as they are listed; ``next`` leads elsewhere, and ``exit`` leaves the series. The two steps
that carry wordings and offers stand in ``campaigns.schema``, beside those.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from campaigns.ladder import rules
from campaigns.ladder.rules import Rule
from campaigns.parts import Part, clock

EXIT: Final = "exit"
"""Where a step leads that ends the series."""
MOST_STEPS: Final = 50
Target = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Step(Part):
    """What all steps have: a ``key`` that stays the same from version to version, and where it goes on."""

    key: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9_-]{0,39})?$")
    next: Target | None = None

    @field_validator("key")
    @classmethod
    def _not_the_end(cls, value: str) -> str:
        if value == EXIT:
            raise ValueError("exit is the word for the end; give the step another key")
        return value


class WaitStep(Step):
    """Nothing happens for so many days of the shop's calendar and hours."""

    kind: Literal["wait"]
    days: int = Field(default=0, ge=0, le=365)
    hours: int = Field(default=0, ge=0, le=1000)

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.days == 0 and self.hours == 0:
            raise ValueError("waits for nothing; give days or hours")
        return self


class UntilStep(Step):
    """Nothing happens until the next such time of day, on a ``weekday`` (1 is Monday) or on a ``date``.

    ``zone`` says whose clock counts: the customer's (the shop's where it is unknown) or the shop's.
    """

    kind: Literal["until"]
    at: time = time(9)
    weekday: int | None = Field(default=None, ge=1, le=7)
    date: dt.date | None = None
    zone: Literal["customer", "shop"] = "customer"

    @field_validator("at", mode="before")
    @classmethod
    def _clock(cls, value: object) -> object:
        return clock(value)

    @model_validator(mode="after")
    def _one_day(self) -> Self:
        if self.weekday is not None and self.date is not None:
            raise ValueError("give weekday or date, not both")
        return self


def _meant(value: object) -> object:
    return rules.parse(value) if isinstance(value, Mapping) else value


class ConditionStep(Step):
    """Whoever meets the rule goes on to ``then``, all others to ``else``; what is left out is the following step."""

    kind: Literal["condition"]
    rule: Rule
    then: Target | None = None
    else_: Target | None = Field(default=None, alias="else")

    _rule = field_validator("rule", mode="before")(_meant)

    @model_validator(mode="after")
    def _two_ways(self) -> Self:
        if self.next is not None:
            raise ValueError("next: a condition has then and else instead")
        if self.then == self.else_:
            raise ValueError("then and else lead to the same step; let one of them lead elsewhere, or to exit")
        return self


class TagStep(Step):
    """Puts a tag on the customer, or takes it off; rules can ask for it (the fact ``tags``)."""

    kind: Literal["tag"]
    tag: str = Field(min_length=1, max_length=60)
    remove: bool = False


class TaskStep(Step):
    """Gives the owner something to do for this customer, such as a call."""

    kind: Literal["task"]
    title: str = Field(min_length=1, max_length=200)
    note: str = Field(default="", max_length=2000)


class WebhookStep(Step):
    """Tells another system by a signed POST of JSON, which is repeated until it is taken."""

    kind: Literal["webhook"]
    url: str = Field(min_length=1, max_length=2000)

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.fragment:
            raise ValueError("is no address of a system; it looks like https://crm.example/hook")
        return value


class GoalStep(Step):
    """What the series is for. Whoever reaches it, at whichever step, leaves as a success.

    ``on``: a counting order since the entry, a climb since then, or a ``rule`` that holds. Who comes to this step
    without having reached it is given ``days`` more.
    """

    kind: Literal["goal"]
    on: Literal["order", "climb", "rule"] = "order"
    rule: Rule | None = None
    days: int = Field(default=0, ge=0, le=365)

    _rule = field_validator("rule", mode="before")(_meant)

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if (self.on == "rule") != (self.rule is not None):
            raise ValueError("rule: on: rule needs it, order and climb take none")
        return self


class ExitStep(Step):
    """The series ends here."""

    kind: Literal["exit"]

    @model_validator(mode="after")
    def _nothing_after(self) -> Self:
        if self.next is not None:
            raise ValueError("next: nothing comes after an exit")
        return self


PlainStep = WaitStep | UntilStep | ConditionStep | TagStep | TaskStep | WebhookStep | GoalStep | ExitStep
