"""When a campaign runs: by hand, on holidays, on a rhythm, or for those to whom something happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from campaigns.parts import Part, clock

EVENTS: Final = (
    "order_placed", "order_paid", "order_delivered", "nth_order", "rung_up", "rung_down", "stalled",
    "checkout_abandoned", "birthday",
    "first_order_anniversary", "member_anniversary", "supply_ends", "overdue", "points_end", "consent_given",
    "friend_joined", "friend_bought", "answered", "rung_ends",
)  # fmt: skip
AHEAD: Final = (
    "birthday", "first_order_anniversary", "member_anniversary", "supply_ends", "overdue", "points_end", "rung_ends",
)  # fmt: skip
"""Events whose day is known before, so that a campaign may come some days earlier."""

OF_RUNG: Final = ("rung_up", "rung_down", "stalled", "rung_ends")
"""Events that a rung narrows: the one climbed or fallen to, stood on, or about to be lost."""


class At(Part):
    """A time of the shop's day."""

    at: time = time(9)

    @field_validator("at", mode="before")
    @classmethod
    def _clock(cls, value: object) -> object:
        return clock(value)


class Once(At):
    """Runs once: when a person says so, or by itself on ``day`` at a time of the shop's day."""

    kind: Literal["once"]
    day: date | None = None


class OnHoliday(At):
    """Runs ``offsets_days`` from a holiday (negative is before it), at a time of the shop's day."""

    kind: Literal["holiday"]
    holiday: str = Field(pattern=r"^[a-z0-9_]{1,60}$")
    offsets_days: tuple[Annotated[int, Field(ge=-180, le=180)], ...] = Field(default=(0,), min_length=1, max_length=20)

    @field_validator("offsets_days")
    @classmethod
    def _each_once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) < len(value):
            raise ValueError("the same day stands here twice; keep it once")
        return value


class Recurring(At):
    """Runs every ``day``, every ``week`` on a weekday (1 is Monday) or every ``month`` on a day (31: the last one)."""

    kind: Literal["recurring"]
    every: Literal["day", "week", "month"]
    on: int = Field(default=1, ge=1, le=31)

    @model_validator(mode="after")
    def _a_day_there_is(self) -> Self:
        if self.every == "week" and self.on > 7:
            raise ValueError(f"on: a week has days 1 (Monday) to 7 (Sunday), not {self.on}")
        return self

    def falls_on(self, day: date) -> bool:
        """Whether it runs on a day."""
        if self.every == "week":
            return day.isoweekday() == self.on
        last = (day + timedelta(days=1)).month != day.month
        return self.every == "day" or day.day == self.on or (last and day.day < self.on)


class OnEvent(At):
    """Runs daily for those to whom ``event`` happened ``after_days`` ago (below zero: will happen in so many days).

    ``nth`` says which order ``nth_order`` means, ``rung`` narrows the events of ``OF_RUNG`` to one.
    """

    kind: Literal["event"]
    event: Literal[
        "order_placed", "order_paid", "order_delivered", "nth_order", "rung_up", "rung_down", "stalled",
        "checkout_abandoned", "birthday",
        "first_order_anniversary", "member_anniversary", "supply_ends", "overdue", "points_end", "consent_given",
        "friend_joined", "friend_bought", "answered", "rung_ends",
    ]  # fmt: skip
    after_days: int = Field(default=0, ge=-60, le=730)
    nth: int | None = Field(default=None, ge=1, le=1000)
    rung: str | None = Field(default=None, pattern=r"^[a-z0-9_]{1,60}$")

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.after_days < 0 and self.event not in AHEAD:
            raise ValueError(f"after_days: nobody knows {self.event} beforehand; give 0 or more")
        if (self.event == "nth_order") != (self.nth is not None):
            raise ValueError("nth: nth_order needs it (2 is the second order), no other event takes it")
        if self.rung and self.event not in OF_RUNG:
            raise ValueError(f"rung: only {', '.join(OF_RUNG)} take one; narrow others by audience.rungs")
        if self.event == "stalled" and self.after_days == 0:
            raise ValueError("after_days: say after how many days on a rung somebody has stalled")
        return self


Trigger = Annotated[Once | OnHoliday | Recurring | OnEvent, Field(discriminator="kind")]


def firing_times(trigger: Recurring | OnEvent, *, timezone: str, around: datetime) -> Iterator[tuple[date, datetime]]:
    """(day of the shop, instant) of the firings from three days before ``around`` on, ten weeks ahead."""
    zone = ZoneInfo(timezone)
    today = around.astimezone(zone).date()
    for days in range(-3, 71):
        day = today + timedelta(days=days)
        if isinstance(trigger, OnEvent) or trigger.falls_on(day):
            yield day, datetime.combine(day, trigger.at, zone).astimezone(UTC)
