"""The rule builder as a browser sees it: whatever rule may be saved comes back out of its page as the same rule."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader

from campaigns.ladder import draft
from campaigns.ladder.facts import CATALOGUE, MOMENTS
from campaigns.ladder.rules import Between, Compare, In, IsSet, Never, Not, Rule, WithinLastDays, canonical
from plugin_server import web
from plugin_server.web.ladder.rule_form import Builder, _facts
from plugin_server.web.words import Words
from tests.ladder.test_rules import RULES
from tests.ladder.test_words_of_rules import sound

WORDS = {language: Words(language, UTC, datetime(2026, 6, 15, tzinfo=UTC)) for language in ("en", "id", "nl")}
PAGE = Environment(loader=FileSystemLoader(Path(web.__file__).parent / "templates"), autoescape=True)


class Browser(HTMLParser):
    """The fields that a browser would send: it drops what an input of a type cannot hold."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._select = ""
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select, self._options = has["name"], []
        elif tag == "option":
            self._options.append((has["value"], "selected" in has))
        elif tag == "input":
            self.sent.setdefault(has["name"], []).append(_held(has["type"], has["value"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            chosen = [value for value, selected in self._options if selected] or [self._options[0][0]]
            self.sent.setdefault(self._select, []).append(chosen[-1])


def _held(kind: str, value: str) -> str:
    if kind == "number":
        return value if re.fullmatch(r"-?\d+(\.\d+)?", value) else ""
    if kind == "date":
        return value if re.fullmatch(r"\d{4}-\d\d-\d\d", value) and date.fromisoformat(value) else ""
    return value.replace("\r", "").replace("\n", "")


def through_the_page(rule: Rule, language: str) -> Rule:
    """What is read from the form that was drawn for a rule."""
    made, words = draft.settled(draft.of(rule)), WORDS[language]
    choices: dict[str, Any] = {"country": [("ID", "Indonesia")], "has_account": [("true", "yes"), ("false", "no")]}
    built = Builder(made, draft.faults(made), _facts(words, ladder=False), choices, words)
    assert not built.faults
    module: Any = PAGE.get_template("_rule.html").module
    browser = Browser()
    browser.feed(str(module.group(draft.ROOT, made, built, words, "/look")))
    return draft.rule(draft.settled(draft.read(browser.sent)))


@settings(max_examples=50, deadline=None)
@given(rule=RULES, language=st.sampled_from(list(WORDS)))
def test_any_rule_comes_back_from_its_page(rule: Rule, language: str) -> None:
    assert through_the_page(sound(rule), language) == canonical(rule)


def test_every_fact_and_everything_that_can_be_asked_of_it() -> None:
    samples: dict[str, list[Any]] = {
        "whole": [3, -1],
        "decimal": ["2.5", "0.000000000001"],
        "money": ["19.95", "999999999999999"],
        "time": ["2024-02-29", "2026-03-01T12:00:00.000001+07:00"],
        "date": ["2024-02-29", "0001-01-01"],
        "text": ['"%s" & <b>', "ﷺ 😀 “x”"],
        "words": ["a, b", " c "],
        "yes_no": [True, False],
    }
    for name, fact in CATALOGUE.items():
        some = list(fact.choices[:2]) or samples[fact.type.value]
        asked: list[Rule] = [IsSet(fact=name), In(fact=name, values=tuple(some))]
        asked += [
            Compare(fact=name, op=op, value=some[0])
            for op in ("=", "!=", "<", "<=", ">", ">=")
            if op in draft.ops(fact)
        ]  # type: ignore[arg-type]
        if "between" in draft.ops(fact):
            low, high = sorted(some, key=lambda one: str(one) if fact.type in MOMENTS else float(one))
            asked.append(Between(fact=name, low=low, high=high))
        if fact.type in MOMENTS:
            asked += [Never(fact=name), WithinLastDays(fact=name, days=36_500)]
        for rule in asked:
            assert through_the_page(Not(rule=rule), "en") == canonical(Not(rule=rule))


def test_the_deepest_and_widest_rule_comes_back() -> None:
    leaf: Rule = In(fact="country", values=tuple(f"c{n}" for n in range(1000)))
    for _ in range(12):
        leaf = Not(rule=leaf)
    assert through_the_page(leaf, "nl") == canonical(leaf)
