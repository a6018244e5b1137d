"""A rule in other clothes: as a sentence in three languages and as a form; and whether it makes sense at all."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from campaigns.ladder import draft, nature, sense
from campaigns.ladder.facts import CATALOGUE
from campaigns.ladder.phrases import CHOICES, JOINED, LANGUAGES, PHRASES
from campaigns.ladder.presets import PRESETS
from campaigns.ladder.reading import read
from campaigns.ladder.rules import All, Any_, BadRule, Compare, In, IsSet, Never, Not, Rule, canonical, check, parse
from campaigns.ladder.sentences import sentence
from tests.ladder.test_rules import ROWS, RULES, naive


def sound(rule: Rule) -> Rule:
    """The rule, where it is one that may be saved."""
    try:
        check(rule)
    except BadRule:
        assume(False)
    return rule


@settings(max_examples=60, deadline=None)
@given(rule=RULES, lang=st.sampled_from(LANGUAGES))
def test_a_sentence_reads_back_as_the_rule(rule: Rule, lang: str) -> None:
    assert read(sentence(sound(rule), lang), lang) == canonical(rule)


@settings(max_examples=60, deadline=None)
@given(words=st.text(alphabet=st.sampled_from(list("paid orders:at least 3 and()“”ornt”")), max_size=60))
def test_whatever_is_typed_is_read_or_refused(words: str) -> None:
    with suppress(BadRule):
        rule = read(words, "en")
        assert read(sentence(rule, "en"), "en") == rule


@settings(max_examples=60, deadline=None)
@given(rule=RULES)
def test_a_form_gives_the_rule_back(rule: Rule) -> None:
    sent = draft.fields(draft.of(sound(rule)))
    again = draft.read(sent)
    assert again == draft.of(rule)
    assert draft.rule(again) == canonical(rule)
    assert draft.rule(draft.settled(again)) == canonical(rule)


@settings(max_examples=80, deadline=None)
@given(rule=RULES, rows=st.lists(ROWS, min_size=1, max_size=6))
def test_what_is_called_impossible_nobody_meets(rule: Rule, rows: list[dict[str, Any]]) -> None:
    whole = [{**row, "orders": abs(row["orders"] or 0)} for row in rows]
    if sense.impossible(sound(rule)):
        assert not any(naive(rule, row) for row in whole)


@settings(max_examples=100, deadline=None)
@given(one=RULES, other=RULES, rows=st.lists(ROWS, min_size=1, max_size=6))
def test_what_follows_from_a_rule_holds_with_it(one: Rule, other: Rule, rows: list[dict[str, Any]]) -> None:
    if sense.implies(sound(one), sound(other)):
        assert nature.implies(one, other)
        whole = [{**row, "orders": abs(row["orders"] or 0)} for row in rows]
        assert all(naive(other, row) for row in whole if naive(one, row))


def test_labels_and_phrases_cannot_be_mistaken_for_joints() -> None:
    for lang in LANGUAGES:
        labels = [fact.labels[lang] for fact in CATALOGUE.values()]
        assert len({label.casefold() for label in labels}) == len(labels)
        for text in (*labels, *PHRASES[lang].values(), *CHOICES[lang].values()):
            assert not any(joint in f" {text} " for joint in (JOINED[lang]["all"], JOINED[lang]["any"])), text
            assert not set(text) & set("()“”\x00"), text
        choices = [CHOICES[lang][choice] for fact in CATALOGUE.values() for choice in fact.choices]
        assert all(choice == choice.casefold() for choice in choices)


UNREAD = [
    ("paid order: at least 3", "Did you mean 'paid orders'"),
    ("paid orders: at least many", "'at least many' is not understood of 'paid orders'"),
    ("paid orders: at least 3 and country: “ID” or country: “NL”", "joins in two ways"),
    ("(paid orders: at least 3", "not closed"),
    ("country: ID", "'ID' is not understood"),
    ("consent for promotions: “subscribed”", "is not understood"),
    ("everything", "Write it as"),
]


@pytest.mark.parametrize(("words", "why"), UNREAD)
def test_a_sentence_that_is_not_understood_says_where(words: str, why: str) -> None:
    with pytest.raises(BadRule, match=why):
        read(words, "en")


def leaf(fact: str, op: Any, value: Any) -> Compare:
    return Compare(fact=fact, op=op, value=value)


CONTRADICTIONS: list[tuple[str, Rule, str]] = [
    ("more and less", All(rules=(leaf("orders", ">=", 3), leaf("orders", "<", 3))), "rules.1"),
    ("between two neighbours", All(rules=(leaf("orders", ">", 2), leaf("orders", "<", 3))), "rules.1"),
    ("fewer than none", leaf("orders", "<", 0), ""),
    ("never and since", All(rules=(Never(fact="last_order_at"), leaf("last_order_at", ">", "2026-01-01"))), "rules.1"),
    ("two countries", All(rules=(leaf("country", "=", "ID"), leaf("country", "=", "NL"))), "rules.1"),
    ("none of the list", All(rules=(In(fact="orders", values=(1, 2)), leaf("orders", ">", 5))), "rules.1"),
    ("itself and not", All(rules=(IsSet(fact="country"), Not(rule=IsSet(fact="country")))), "rules.1"),
    (
        "each alternative",
        All(rules=(IsSet(fact="country"), Any_(rules=(leaf("orders", "<", 0), leaf("orders", "=", -1))))),
        "rules.1.rules.0",
    ),
]


@pytest.mark.parametrize(("rule", "path"), [case[1:] for case in CONTRADICTIONS], ids=[c[0] for c in CONTRADICTIONS])
def test_a_contradiction_is_found_at_its_place(rule: Rule, path: str) -> None:
    with pytest.raises(BadRule) as refused:
        nature.check(rule)
    assert refused.value.path == path


def together(*rules: Rule) -> All:
    return All(rules=rules)


NO_ORDER = leaf("orders", "=", 0)
CLASHES: list[tuple[Rule, str]] = [
    (together(NO_ORDER, leaf("spend", ">", "100")), "rules.0: spend, orders"),
    (together(leaf("spend", ">=", 1), leaf("orders", "<", 1)), "rules.1: spend, orders"),
    (together(IsSet(fact="third_order_at"), leaf("orders", "<=", 2)), "rules.1: third_order_at, orders"),
    (together(leaf("order_days", ">", 4), leaf("orders", "=", 4)), "rules.1: order_days, orders"),
    (together(Never(fact="last_order_at"), leaf("spend", ">", 0)), "rules.0: spend, last_order_at"),
    (together(IsSet(fact="gap_mean_days"), leaf("order_days", "=", 1)), "rules.1: gap_mean_days, order_days"),
    (together(In(fact="products", values=("cup",)), NO_ORDER), "rules.1: products, orders"),
    (together(leaf("spend", ">", 0), Not(rule=leaf("orders", ">=", 1))), "rules.1: spend, orders"),
    (together(leaf("mail_clicks", ">=", 1), leaf("mails", "=", 0)), "rules.1: mail_clicks, mails"),
    (
        together(NO_ORDER, Any_(rules=(leaf("spend", ">", 5), leaf("orders", ">", 7)))),
        "rules.1: spend, orders",
    ),
]


@pytest.mark.parametrize(("rule", "told"), CLASHES, ids=[told for _, told in CLASHES])
def test_facts_that_cannot_be_together_are_named(rule: Rule, told: str) -> None:
    assert sense.impossible(rule) is None
    with pytest.raises(nature.Clash) as refused:
        nature.check(rule)
    assert f"{refused.value.path}: {refused.value.one}, {refused.value.other}" == told


def test_what_can_be_together_is_left_alone() -> None:
    zero, some = NO_ORDER, leaf("orders", ">=", 1)
    for rule in (
        All(rules=(zero, leaf("spend", ">=", 0))),
        All(rules=(zero, Not(rule=leaf("spend", ">", 100)))),
        All(rules=(zero, IsSet(fact="spend"))),
        All(rules=(some, leaf("spend", "=", 0))),  # all of it in another currency
        All(rules=(zero, leaf("alive_percent", ">", 50))),  # coupons paid for it all
        All(rules=(zero, leaf("nps_score", ">=", 9), IsSet(fact="country"))),
        Any_(rules=(zero, leaf("spend", ">", 5))),
        All(rules=(zero, Any_(rules=(leaf("spend", ">", 5), IsSet(fact="country"))))),
        Not(rule=All(rules=(zero, leaf("spend", ">", 5)))),
        All(rules=(leaf("orders", "=", 2), Never(fact="third_order_at"), IsSet(fact="second_order_at"))),
        *(rung.rule for ladder in PRESETS.values() for rung in ladder.rungs if rung.rule is not None),
    ):
        assert nature.contradiction(rule) is None, rule
    assert nature.contradiction(leaf("discount_percent", ">", 100))
    third, three = IsSet(fact="third_order_at"), leaf("orders", ">=", 3)
    assert nature.implies(third, three)
    assert nature.implies(three, third)
    assert nature.implies(leaf("order_days", ">=", 4), together(three, third))
    assert not nature.implies(three, leaf("order_days", ">=", 3))
    assert not nature.implies(third, together(three, IsSet(fact="country")))
    assert nature.contradiction(leaf("spend", "<", 0))


def test_what_follows_from_what() -> None:
    three, two = leaf("orders", ">=", 3), leaf("orders", ">=", 2)
    assert sense.implies(three, two)
    assert not sense.implies(two, three)
    assert sense.implies(leaf("orders", ">", 1), two)
    assert sense.implies(two, leaf("orders", ">", 1))
    assert sense.implies(All(rules=(three, IsSet(fact="country"))), Any_(rules=(IsSet(fact="country"), two)))
    assert sense.implies(leaf("country", "=", "ID"), IsSet(fact="country"))
    assert not sense.implies(IsSet(fact="country"), leaf("country", "=", "ID"))


def test_an_unknown_fact_is_named_with_its_likeness() -> None:
    with pytest.raises(BadRule, match="Did you mean 'last_order_at'") as refused:
        parse({"kind": "all", "rules": [{"kind": "is_set", "fact": "last_order"}]})
    assert refused.value.path == "rules.0.fact"


def test_building_in_a_form() -> None:
    made = draft.edited(draft.edited(draft.EMPTY, "group", "r"), "add", "r.1")
    assert [child.kind for child in made.below] == ["leaf", "any"]
    assert len(made.below[1].below) == 2
    made = draft.edited(made, "remove", "r.1.0")
    assert draft.rule(made) == canonical(All(rules=(leaf("orders", ">=", 1), leaf("orders", ">=", 1))))
    sent = {**draft.fields(made), "r.0.fact": ["country"], "r.0.op": [">="], "r.0.value": ["ID"]}
    assert draft.settled(draft.read(sent)).below[0] == draft.Draft("leaf", "country", "=", ("ID",))
    assert {name: bad.path for name, bad in draft.faults(draft.read(sent)).items()} == {"r.0": "r.0"}
    assert list(draft.faults(draft.Draft("all"))) == ["r"]
