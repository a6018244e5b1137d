"""A series as a machine: where a step leads, when it is over, and who leaves. Pure: times and facts are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from campaigns.calendar import GRACE
from campaigns.steps import EXIT, ConditionStep, GoalStep, Step, UntilStep, WaitStep

DRIFT: Final = timedelta(hours=1)
"""What comes later than this counts from when it came, so that a series does not hurry to catch up."""


class Act(StrEnum):
    """What happens to somebody whose time at a step has come."""

    PASS = "pass"  # noqa: S105 - no password
    """On to the next step; nothing is done here."""
    DO = "do"
    """The step is done: a mail is planned, a code made, a note taken."""
    MISS = "miss"
    """The step is left out, for its time is long over."""
    LEAVE = "leave"
    """Out of the series."""
    REST = "rest"
    """Nothing until the conversation is answered."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of somebody in the moment of acting.

    ``gone`` says why nothing may happen any more (``unsubscribed``, ``erased`` …), ``holds`` what the step's rule says.
    """

    gone: str | None = None
    talking: bool = False
    reached: bool = False
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """``to`` is the step to go on to, None for out; ``outcome`` says how somebody left, ``note`` what came of it."""

    act: Act
    to: str | None = None
    outcome: str = ""
    note: str = ""


DOES: Final = frozenset({"message", "offer", "tag", "task", "webhook"})
"""Kinds of steps that do something."""
LASTS: Final = frozenset({"wait", "until", "goal"})
"""Kinds of steps at which somebody stands for a while by themselves."""
DATED: Final = frozenset({"message", "offer"})
"""Kinds of steps that come too late after a long downtime."""


@dataclass(frozen=True)
class Series:
    """The steps of one version of a campaign, in their order."""

    steps: tuple[Any, ...]

    @cached_property
    def by_key(self) -> dict[str, Any]:
        """Each step by its key."""
        return {step.key: step for step in self.steps}

    @cached_property
    def goal(self) -> GoalStep | None:
        """What the series is for."""
        return next((step for step in self.steps if isinstance(step, GoalStep)), None)

    @property
    def first(self) -> str:
        """The key of the step everybody begins with."""
        return str(self.steps[0].key)

    def following(self, key: str) -> str | None:
        """The step listed after this one; None after the last."""
        keys = [step.key for step in self.steps]
        place = keys.index(key) + 1
        return keys[place] if place < len(keys) else None

    def after(self, key: str, *, holds: bool = False) -> str | None:
        """Where somebody goes from a step; None is the end. ``holds`` is what its rule said, if it has one."""
        step = self.by_key[key]
        if isinstance(step, ConditionStep):
            told = step.then if holds else step.else_
        elif step.kind == EXIT:
            return None
        else:
            told = step.next
        return None if told == EXIT else told or self.following(key)

    def ways(self, key: str) -> tuple[str | None, ...]:
        """All steps that may come next; None is the end."""
        if isinstance(self.by_key[key], ConditionStep):
            return (self.after(key, holds=True), self.after(key, holds=False))
        return (self.after(key),)

    def keys_before(self, key: str) -> list[str]:
        """The steps that lead to this one at once."""
        return [step.key for step in self.steps if key in self.ways(step.key)]


def decide(series: Series, key: str, seen: Seen, *, due_at: datetime, now: datetime, again: bool = False) -> Verdict:
    """What happens now to somebody who stands at ``key`` since it was due at ``due_at``.

    ``again``: they did this step before (a change of the definition put it in their way once more).
    """
    if seen.gone:
        return Verdict(Act.LEAVE, None, seen.gone)
    if seen.reached:
        return Verdict(Act.LEAVE, None, "goal")
    if seen.talking:
        return Verdict(Act.REST, key)
    step = series.by_key[key]
    to = series.after(key, holds=seen.holds)
    ended = "" if to else "end"
    if step.kind == "condition":
        return Verdict(Act.PASS, to, ended, "then" if seen.holds else "else")
    if step.kind not in DOES:
        return Verdict(Act.PASS, to, ended)
    if again:
        return Verdict(Act.PASS, to, ended, "again")
    if step.kind in DATED and now - due_at > GRACE:
        return Verdict(Act.MISS, to, ended, "missed")
    return Verdict(Act.DO, to, ended)


def arrival(due_at: datetime, now: datetime) -> datetime:
    """From when the next step counts: from when this one was due, or from now where that is long ago."""
    return due_at if due_at <= now <= due_at + DRIFT else now


def next_due(step: Step, was_due: datetime, now: datetime, *, shop_zone: str, own_zone: str | None = None) -> datetime:
    """When somebody who goes on now from a step that was due at ``was_due`` is due at the next one.

    What is done at once keeps the time it was due, by which it is known how late it is.
    """
    if step.kind not in LASTS:  # type: ignore[attr-defined]
        return min(was_due, now)
    return due(step, arrival(was_due, now), shop_zone=shop_zone, own_zone=own_zone)


def due(step: Step, arrived: datetime, *, shop_zone: str, own_zone: str | None = None) -> datetime:
    """When somebody who arrives at a step is to be looked at again. At a step that does something: at once."""
    if isinstance(step, WaitStep):
        return _days_on(arrived, step.days, ZoneInfo(shop_zone)) + timedelta(hours=step.hours)
    if isinstance(step, GoalStep):
        return _days_on(arrived, step.days, ZoneInfo(shop_zone))
    if isinstance(step, UntilStep):
        zone = ZoneInfo(own_zone if own_zone and step.zone == "customer" else shop_zone)
        return _until(step, arrived, zone)
    return arrived


def _days_on(moment: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time of the day so many days on; a clock that is put back or forward does not shift it."""
    if not days:
        return moment
    local = moment.astimezone(zone)
    return datetime.combine(local.date() + timedelta(days=days), local.timetz().replace(tzinfo=None), zone).astimezone(
        UTC
    )


def _until(step: UntilStep, arrived: datetime, zone: ZoneInfo) -> datetime:
    local = arrived.astimezone(zone)
    if step.date is not None:
        return max(_at(step, step.date, zone), arrived)
    for more in range(9):
        day = local.date() + timedelta(days=more)
        moment = _at(step, day, zone)
        if moment >= arrived and step.weekday in (None, day.isoweekday()):
            return moment
    raise AssertionError("every week has all its days")


def _at(step: UntilStep, day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, step.at, zone).astimezone(UTC)


def offer_before(series: Series, key: str) -> set[str | None]:
    """The offer steps whose code somebody may hold at a step; None for those who have none there."""
    found: set[str | None] = set()
    seen: set[str] = set()

    def look(at: str) -> None:
        if at in seen:
            return
        seen.add(at)
        before = series.keys_before(at)
        if at == series.first:
            found.add(None)
        for one in before:
            if series.by_key[one].kind == "offer":
                found.add(one)
            else:
                look(one)

    look(key)
    return found
