"""A rule in words: English, Bahasa Indonesia, Dutch; and a leaf beside the figure that a customer has.

``campaigns.ladder.reading`` reads the same sentences back. Texts stand in quotation marks “ ”, doubled where they
hold one themselves.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from campaigns.ladder.facts import MOMENTS, Fact
from campaigns.ladder.phrases import CHOICES, JOINED, LANGUAGES, OF_TIME, PHRASES, WORDS
from campaigns.ladder.rules import (
    All,
    Any_,
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
    fact_of,
    typed,
)

__all__ = ["LANGUAGES", "Figure", "figure_text", "leaf_sentence", "sentence"]

Figure = bool | int | Decimal | str | date | datetime | list[str] | None
"""What a customer's fact is, as it comes from the database; money in major units."""


def sentence(rule: Rule | None, lang: str) -> str:
    """The rule as one sentence without full stop; ``None`` (no rule) is everybody. Brackets keep together."""
    if rule is None:
        return WORDS[lang]["everybody"]
    if isinstance(rule, All | Any_):
        return JOINED[lang][rule.kind].join(_bracketed(child, lang) for child in rule.rules)
    if isinstance(rule, Not) and isinstance(rule.rule, IsSet):
        return f"{fact_of(rule.rule).labels[lang]}: {WORDS[lang]['none']}"
    if isinstance(rule, Not):
        return JOINED[lang]["not"].format(rule=sentence(rule.rule, lang))
    fact = fact_of(rule)
    return f"{fact.labels[lang]}: {_said(rule, fact, lang)}"


def leaf_sentence(leaf: Leaf, figure: Figure, lang: str) -> str:
    """A condition beside the figure the customer has: ``paid orders: at least 3 (now: 2)``."""
    fact = fact_of(leaf)
    told = CHOICES[lang].get(figure, figure) if fact.choices and isinstance(figure, str) else figure
    return WORDS[lang]["now"].format(sentence=sentence(leaf, lang), value=figure_text(told, lang))


def figure_text(figure: Figure, lang: str) -> str:
    """A fact's value as people write it: ``1.250.000``, ``3 Mar 2026``, ``not known``."""
    if figure is None or figure == []:
        return WORDS[lang]["none"]
    if isinstance(figure, bool):
        return WORDS[lang]["true" if figure else "false"]
    if isinstance(figure, int | Decimal):
        return format_decimal(figure, locale=lang, decimal_quantization=False)
    if isinstance(figure, date):
        return format_date(figure, format="d MMM y", locale=lang)
    return ", ".join(figure) if isinstance(figure, list) else figure


def _bracketed(rule: Rule, lang: str) -> str:
    inner = sentence(rule, lang)
    return f"({inner})" if isinstance(rule, All | Any_) and len(rule.rules) > 1 else inner


def _said(leaf: Leaf, fact: Fact, lang: str) -> str:
    phrases = PHRASES[lang]

    def value(given: Given) -> str:
        return _value(given, fact, lang)

    if isinstance(leaf, Compare):
        phrase = OF_TIME.get(leaf.op, leaf.op) if fact.type in MOMENTS else leaf.op
        return phrases[phrase].format(value=value(leaf.value))
    if isinstance(leaf, In):
        return phrases["in"].format(value=", ".join(map(value, leaf.values)))
    if isinstance(leaf, Between):
        return phrases["between"].format(low=value(leaf.low), high=value(leaf.high))
    if isinstance(leaf, WithinLastDays):
        return phrases["within_last_days"].format(days=leaf.days)
    assert isinstance(leaf, IsSet | Never)  # noqa: S101 - all other leaves are gone by here
    return phrases[leaf.kind]


def _value(given: Given, fact: Fact, lang: str) -> str:
    """A value of a rule, with nothing lost: the time of day and its zone too."""
    made = typed(given, fact)
    if isinstance(made, datetime):
        precise = "auto" if made.second or made.microsecond else "minutes"
        return f"{figure_text(made, lang)} {made.timetz().isoformat(precise)}"
    if isinstance(made, str):
        return CHOICES[lang][made] if fact.choices else f"“{made.replace('”', '””')}”"
    return figure_text(made, lang)
