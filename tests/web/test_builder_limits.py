"""What the builder does not take is told where it stands: a rule that is full, a character that no text can hold."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from campaigns.ladder.rules import MOST_LEAVES
from tests.web.conftest import Visitor
from tests.web.filled import filled

FULL = "200 conditions at most"
ZERO = "Here stood a character that no text can hold"


def full(root: str) -> dict[str, str]:
    """A rule with as many conditions as a rule may have."""
    leaf = {"fact": "orders", "op": ">=", "value": "1"}
    return {f"{root}.kind": "any"} | {
        f"{root}.{n}.{part}": said for n in range(MOST_LEAVES) for part, said in leaf.items()
    }


@pytest.fixture
def marketer(logged_in: Callable[[str], Visitor]) -> Visitor:
    made = logged_in("marketer")
    made.get("/campaigns/new")
    return made


@pytest.mark.parametrize("language", ["en", "id", "nl"])
def test_a_full_rule_says_that_it_is_full(marketer: Visitor, language: str) -> None:
    marketer.post("/language", {"language": language})
    sent = filled(audience__narrow="rule") | full("r")
    told = {"en": FULL, "id": "paling banyak 200 syarat", "nl": "hoogstens 200 voorwaarden"}[language]
    assert told not in marketer.post("/campaigns/build", sent | {"do": "remove:r.3"}).text
    for button in ("add:r", "group:r"):
        shown = marketer.post("/campaigns/build", sent | {"do": button}).text
        assert re.search(rf'<p class="fault"[^>]*>[^<]*{told}', shown)
        assert 'name="r.199.fact"' in shown
        assert 'name="r.200.fact"' not in shown


def test_a_full_rule_of_a_step_says_so_at_the_step(marketer: Visitor) -> None:
    step = {"s0.kind": "condition", "s0.key": "ask", "s1.kind": "exit", "s1.key": "exit"}
    sent = filled(shape="series") | step | full("s0.r")
    shown = marketer.post("/campaigns/build", sent | {"do": "add:s0.r"}).text
    assert FULL in shown
    assert shown.index('name="s0.r.199.fact"') < shown.index(FULL) < shown.index('name="s1.key"')


def test_a_step_that_nobody_can_meet_is_told_in_the_readers_language(marketer: Visitor) -> None:
    marketer.post("/language", {"language": "nl"})
    step = {
        "s0.kind": "condition",
        "s0.key": "ask",
        "s0.then": "exit",
        "s1.kind": "wait",
        "s1.key": "w",
        "s1.days": "3",
    }
    clash = {"s0.r.kind": "all"} | {
        f"s0.r.{n}.{part}": said
        for n, leaf in enumerate([("orders", "=", "0"), ("spend", ">", "100")])
        for part, said in zip(("fact", "op", "value"), leaf, strict=True)
    }
    told = marketer.post("/campaigns/build/told", filled(shape="series") | step | clash).text
    assert "niemand kan hieraan voldoen: wat van spend gevraagd wordt, kan niet samen met wat van orders" in told


def test_a_character_that_no_text_can_hold_is_told_at_its_field(marketer: Visitor) -> None:
    sent = filled(name="Leba\x00ran")
    saved = marketer.post("/campaigns/new", sent)
    assert saved.status_code == 422
    assert re.search(rf'value="Lebaran".*?{ZERO}', saved.text, re.S)
    assert "Lebaran" not in marketer.get("/campaigns").text
    assert ZERO in marketer.post("/campaigns/build/told", sent).text
    rule = {"r.kind": "all", "r.0.fact": "country", "r.0.op": "=", "r.0.value": "I\x00D"}
    shown = marketer.post("/campaigns/build", filled(audience__narrow="rule") | rule | {"do": "add:r"}).text
    assert 'value="ID"' in shown
    assert ZERO in shown
