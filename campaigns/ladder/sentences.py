"""A rule in words: English, Bahasa Indonesia, Dutch; and a leaf beside the figure that a customer has."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from campaigns.ladder.facts import Fact, FactType
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

LANGUAGES = ("en", "id", "nl")

Figure = bool | int | Decimal | str | date | datetime | list[str] | None
"""What a customer's fact is, as it comes from the database; money in major units."""

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "=": "{fact}: {value}",
        "!=": "{fact}: not {value}",
        "<": "{fact}: less than {value}",
        "<=": "{fact}: {value} at most",
        ">": "{fact}: more than {value}",
        ">=": "{fact}: at least {value}",
        "before": "{fact}: before {value}",
        "after": "{fact}: after {value}",
        "until": "{fact}: {value} at the latest",
        "from": "{fact}: {value} or later",
        "in": "{fact}: one of {value}",
        "between": "{fact}: from {low} to {high}",
        "is_set": "{fact}: known",
        "within_last_days": "{fact}: in the last {days} days",
        "never": "{fact}: never",
        "all": " and ",
        "any": " or ",
        "not": "not ({rule})",
        "true": "yes",
        "false": "no",
        "none": "not known",
        "now": "{sentence} (now: {value})",
        "everybody": "everybody who is known by name and address",
    },
    "id": {
        "=": "{fact}: {value}",
        "!=": "{fact}: bukan {value}",
        "<": "{fact}: kurang dari {value}",
        "<=": "{fact}: paling banyak {value}",
        ">": "{fact}: lebih dari {value}",
        ">=": "{fact}: minimal {value}",
        "before": "{fact}: sebelum {value}",
        "after": "{fact}: setelah {value}",
        "until": "{fact}: paling lambat {value}",
        "from": "{fact}: {value} atau sesudahnya",
        "in": "{fact}: salah satu dari {value}",
        "between": "{fact}: dari {low} sampai {high}",
        "is_set": "{fact}: diketahui",
        "within_last_days": "{fact}: dalam {days} hari terakhir",
        "never": "{fact}: belum pernah",
        "all": " dan ",
        "any": " atau ",
        "not": "bukan ({rule})",
        "true": "ya",
        "false": "tidak",
        "none": "tidak diketahui",
        "now": "{sentence} (sekarang: {value})",
        "everybody": "semua yang dikenal nama dan alamatnya",
    },
    "nl": {
        "=": "{fact}: {value}",
        "!=": "{fact}: niet {value}",
        "<": "{fact}: minder dan {value}",
        "<=": "{fact}: hoogstens {value}",
        ">": "{fact}: meer dan {value}",
        ">=": "{fact}: minstens {value}",
        "before": "{fact}: vóór {value}",
        "after": "{fact}: na {value}",
        "until": "{fact}: uiterlijk {value}",
        "from": "{fact}: {value} of later",
        "in": "{fact}: een van {value}",
        "between": "{fact}: van {low} tot en met {high}",
        "is_set": "{fact}: bekend",
        "within_last_days": "{fact}: in de laatste {days} dagen",
        "never": "{fact}: nooit",
        "all": " en ",
        "any": " of ",
        "not": "niet ({rule})",
        "true": "ja",
        "false": "nee",
        "none": "niet bekend",
        "now": "{sentence} (nu: {value})",
        "everybody": "iedereen van wie naam en adres bekend zijn",
    },
}

_OF_TIME = {"<": "before", ">": "after", "<=": "until", ">=": "from"}


def sentence(rule: Rule | None, lang: str) -> str:
    """The rule as one sentence without full stop; ``None`` (no rule) is everybody. Brackets keep together."""
    words = _WORDS[lang]
    if rule is None:
        return words["everybody"]
    if isinstance(rule, All | Any_):
        return words[rule.kind].join(_bracketed(child, lang) for child in rule.rules)
    if isinstance(rule, Not):
        return words["not"].format(rule=sentence(rule.rule, lang))
    return _leaf(rule, fact_of(rule), lang)


def leaf_sentence(leaf: Leaf, figure: Figure, lang: str) -> str:
    """A condition beside the figure the customer has: ``paid orders: at least 3 (now: 2)``."""
    return _WORDS[lang]["now"].format(sentence=sentence(leaf, lang), value=figure_text(figure, lang))


def figure_text(figure: Figure, lang: str) -> str:
    """A fact's value as people write it: ``1.250.000``, ``3 Mar 2026``, ``not known``."""
    if figure is None or figure == []:
        return _WORDS[lang]["none"]
    if isinstance(figure, bool):
        return _WORDS[lang]["true" if figure else "false"]
    if isinstance(figure, int | Decimal):
        return format_decimal(figure, locale=lang)
    if isinstance(figure, date):
        return format_date(figure, format="medium", locale=lang)
    return ", ".join(figure) if isinstance(figure, list) else figure


def _bracketed(rule: Rule, lang: str) -> str:
    inner = sentence(rule, lang)
    return f"({inner})" if isinstance(rule, All | Any_) and len(rule.rules) > 1 else inner


def _leaf(leaf: Leaf, fact: Fact, lang: str) -> str:
    words, label = _WORDS[lang], fact.labels[lang]

    def said(value: Given) -> str:
        return figure_text(typed(value, fact), lang)

    if isinstance(leaf, Compare):
        moment = fact.type in (FactType.TIME, FactType.DATE)
        phrase = _OF_TIME.get(leaf.op, leaf.op) if moment else leaf.op
        return words[phrase].format(fact=label, value=said(leaf.value))
    if isinstance(leaf, In):
        return words["in"].format(fact=label, value=", ".join(map(said, leaf.values)))
    if isinstance(leaf, Between):
        return words["between"].format(fact=label, low=said(leaf.low), high=said(leaf.high))
    if isinstance(leaf, WithinLastDays):
        return words["within_last_days"].format(fact=label, days=leaf.days)
    assert isinstance(leaf, IsSet | Never)  # noqa: S101 - all other leaves are gone by here
    return words[leaf.kind].format(fact=label)
