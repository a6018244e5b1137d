"""What is missing for the next rung: whoever takes the steps fulfils the rule, and no fewer would do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from campaigns.ladder.next_step import Step, Way, open_until, ways
from campaigns.ladder.presets import SEVEN_RUNGS
from campaigns.ladder.rules import All, Any_, Compare, IsSet, Leaf, Not, Rule, WithinLastDays, leaves
from plugin_server.db.ladder.standing import holds

NOW = datetime(2026, 11, 22, tzinfo=UTC)
COUNTED = ("orders", "reviews", "referrals_converted")
LEAVES = st.one_of(
    st.builds(Compare, fact=st.sampled_from(COUNTED), op=st.sampled_from((">=", ">")), value=st.integers(0, 6)),
    st.just(IsSet(fact="member_since")),
    st.just(Compare(fact="has_account", op="=", value=True)),
)  # fmt: skip
RULES: st.SearchStrategy[Rule] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(All, rules=st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Any_, rules=st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
FIGURES = st.fixed_dictionaries(
    {name: st.integers(0, 6) for name in COUNTED}
    | {"member_since": st.sampled_from((None, NOW)), "has_account": st.booleans()}
)


def met(leaf: Leaf, figures: dict[str, Any]) -> bool:
    """What the database would say of the few kinds of conditions used here."""
    if isinstance(leaf, IsSet):
        return figures[leaf.fact] is not None
    assert isinstance(leaf, Compare)
    has, wanted = figures[leaf.fact], leaf.value
    return bool(has == wanted if leaf.op == "=" else has > wanted if leaf.op == ">" else has >= wanted)


def held(rule: Rule, figures: dict[str, Any]) -> dict[Leaf, bool]:
    return {leaf: met(leaf, figures) for leaf in leaves(rule)}


def after(way: Way, figures: dict[str, Any], less: int = 0) -> dict[str, Any]:
    done = dict(figures)
    for step in way:
        done[step.fact] = (done[step.fact] or 0) + step.short - less if isinstance(step.short, int) else NOW
        done["has_account"] = bool(done["has_account"])
    return done


@given(RULES, FIGURES)
def test_whoever_takes_a_way_arrives(rule: Rule, figures: dict[str, Any]) -> None:
    found = ways(rule, held(rule, figures), figures)
    assert bool(found) != holds(rule, held(rule, figures))
    assert [len(way) for way in found] == sorted(len(way) for way in found)
    for way in found:
        there = after(way, figures)
        assert holds(rule, held(rule, there)), (rule, figures, way)


@given(RULES, FIGURES)
def test_one_less_of_a_single_step_is_not_enough(rule: Rule, figures: dict[str, Any]) -> None:
    found = ways(rule, held(rule, figures), figures)
    if len(found) == 1 and len(found[0]) == 1 and isinstance(found[0][0].short, int):
        assert not holds(rule, held(rule, after(found[0], figures, less=1)))


def test_the_seven_rungs_say_what_is_missing() -> None:
    figures = {"orders": 2, "member_since": None, "reviews": 0, "referrals_converted": 0, "last_referral_at": None}

    def missing(key: str, **told: Any) -> list[list[Step]]:
        rule = SEVEN_RUNGS.rung(key).rule
        assert rule is not None
        now = figures | told
        known = {leaf: isinstance(leaf, Compare | IsSet) and met(leaf, now) for leaf in leaves(rule)}
        return [list(way) for way in ways(rule, known, now)]

    assert missing("member") == [[Step("orders", 1), Step("member_since", None)]]
    assert missing("advocate") == [[Step("reviews", 1)], [Step("referrals_converted", 1)]]
    assert missing("raving_fan") == [[Step("orders", 1), Step("referrals_converted", 2)]]
    assert missing("raving_fan", orders=3, referrals_converted=4) == [[Step("referrals_converted", 1)]]


def test_a_window_that_nothing_moves_says_until_when() -> None:
    soon = WithinLastDays(fact="first_order_at", days=90)
    lately = WithinLastDays(fact="last_order_at", days=30)
    second = Compare(fact="orders", op=">=", value=2)
    rule = All(rules=(second, soon, lately))
    figures = {"orders": 1, "first_order_at": NOW - timedelta(days=60), "last_order_at": NOW - timedelta(days=60)}
    known: dict[Leaf, bool] = {second: False, soon: True, lately: False}
    assert ways(rule, known, figures) == ((Step("orders", 1),),)
    assert open_until(rule, known, figures) == NOW + timedelta(days=30)
    assert ways(rule, known | {soon: False}, figures) == ()
    assert open_until(rule, known | {soon: False}, figures) is None
    assert ways(Not(rule=second), {second: True}, figures) == ()
