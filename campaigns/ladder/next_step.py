"""What somebody has to do for the next rung: each way there, and until when the shortest one is open. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any, Final

from campaigns.ladder.facts import CATALOGUE, FactType
from campaigns.ladder.rules import All, Any_, Compare, IsSet, Leaf, Not, Rule, WithinLastDays

FIXED: Final = ("first_", "second_", "third_", "known_since", "enquired_at", "member_since")
"""Moments that nothing moves any more once they are: only from these does a window close on a known day."""
MOST_WAYS: Final = 16
AGAIN: Final = {
    "last_order_at": "orders", "days_since_order": "orders", "last_referral_at": "referrals_converted",
    "last_review_at": "reviews",
}  # fmt: skip
"""What has been too long ago is recent again by one more of these."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: ``short`` more of the fact (orders, friends, major units of money); None for what just is."""

    fact: str
    short: int | Decimal | None

    def as_json(self) -> dict[str, Any]:
        """``{"fact", "short"}``; amounts as text."""
        return {"fact": self.fact, "short": str(self.short) if isinstance(self.short, Decimal) else self.short}


Way = tuple[Step, ...]


def ways(rule: Rule | None, held: Mapping[Leaf, bool], figures: Mapping[str, Any]) -> tuple[Way, ...]:
    """The ways to fulfil a rule that does not hold yet, those with the fewest steps first.

    ``held`` tells of each condition whether it holds, ``figures`` what the facts are now. Empty where nothing is
    missing, and where no act of theirs would bring them there (a window that has closed, a ``not``).
    """
    if rule is None:
        return ()
    found = [way for way in _ways(rule, held, figures) or () if way]
    return tuple(sorted(dict.fromkeys(found), key=len))


def open_until(rule: Rule | None, held: Mapping[Leaf, bool], figures: Mapping[str, Any]) -> datetime | date | None:
    """The last moment at which a window of the rule that is open now stays open; None without such a window."""
    ends = [
        figures[leaf.fact] + timedelta(days=leaf.days)
        for leaf in _needed(rule)
        if isinstance(leaf, WithinLastDays) and held[leaf] and figures.get(leaf.fact) and leaf.fact.startswith(FIXED)
    ]
    return min(ends, key=lambda end: (end.year, end.month, end.day)) if ends else None


def _ways(rule: Rule, held: Mapping[Leaf, bool], figures: Mapping[str, Any]) -> list[Way] | None:
    """The ways, ``[()]`` where the rule holds already, None where there is none."""
    if isinstance(rule, All):
        parts = [_ways(child, held, figures) for child in rule.rules]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return [_joined(chosen) for chosen in _few(product(*known))]
    if isinstance(rule, Any_):
        tried = [_ways(child, held, figures) for child in rule.rules]
        found = [way for part in tried if part is not None for way in part]
        return [()] if () in found else found[:MOST_WAYS] or None
    if isinstance(rule, Not):  # nothing that somebody could do
        return None
    if held[rule]:
        return [()]
    step = _step(rule, figures)
    return [(step,)] if step else None


def _few(found: Any) -> list[tuple[Way, ...]]:
    return [chosen for _, chosen in zip(range(MOST_WAYS), found, strict=False)]


def _joined(parts: tuple[Way, ...]) -> Way:
    """All steps of several ways; of two that ask for the same fact, the larger."""
    most: dict[str, Step] = {}
    for step in (step for part in parts for step in part):
        before = most.get(step.fact)
        if before is None or (step.short or 0) > (before.short or 0):
            most[step.fact] = step
    return tuple(most.values())


def _step(leaf: Leaf, figures: Mapping[str, Any]) -> Step | None:
    if isinstance(leaf, IsSet) or (isinstance(leaf, Compare) and leaf.op == "=" and leaf.value is True):
        return Step(leaf.fact, None)
    if isinstance(leaf, WithinLastDays | Compare) and leaf.fact in AGAIN:
        late = isinstance(leaf, WithinLastDays) or leaf.op in ("<", "<=")
        return Step(AGAIN[leaf.fact], 1) if late else None
    if isinstance(leaf, Compare) and leaf.op in (">=", ">") and (counted := _COUNTED.get(CATALOGUE[leaf.fact].type)):
        has, wanted = counted(figures.get(leaf.fact) or 0), counted(leaf.value)
        return Step(leaf.fact, wanted - has + (1 if leaf.op == ">" else 0))
    return None


def _needed(rule: Rule | None) -> list[Leaf]:
    """The conditions that must all hold, alternatives left out."""
    if isinstance(rule, All):
        return [leaf for child in rule.rules for leaf in _needed(child)]
    return [] if rule is None or isinstance(rule, Any_ | Not) else [rule]


def _amount(value: Any) -> Decimal:
    return Decimal(str(value))


_COUNTED: dict[FactType, Callable[[Any], int] | Callable[[Any], Decimal]] = {
    FactType.WHOLE: int,
    FactType.MONEY: _amount,
}
