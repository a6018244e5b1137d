"""A series over days that have been: who would have come how far, by the machine that runs it today.

Pure: entries, orders and climbs of the time are arguments, and so is the answer to a rule at a past moment. What a mail
would have changed cannot be known: everybody does what they did without it.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.ladder.rules import Rule
from campaigns.series import Act, Seen, Series, decide, due, next_due

Holds = Callable[[Rule, datetime, Sequence[int]], set[int]]
"""Which of these people met a rule at a moment."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody comes in."""

    customer_id: int
    at: datetime


@dataclass
class Past:
    """What came of it. ``steps``: by key, how many did it; ``ways``: by (key, then | else), how many went there.

    ``left``: how people left; ``inside``: who still stands in it at the end. ``mails`` and ``codes`` by person;
    ``sent`` has who got each mail when, ``made`` when each code was made and at which step. ``turned_away``: entries
    of people who were inside, or came too soon.
    """

    entered: int = 0
    turned_away: int = 0
    inside: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    ways: Counter[tuple[str, str]] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    mails: Counter[int] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    sent: list[tuple[int, datetime]] = field(default_factory=list)
    made: list[tuple[datetime, str]] = field(default_factory=list)


@dataclass(frozen=True)
class History:
    """What people did: the moments of their orders and of their climbs, each in order; and their own zones."""

    orders: Mapping[int, Sequence[datetime]]
    climbs: Mapping[int, Sequence[datetime]]
    zones: Mapping[int, str]


@dataclass(order=True)
class _Stand:
    due_at: datetime
    number: int
    customer_id: int = field(compare=False)
    entered_at: datetime = field(compare=False)
    step: str = field(compare=False)


def walk(
    series: Series, entries: Iterable[Entry], history: History, holds: Holds, *,
    shop_zone: str, again_after_days: int | None, until: datetime,
) -> Past:  # fmt: skip
    """Everybody from their entry to ``until``. Nobody is inside twice; ``again_after_days`` as in the campaign."""
    return _Walk(series, history, holds, shop_zone, again_after_days, until).run(entries)


class _Walk:
    """The places of all, by the moment at which each is looked at again."""

    def __init__(
        self, series: Series, history: History, holds: Holds, zone: str, again: int | None, until: datetime
    ) -> None:
        self.series, self.history, self.holds = series, history, holds
        self.zone, self.again, self.until = zone, again, until
        self.past, self.open, self.numbers = Past(), list[_Stand](), count()
        self.last, self.within = dict[int, datetime](), set[int]()

    def run(self, entries: Iterable[Entry]) -> Past:
        waiting = sorted(entries, key=lambda one: (one.at, one.customer_id), reverse=True)
        while waiting or self.open:
            if waiting and (not self.open or waiting[-1].at <= self.open[0].due_at):
                self._enter(waiting.pop())
            elif self.open[0].due_at > self.until:
                break
            else:
                self._look(self._batch())
        self.past.inside = len(self.within)
        return self.past

    def _enter(self, one: Entry) -> None:
        before = self.last.get(one.customer_id)
        soon = before is not None and (self.again is None or one.at < before + timedelta(days=self.again))
        if one.at > self.until or one.customer_id in self.within or soon:
            self.past.turned_away += 1
            return
        self.past.entered += 1
        self.last[one.customer_id] = one.at
        self.within.add(one.customer_id)
        first = self.series.by_key[self.series.first]
        at = due(first, one.at, shop_zone=self.zone, own_zone=self.history.zones.get(one.customer_id))
        heapq.heappush(self.open, _Stand(at, next(self.numbers), one.customer_id, one.at, self.series.first))

    def _batch(self) -> list[_Stand]:
        """Those who are due next at one step on one day of the shop: a rule is asked once for all of them."""
        first = heapq.heappop(self.open)
        those, others = [first], list[_Stand]()
        day = first.due_at.astimezone(ZoneInfo(self.zone)).date()
        while self.open and self.open[0].due_at <= self.until:
            if self.open[0].due_at.astimezone(ZoneInfo(self.zone)).date() != day:
                break
            one = heapq.heappop(self.open)
            (those if one.step == first.step else others).append(one)
        for one in others:
            heapq.heappush(self.open, one)
        return those

    def _look(self, those: Sequence[_Stand]) -> None:
        step, goal = self.series.by_key[those[0].step], self.series.goal
        at, people = max(one.due_at for one in those), [one.customer_id for one in those]
        holding = self.holds(step.rule, at, people) if step.kind == "condition" else set()
        there = self.holds(goal.rule, at, people) if goal and goal.rule else set()
        for one in those:
            reached = one.customer_id in there or self._reached(one, goal.on if goal else "")
            self._on(one, step, Seen(reached=reached, holds=one.customer_id in holding))

    def _reached(self, one: _Stand, on: str) -> bool:
        moments = {"order": self.history.orders, "climb": self.history.climbs}.get(on, {}).get(one.customer_id, ())
        return bisect_right(moments, one.due_at) > bisect_right(moments, one.entered_at)

    def _on(self, one: _Stand, step: Any, seen: Seen) -> None:
        verdict = decide(self.series, one.step, seen, due_at=one.due_at, now=one.due_at)
        if verdict.act is Act.DO:
            self._done(one, step.kind)
        elif verdict.note:
            self.past.ways[one.step, verdict.note] += 1
        if verdict.to is None:
            self.past.left[verdict.outcome] += 1
            self.within.discard(one.customer_id)
            return
        zone = self.history.zones.get(one.customer_id)
        after = self.series.by_key[verdict.to]
        at = next_due(after, one.due_at, one.due_at, shop_zone=self.zone, own_zone=zone)
        heapq.heappush(self.open, _Stand(at, one.number, one.customer_id, one.entered_at, verdict.to))

    def _done(self, one: _Stand, kind: str) -> None:
        self.past.steps[one.step] += 1
        if kind == "message":
            self.past.mails[one.customer_id] += 1
            self.past.sent.append((one.customer_id, one.due_at))
        elif kind == "offer":
            self.past.codes[one.customer_id] += 1
            self.past.made.append((one.due_at, one.step))
