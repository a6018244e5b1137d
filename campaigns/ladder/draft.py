"""A rule while somebody builds it in a form: it may have gaps, and it survives being sent back and forth.

In the form each node is named by its place: ``r`` the root, ``r.0`` its first child, ``r.0.2`` that one's third. A
group has ``r.kind`` (all, any, not); a condition ``r.0.fact``, ``r.0.op`` and its ``r.0.value`` (several for a list or
a range). ``rule(of(any_rule))`` gives the rule back in its canonical form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from campaigns.ladder.facts import CATALOGUE, MOMENTS, ORDERED, Fact, FactType
from campaigns.ladder.rules import (
    DEEPEST,
    MOST_LEAVES,
    All,
    Any_,
    BadRule,
    Between,
    Compare,
    Given,
    In,
    Not,
    Rule,
    WithinLastDays,
    as_json,
    canonical,
    children,
    parse,
)

GROUPS = ("all", "any", "not")
ROOT = "r"
VALUELESS = ("is_set", "never")
MOST_FIELDS = MOST_LEAVES * (DEEPEST + 4)
"""Each condition sends three, each of the groups around it one; the page itself some more."""
Fields = Mapping[str, Sequence[str]]
"""A sent form: each name with all its values."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One node: a group with ``below``, or a condition with fact, op and the values as they were typed."""

    kind: str
    fact: str = ""
    op: str = ""
    values: tuple[str, ...] = ()
    below: tuple[Draft, ...] = field(default=())

    @property
    def is_group(self) -> bool:
        """Whether it holds others."""
        return self.kind in GROUPS


EMPTY = Draft("all", below=(Draft("leaf", "orders", ">=", ("1",)),))
"""Where building begins."""


def ops(fact: Fact) -> tuple[str, ...]:
    """What may be asked of a fact, the usual first."""
    if fact.type is FactType.WORDS:
        return ("in", "is_set")
    if fact.type in (FactType.TEXT, FactType.YES_NO):
        return ("=", "!=", "in", "is_set")
    if fact.type in MOMENTS:
        return ("within_last_days", "<", ">", "<=", ">=", "between", "is_set", "never", "=", "!=", "in")
    assert fact.type in ORDERED  # noqa: S101 - nothing else is left
    return (">=", "<=", ">", "<", "=", "!=", "between", "in", "is_set")


KNOWN_OPS = {"", *(op for fact in CATALOGUE.values() for op in ops(fact))}


def about(fact: Fact) -> Draft:
    """A beginning with one condition on ``fact`` that still wants its value."""
    return Draft("all", below=(Draft("leaf", fact.name, ops(fact)[0], ("",)),))


def of(rule: Rule) -> Draft:
    """The draft of a finished rule. A single condition stands in a group of its own, so that more can be added."""
    made = _of(canonical(rule))
    return made if made.is_group else Draft("all", below=(made,))


def _of(rule: Rule) -> Draft:
    if isinstance(rule, All | Any_ | Not):
        return Draft(rule.kind, below=tuple(_of(child) for _, child in children(rule)))
    if isinstance(rule, Compare):
        return Draft("leaf", rule.fact, rule.op, (_text(rule.value),))
    if isinstance(rule, In):
        return Draft("leaf", rule.fact, "in", tuple(map(_text, rule.values)))
    if isinstance(rule, Between):
        return Draft("leaf", rule.fact, "between", (_text(rule.low), _text(rule.high)))
    if isinstance(rule, WithinLastDays):
        return Draft("leaf", rule.fact, rule.kind, (str(rule.days),))
    return Draft("leaf", rule.fact, rule.kind)


def _text(value: Given) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def fields(draft: Draft, name: str = ROOT) -> dict[str, list[str]]:
    """The draft as a form would send it."""
    if not draft.is_group:
        return {f"{name}.fact": [draft.fact], f"{name}.op": [draft.op], f"{name}.value": list(draft.values)}
    made = {f"{name}.kind": [draft.kind]}
    for place, child in enumerate(draft.below):
        made |= fields(child, f"{name}.{place}")
    return made


def read(sent: Fields, name: str = ROOT, depth: int = 0) -> Draft:
    """The draft of a sent form; whatever is missing stays empty. Raises ``BadRule`` where it is too large."""
    if depth == 0 and len(sent) > MOST_FIELDS:
        raise BadRule("", f"A rule may have {MOST_LEAVES} conditions at most.")
    if depth > DEEPEST:
        raise BadRule("", f"Rules may be nested {DEEPEST} deep at most.")
    kind = _first(sent, f"{name}.kind")
    if kind not in GROUPS:
        return Draft(
            "leaf", _first(sent, f"{name}.fact"), _first(sent, f"{name}.op"), tuple(sent.get(f"{name}.value", ()))
        )
    places = sorted({int(part) for key in sent if (part := _place(key, name)).isdecimal() and len(part) < 6})
    return Draft(kind, below=tuple(read(sent, f"{name}.{place}", depth + 1) for place in places))


def _first(sent: Fields, key: str) -> str:
    return next(iter(sent.get(key, ())), "")


def _place(key: str, name: str) -> str:
    return key.removeprefix(f"{name}.").split(".")[0] if key.startswith(f"{name}.") else ""


def rule(draft: Draft, name: str = ROOT) -> Rule:
    """The finished rule, canonical. Raises ``BadRule``; its path is the node's name in the form, such as ``r.0``."""
    return canonical(parse(as_json(_rule(draft, name))))


def faults(draft: Draft, name: str = ROOT) -> dict[str, BadRule]:
    """All that is wrong, by the node's name in the form."""
    if draft.is_group:
        if not draft.below:
            return {name: BadRule(name, "Add a condition, or take the group out.")}
        return {
            key: bad for place, child in enumerate(draft.below) for key, bad in faults(child, f"{name}.{place}").items()
        }
    try:
        _leaf(draft)
    except BadRule as bad:
        return {name: BadRule(name, bad.problem)}
    return {}


def _rule(draft: Draft, name: str) -> Rule:
    wrong = faults(draft, name)
    if wrong:
        raise next(iter(wrong.values()))
    if not draft.is_group:
        return _leaf(draft)
    below = tuple(_rule(child, f"{name}.{place}") for place, child in enumerate(draft.below))
    if draft.kind == "not":
        return Not(rule=below[0] if len(below) == 1 else Any_(rules=below))
    return All(rules=below) if draft.kind == "all" else Any_(rules=below)


def _leaf(draft: Draft) -> Rule:
    fact = CATALOGUE.get(draft.fact)
    if fact is None:
        return parse({"kind": "is_set", "fact": draft.fact})
    values = [_given(value, fact) for value in draft.values if value != ""]
    made: dict[str, Any] = {"kind": draft.op, "fact": draft.fact}
    if draft.op == "in":
        made["values"] = values
    elif draft.op == "between":
        made |= dict(zip(("low", "high"), values, strict=False))
    elif draft.op == "within_last_days":
        made |= {"days": draft.values[0]} if values else {}
    elif draft.op not in VALUELESS:
        made |= {"kind": "cmp", "op": draft.op} | ({"value": values[0]} if values else {})
    return parse(made)


def _given(value: str, fact: Fact) -> Given:
    """What was typed, in the form that rules hold."""
    if fact.type is FactType.YES_NO and value in ("true", "false"):
        return value == "true"
    if fact.type in (FactType.TEXT, FactType.WORDS):
        return value
    bare = value.strip()
    whole = fact.type is FactType.WHOLE and bare.removeprefix("-").isdecimal() and len(bare) < 20
    return int(bare) if whole else bare


def edited(draft: Draft, what: str, at: str) -> Draft:
    """With a condition added (``add``), a group added (``group``) or the node taken out (``remove``) at a name.

    Raises ``BadRule`` where it would grow larger than a rule may be.
    """
    made = _edited(draft, what, [int(step) for step in at.split(".")[1:] if step.isdecimal()])
    measured(made)
    return made


def measured(draft: Draft, depth: int = 0) -> int:
    """How many conditions it has. Raises ``BadRule`` where it is larger than a rule may be."""
    if depth > DEEPEST:
        raise BadRule("", f"Rules may be nested {DEEPEST} deep at most.")
    count = sum(measured(child, depth + 1) for child in draft.below) if draft.is_group else 1
    if count > MOST_LEAVES:
        raise BadRule("", f"A rule may have {MOST_LEAVES} conditions at most.")
    return count


def _edited(draft: Draft, what: str, path: list[int]) -> Draft:
    if not path:
        fresh = {"add": EMPTY.below, "group": (replace(EMPTY, kind="any"),)}.get(what, ())
        return replace(draft, below=(*draft.below, *fresh))
    place, *rest = path
    if place >= len(draft.below):
        return draft
    kept: Iterable[Draft] = () if what == "remove" and not rest else (_edited(draft.below[place], what, rest),)
    return replace(draft, below=(*draft.below[:place], *kept, *draft.below[place + 1 :]))


def settled(draft: Draft) -> Draft:
    """With an op that its fact can answer, and as many places for values as the op wants.

    What no page ever offers, an unknown fact or op, stays as it is: it is refused, and nothing else taken for it.
    """
    if draft.is_group:
        return replace(draft, below=tuple(settled(child) for child in draft.below))
    fact = CATALOGUE.get(draft.fact or "orders")
    if fact is None or draft.op not in KNOWN_OPS:
        return draft
    op = draft.op if draft.op in ops(fact) else ops(fact)[0]
    given = [value for value in draft.values if value] if op == "in" else list(draft.values)
    wanted = {"in": len(given) + 1, "between": 2}.get(op, 0 if op in VALUELESS else 1)
    return Draft("leaf", fact.name, op, tuple((given + [""] * wanted)[:wanted]))
