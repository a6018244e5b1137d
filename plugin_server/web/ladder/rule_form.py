"""The rule builder: what each condition of a draft offers to choose, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from campaigns.ladder import draft, nature
from campaigns.ladder.draft import ROOT, Draft
from campaigns.ladder.facts import CATALOGUE, MOMENTS, Fact, FactType
from campaigns.ladder.facts_list import BLOCKS
from campaigns.ladder.phrases import CHOICES
from campaigns.ladder.rules import BadRule, Rule
from plugin_server.web import zeros
from plugin_server.web.ladder.rungs import RungName
from plugin_server.web.words import Words

GROUPS = ("orders", "reckoned", "habits", "person", "contact", "outlook", "standing")
"""Headings for the blocks of the catalogue, in its order."""

_PLAIN = {"=": "is", "!=": "is_not", "<": "less", "<=": "most", ">": "more", ">=": "least"}
_MOMENT = {"<": "before", "<=": "until", ">": "after", ">=": "from"}

Option = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One condition as the page shows it. ``kind`` is the type of its inputs; ``choices`` make them selects."""

    name: str
    draft: Draft
    ops: list[Option]
    kind: str
    choices: list[Option]
    fault: str

    @property
    def label(self) -> str:
        """How a programme for the blind calls it: its number among the conditions."""
        return re.sub(r"^s\d+\.", "", self.name).partition(".")[2].replace(".", "–")


@dataclass(frozen=True)
class Builder:
    """The whole form: facts to choose by heading, closed lists of values, and the draft with its faults."""

    draft: Draft
    faults: Mapping[str, BadRule]
    facts: list[tuple[str, list[Option]]]
    lists: Mapping[str, list[Option]]
    words: Words
    name: str = ROOT
    broken: frozenset[str] = frozenset()
    """Fields out of which a zero byte was taken."""

    def row(self, name: str, leaf: Draft) -> Row:
        """One condition with all that can be chosen in it."""
        fact = CATALOGUE.get(leaf.fact) or CATALOGUE["orders"]
        ops = [(op, self.words(f"op.{_word(op, fact)}")) for op in draft.ops(fact)]
        days = leaf.op == "within_last_days"
        kind = "number" if days else _INPUTS[fact.type]
        choices = [] if days else self.lists.get(fact.name, [])
        offered = leaf.fact in CATALOGUE and leaf.op in draft.KNOWN_OPS
        fault = self.words(f"rule_fault.{fact.type.value}") if name in self.faults else ""
        if fault and (not offered or (kind == "text" and any(leaf.values))):
            fault = self.words.said(self.faults[name].problem)
        if f"{name}.value" in self.broken:
            fault = self.words.said(zeros.SENTENCE)
        return Row(name, leaf, ops, kind, choices, fault)

    def empty(self, name: str) -> bool:
        """Whether a group lacks conditions."""
        return name in self.faults


_INPUTS = {
    FactType.WHOLE: "number",
    FactType.DECIMAL: "number",
    FactType.MONEY: "number",
    FactType.DATE: "date",
    FactType.TIME: "date",
    FactType.TEXT: "text",
    FactType.WORDS: "text",
    FactType.YES_NO: "text",
}


def _word(op: str, fact: Fact) -> str:
    return (_MOMENT | {"=": "is", "!=": "is_not"} if fact.type in MOMENTS else _PLAIN).get(op, op)


def builder(
    connection: Connection,
    made: Draft,
    words: Words,
    rungs: Sequence[RungName],
    broken: frozenset[str] = frozenset(),
) -> Builder:
    """The form of a draft; ``broken`` are fields that need a second look."""
    shown = draft.settled(made)
    lists = _lists(connection, words, rungs)
    return Builder(shown, draft.faults(shown), _facts(words, ladder=False), lists, words, broken=broken)


def builders(
    connection: Connection, made: Mapping[str, Draft], words: Words, rungs: Sequence[RungName] | None = None
) -> dict[str, Builder]:
    """Several forms on one page, by the name of their root.

    Without ``rungs`` they are the rules of a ladder, which cannot ask for the ladder.
    """
    facts, lists = _facts(words, ladder=rungs is None), _lists(connection, words, rungs or ())
    shown = {name: draft.settled(one) for name, one in made.items()}
    return {name: Builder(one, draft.faults(one, name), facts, lists, words, name) for name, one in shown.items()}


def _facts(words: Words, ladder: bool) -> list[tuple[str, list[Option]]]:
    blocks = zip(GROUPS, BLOCKS.items(), strict=True)
    return [
        (words(f"fact_group.{group}"), [(row[0], CATALOGUE[row[0]].labels[words.language]) for row in rows])
        for group, (_, rows) in blocks
        if not (ladder and CATALOGUE[rows[0][0]].of_today)
    ]


def _lists(connection: Connection, words: Words, rungs: Sequence[RungName]) -> dict[str, list[Option]]:
    """Values to choose from, where there is a list of them."""
    stores = connection.execute(text("SELECT id::text, name FROM store ORDER BY id")).all()
    shelves = connection.scalars(text("SELECT DISTINCT name FROM category ORDER BY name LIMIT 300"))
    lists: dict[str, list[Any]] = {
        "rung": [rung.option for rung in rungs],
        "stores": [tuple(row) for row in stores],
        "categories": [(name, name) for name in shelves],
    }
    for name, fact in CATALOGUE.items():
        if fact.choices:
            lists[name] = [(key, CHOICES[words.language][key]) for key in fact.choices]
        elif fact.type is FactType.YES_NO:
            lists[name] = [("true", words("rule.yes")), ("false", words("rule.no"))]
    return {name: options for name, options in lists.items() if options}


def sent(form: Any) -> tuple[Draft, BadRule | None]:
    """The draft that a form sent, after the button ``do`` (such as ``add:r.1``) was pressed.

    With the fault where it is, or would become, larger than a rule may be: then the button has done nothing, and a form
    that no page of ours ever sends begins anew.
    """
    made = draft.EMPTY
    try:
        read = draft.read(form.to_dict(flat=False))
        draft.measured(read)
        made = read if read.is_group else made
        what, _, where = form.get("do", "").partition(":")
        return (draft.edited(made, what, where) if what in ("add", "group", "remove") else made), None
    except BadRule as bad:
        return made, bad


def finished(made: Draft) -> Rule | None:
    """The rule of a draft without gaps; None where something is still missing."""
    try:
        return draft.rule(draft.settled(made))
    except BadRule:
        return None


def why_nobody(rule: Rule, words: Words) -> str:
    """Why nobody can ever meet a rule, in the reader's language; empty where somebody may."""
    found = nature.contradiction(rule)
    if isinstance(found, nature.Clash):
        one, other = (CATALOGUE[name].labels[words.language] for name in (found.one, found.other))
        return words("segments.clash", one=one, other=other)
    return words("segments.impossible") if found else ""
