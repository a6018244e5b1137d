"""What is wrong with a series, found before anybody is in it: each fault with its place and its mend."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any, Final

from campaigns.ladder.nature import contradiction
from campaigns.series import DOES, Series, offer_before
from campaigns.steps import EXIT, MOST_STEPS, ConditionStep, GoalStep, UntilStep, WaitStep

Fault = tuple[tuple[str | int, ...], str]
"""The path of a field, and a sentence."""
BOTH: Final = ("next", "then", "else")


def keyed(steps: tuple[Any, ...]) -> tuple[Any, ...]:
    """The steps, each with a key: ``message2`` for the second step where a message has none of its own."""
    return tuple(
        step if step.key else step.model_copy(update={"key": f"{step.kind}{place}"})
        for place, step in enumerate(steps, start=1)
    )


def faults(steps: tuple[Any, ...]) -> list[Fault]:
    """All that is wrong with a list of steps, each of which is sound in itself; empty for a good one."""
    if len(steps) > MOST_STEPS:
        return [(("steps",), f"has {len(steps)} steps; {MOST_STEPS} at most")]
    found = [*_keys(steps), *_targets(steps)]
    if found:
        return found
    series = Series(steps)
    if circles := list(_circles(series)):
        return circles
    if lost := list(_lost(series)):
        return lost
    return [*_rules(series), *_goals(series), *_letters(series), *_offers(series), *_idle(series)]


def _keys(steps: tuple[Any, ...]) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, step in enumerate(steps):
        if step.key in seen:
            yield (("steps", place, "key"), f"{step.key!r} is the key of an earlier step; give each its own")
        seen.add(step.key)


def _targets(steps: tuple[Any, ...]) -> Iterator[Fault]:
    keys = {step.key for step in steps}
    for place, step in enumerate(steps):
        for name in BOTH:
            told = getattr(step, "else_" if name == "else" else name, None)
            if told is not None and told != EXIT and told not in keys:
                yield (("steps", place, name), f"there is no step {told!r}; there are {', '.join(sorted(keys))}")


def _place(series: Series, key: str) -> tuple[str | int, ...]:
    return ("steps", [step.key for step in series.steps].index(key))


def _circles(series: Series) -> Iterator[Fault]:
    """Ways back to a step from which one came: nobody would ever get to the end."""
    done: set[str] = set()
    for step in series.steps:
        yield from _back(series, step.key, [], done)


def _back(series: Series, key: str, trail: list[str], done: set[str]) -> Iterator[Fault]:
    if key in done:
        return
    trail = [*trail, key]
    for way in dict.fromkeys(series.ways(key)):
        if way in trail:
            step = series.by_key[key]
            name = next(
                (name for name in BOTH if getattr(step, "else_" if name == "else" else name, None) == way), "next"
            )
            sentence = f"leads back to {way!r}, round and round; lead on to a later step, or to exit"
            yield ((*_place(series, key), name), sentence)
        elif way is not None:
            yield from _back(series, way, trail, done)
    done.add(key)


def _lost(series: Series) -> Iterator[Fault]:
    """Steps that nobody ever gets to."""
    reached, open_ = set[str](), [series.first]
    while open_:
        key = open_.pop()
        if key not in reached:
            reached.add(key)
            open_ += [way for way in series.ways(key) if way is not None]
    for place, step in enumerate(series.steps):
        if step.key in reached:
            continue
        before = series.steps[place - 1]
        if isinstance(step, GoalStep):
            yield (("steps", place), "the goal is never come to: no step leads here")
        elif before.kind == EXIT:
            yield (("steps", place), f"stands after the exit {before.key!r}, where nobody comes; take one of them out")
        else:
            yield (("steps", place), "nobody gets here: no step leads to it; lead one here, or take it out")


def _rules(series: Series) -> Iterator[Fault]:
    for place, step in enumerate(series.steps):
        if isinstance(step, ConditionStep | GoalStep) and step.rule is not None:
            wrong = contradiction(step.rule)
            if wrong is not None:
                inner = tuple(part for part in wrong.path.split(".") if part)
                why = "the goal is never reached. " if isinstance(step, GoalStep) else ""
                yield (("steps", place, "rule", *inner), why + wrong.problem)


def _goals(series: Series) -> Iterator[Fault]:
    goals = [(place, step) for place, step in enumerate(series.steps) if isinstance(step, GoalStep)]
    for place, _ in goals[1:]:
        yield (("steps", place), "is a second goal; a series has one, whose rule may join several with any")
    if goals and not _takes_time(series):
        place, _ = goals[0]
        yield (("steps", place, "days"), "the goal is never reached: the series takes no time; give days, or a wait")


def _takes_time(series: Series) -> bool:
    return any(_least(step) or isinstance(step, UntilStep) for step in series.steps)


def _least(step: Any) -> timedelta:
    """The least time somebody spends at a step who does not leave there."""
    if isinstance(step, WaitStep):
        return timedelta(days=step.days, hours=step.hours)
    return timedelta(days=step.days) if isinstance(step, GoalStep) else timedelta()


def _letters(series: Series) -> Iterator[Fault]:
    """Two mails at once: the second would come before the first is read."""
    for place, step in enumerate(series.steps):
        if step.kind != "message":
            continue
        for before in _at_once_before(series, step.key):
            yield (("steps", place), f"comes at once after the mail {before!r}; put a wait between them")


def _at_once_before(series: Series, key: str) -> list[str]:
    found, seen, open_ = [], {key}, series.keys_before(key)
    while open_:
        one = open_.pop()
        if one in seen:
            continue
        seen.add(one)
        step = series.by_key[one]
        if step.kind == "message":
            found.append(one)
        elif not _least(step) and not isinstance(step, UntilStep):
            open_ += series.keys_before(one)
    return sorted(found)


def _offers(series: Series) -> Iterator[Fault]:
    used: set[str | None] = set()
    for place, step in enumerate(series.steps):
        if step.kind not in ("message", "webhook"):
            continue
        held = offer_before(series, step.key)
        used |= held
        if step.kind == "webhook":
            continue
        if len(held) > 1:
            names = ", ".join("no code" if one is None else f"the code of {one!r}" for one in sorted(held, key=str))
            yield (("steps", place), f"some come here with {names}; lead each to a mail of its own")
        for key in held - {None}:
            yield from _in_time(series, str(key), step.key)
    budgets = {step.offer.budget for step in series.steps if step.kind == "offer"}
    for place, step in enumerate(series.steps):
        if step.kind == "offer" and step.key not in used:
            yield (("steps", place), "its code is never told: no mail or webhook comes after it")
        if step.kind == "offer" and len(budgets) > 1:
            yield (("steps", place, "offer", "budget"), "give all offers of a series the same: it bounds them together")


def _in_time(series: Series, offer: str, letter: str) -> Iterator[Fault]:
    days = series.by_key[offer].offer.valid_days
    least = _shortest(series, offer, letter)
    if least is not None and least > timedelta(days=days):
        sentence = f"the code of {offer!r} works for {days} days, and is over before this mail comes"
        yield (_place(series, letter), sentence)


def _shortest(series: Series, start: str, goal: str) -> timedelta | None:
    @cache
    def left(key: str) -> timedelta | None:
        if key == goal:
            return timedelta()
        ways = [left(way) for way in series.ways(key) if way is not None]
        known = [way for way in ways if way is not None]
        return _least(series.by_key[key]) + min(known) if known else None

    return left(start)


def _idle(series: Series) -> Iterator[Fault]:
    if not any(step.kind in DOES for step in series.steps):
        yield (("steps",), "nothing happens in this series; add a message, an offer, a tag, a task or a webhook")
