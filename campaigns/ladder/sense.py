"""Whether a rule makes sense: can anybody meet it at all, and does one rule follow from another?

Both answers are cautious. ``impossible`` speaks up only where nobody can ever meet the rule; ``implies`` only where
everybody who meets the one meets the other. What they do not see, a preview with real customers shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil, floor
from typing import Any

from campaigns.ladder.facts import FactType
from campaigns.ladder.rules import (
    All,
    Any_,
    BadRule,
    Between,
    Compare,
    Given,
    In,
    IsSet,
    Leaf,
    Never,
    Not,
    Rule,
    WithinLastDays,
    children,
    fact_of,
    typed,
)


@dataclass(frozen=True, slots=True)
class Span:
    """What the conditions on one fact leave open. ``exact`` is False where some of them could not be taken in."""

    low: Any = None
    low_open: bool = False
    high: Any = None
    high_open: bool = False
    only: frozenset[Any] | None = None
    without: frozenset[Any] = frozenset()
    known: bool = False
    unknown: bool = False
    recent: int | None = None
    exact: bool = True

    def both(self, other: Span) -> Span:
        """What both leave open."""
        return Span(
            *max((self.low, self.low_open), (other.low, other.low_open), key=_lowest),
            *min((self.high, self.high_open), (other.high, other.high_open), key=_highest),
            self.only if other.only is None else other.only if self.only is None else self.only & other.only,
            self.without | other.without,
            self.known or other.known,
            self.unknown or other.unknown,
            min((days for days in (self.recent, other.recent) if days is not None), default=None),
            self.exact and other.exact,
        )

    def empty(self) -> bool:
        """Whether nothing is left."""
        if self.known and self.unknown:
            return True
        if self.only is not None:
            return not any(self.holds(value) for value in self.only)
        if self.low is None or self.high is None:
            return False
        return bool(self.low > self.high or (self.low == self.high and not self.holds(self.low)))

    def holds(self, value: Any) -> bool:
        """Whether this leaves the value open."""
        above = self.low is None or value > self.low or (value == self.low and not self.low_open)
        below = self.high is None or value < self.high or (value == self.high and not self.high_open)
        return above and below and value not in self.without

    def inside(self, other: Span) -> bool:
        """Whether all that this leaves open, the other does too."""
        if not other.exact or (other.known and not self.known) or other.unknown != (other.unknown and self.unknown):
            return False
        if other.recent is not None and (self.recent is None or self.recent > other.recent):
            return False
        if self.only is not None:
            left = [value for value in self.only if self.holds(value)]
            return all(other.holds(value) and (other.only is None or value in other.only) for value in left)
        return (
            other.only is None
            and _lowest((other.low, other.low_open)) <= _lowest((self.low, self.low_open))
            and _highest((other.high, other.high_open)) >= _highest((self.high, self.high_open))
            and all(not self.holds(value) for value in other.without)
        )


def _lowest(bound: tuple[Any, bool]) -> tuple[Any, ...]:
    return (0,) if bound[0] is None else (1, bound[0], bound[1])


def _highest(bound: tuple[Any, bool]) -> tuple[Any, ...]:
    return (1,) if bound[0] is None else (0, bound[0], not bound[1])


def impossible(rule: Rule, path: str = "") -> BadRule | None:
    """Why nobody can ever meet the rule; None where somebody may."""
    if isinstance(rule, Any_):
        below = [impossible(child, _step(path, step)) for step, child in children(rule)]
        return below[0] if all(below) else None
    if isinstance(rule, Not):
        return None
    for place, child in _together(rule, path):
        if isinstance(child, Any_) and (found := impossible(child, place)):
            return found
    spans: dict[str, Span] = {}
    for place, leaf in _together(rule, path):
        if isinstance(leaf, All | Any_ | Not):
            continue
        spans[leaf.fact] = _natural(leaf).both(spans.get(leaf.fact, Span())).both(span(leaf))
        if spans[leaf.fact].empty():
            return BadRule(place, f"Nobody can meet this: it contradicts what else is asked of {leaf.fact}.")
    return _denied(rule, path)


def _denied(rule: Rule, path: str) -> BadRule | None:
    """A condition that stands beside its own contrary."""
    asked = [child for _, child in _together(rule, path)]
    for place, child in _together(rule, path):
        if isinstance(child, Not) and child.rule in asked:
            return BadRule(place, "Nobody can meet this: the same condition is asked for and ruled out.")
    return None


def implies(one: Rule, other: Rule) -> bool:
    """Whether whoever meets ``one`` always meets ``other``; False where that cannot be told."""
    if one == other or impossible(one) is not None:
        return True
    if isinstance(one, Any_):
        return all(implies(child, other) for child in one.rules)
    if isinstance(other, All):
        return all(implies(one, child) for child in other.rules)
    if isinstance(other, Any_):
        return any(implies(one, child) for child in other.rules)
    if isinstance(other, Not):
        return isinstance(one, Not) and implies(other.rule, one.rule)
    parts = [child for _, child in _together(one, "")]
    if any(isinstance(part, Any_) and implies(part, other) for part in parts):
        return True
    same = [
        _natural(part).both(span(part))
        for part in parts
        if not isinstance(part, All | Any_ | Not) and part.fact == other.fact
    ]
    if not same or fact_of(other).type is FactType.WORDS:
        return other in parts
    merged = same[0]
    for more in same[1:]:
        merged = merged.both(more)
    return merged.inside(span(other))


def _together(rule: Rule, path: str) -> Iterable[tuple[str, Rule]]:
    """All that must hold at once, with its path: the leaves and alternatives of nested ``all``."""
    if isinstance(rule, All):
        for step, child in children(rule):
            yield from _together(child, _step(path, step))
    else:
        yield path, rule


def _natural(leaf: Leaf) -> Span:
    """Bounds that a known value keeps by its nature: nobody has fewer than no orders."""
    least = fact_of(leaf).least
    return Span() if least is None else Span(low=least)


def span(leaf: Leaf) -> Span:
    """What one condition leaves open."""
    fact = fact_of(leaf)
    if isinstance(leaf, Never):
        return Span(unknown=True)
    known = Span(known=True)
    if isinstance(leaf, WithinLastDays):
        return replace(known, recent=leaf.days)
    if isinstance(leaf, IsSet) or fact.type is FactType.WORDS:
        return replace(known, exact=isinstance(leaf, IsSet))
    values = [typed(value, fact) for value in _values(leaf)]
    if fact.type is FactType.TIME and any(isinstance(value, datetime) for value in values):
        return replace(known, exact=False)  # a moment and a day compare only within a zone
    if isinstance(leaf, In):
        return replace(known, only=frozenset(values))
    if isinstance(leaf, Between):
        return replace(known, low=values[0], high=values[1])
    return _compared(leaf, values[0], known, whole=fact.type is FactType.WHOLE)


def _compared(leaf: Compare, value: Any, known: Span, *, whole: bool) -> Span:
    if leaf.op == "=":
        return replace(known, only=frozenset({value}))
    if leaf.op == "!=":
        return replace(known, without=frozenset({value}))
    if whole:  # between 2 and 3 there is no order
        value = floor(value) + 1 if leaf.op == ">" else ceil(value) - 1 if leaf.op == "<" else value
        return replace(known, low=value) if leaf.op[0] == ">" else replace(known, high=value)
    if leaf.op[0] == ">":
        return replace(known, low=value, low_open=leaf.op == ">")
    return replace(known, high=value, high_open=leaf.op == "<")


def _values(leaf: Compare | In | Between) -> tuple[Given, ...]:
    if isinstance(leaf, In):
        return leaf.values
    return (leaf.low, leaf.high) if isinstance(leaf, Between) else (leaf.value,)


def _step(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step
