"""Segments: counted as a set, explained for one, and both agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from campaigns.ladder import draft
from campaigns.ladder.rules import All, Any_, BadRule, Compare, IsSet, Never, Not, Rule, WithinLastDays, parse
from plugin_server.db import effort
from plugin_server.db.effort import TooLong
from plugin_server.db.ladder import counting, rungs, segments
from plugin_server.db.ladder.segments import BadSegment
from tests.ladder.shops import NOW, Shop, open_shop


def looked(shop: Shop, rule: Rule) -> counting.Look:
    with shop.work() as conn:
        return counting.look(conn, rungs.shop(conn, shop.merchant_id), rule, NOW)


def why(shop: Shop, rule: Rule, who: int, lang: str = "en") -> Any:
    with shop.work() as conn:
        return segments.why(conn, rungs.shop(conn, shop.merchant_id), rule, who, NOW, lang)


def save(shop: Shop, rule: Rule, name: str = "Regulars", **how: Any) -> str:
    with shop.work() as conn:
        return segments.save(conn, merchant_id=shop.merchant_id, name=name, rule=rule, by="test", now=NOW, **how)


TWICE = Compare(fact="orders", op=">=", value=2)


def test_a_count_with_samples_and_the_reason_for_one(shop: Shop) -> None:
    regular, once = shop.person("regular@example.test", country="ID"), shop.person("once@example.test")
    for day in ("2026-01-01", "2026-06-01"):
        shop.order(regular, day)
    shop.order(once, "2026-06-10")
    shop.climb()
    rule = All(rules=(TWICE, Any_(rules=(IsSet(fact="country"), WithinLastDays(fact="last_order_at", days=6)))))
    found = looked(shop, rule)
    assert (found.count, found.total, [row.email for row in found.sample]) == (1, 2, ["regular@example.test"])
    told = why(shop, rule, once)
    assert (told["holds"], told["sentence"].startswith("paid orders: at least 2 and (")) == (False, True)
    two, either = told["tree"]["below"]
    assert (two["path"], two["holds"], two["sentence"]) == ("rules.0", False, "paid orders: at least 2 (now: 1)")
    assert [(node["path"], node["holds"], node["value"]) for node in either["below"]] == [
        ("rules.1.rules.0", False, None),
        ("rules.1.rules.1", True, "2026-06-10T00:00:00+00:00"),
    ]
    assert (either["holds"], why(shop, rule, regular)["holds"], why(shop, rule, 0)) == (True, True, None)


LEAVES = st.sampled_from(
    [
        TWICE,
        Compare(fact="country", op="!=", value="ID"),
        IsSet(fact="country"),
        Never(fact="last_order_at"),
        WithinLastDays(fact="last_order_at", days=30),
        Compare(fact="days_since_order", op="<", value=30),
        Compare(fact="spend", op=">", value="100.50"),
        Compare(fact="rung", op="=", value="shopper"),
        Compare(fact="product_count", op="=", value=0),
        Compare(fact="mails", op=">", value=0),
        Compare(fact="points", op="<=", value=5),
        Never(fact="last_click_at"),
        IsSet(fact="topics_yes"),
        Compare(fact="alive_percent", op="<", value="50"),
        Compare(fact="supply_days_left", op=">=", value=-100),
    ]
)
TREES: st.SearchStrategy[Rule] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda found: All(rules=tuple(found))),
        st.lists(inner, min_size=2, max_size=3).map(lambda found: Any_(rules=tuple(found))),
        inner.map(lambda found: Not(rule=found)),
    ),
    max_leaves=5,
)


BESIDE = (
    "INSERT INTO customer_contact (merchant_id, customer_id, mails, points, last_click_at, topics_yes) VALUES "
    "(:m, :who, :n % 2, :n, CASE WHEN :n > 3 THEN now() END, CASE WHEN :n > 2 THEN ARRAY['news'] ELSE '{}' END)",
    "INSERT INTO customer_habits (merchant_id, customer_id, products, product_count, categories, supply_ends_on) "
    "VALUES (:m, :who, '{}', :n % 2, '{}', date '2026-06-01' + :n)",
    "INSERT INTO customer_outlook (merchant_id, customer_id, alive_percent, buys_percent) "
    "VALUES (:m, :who, 10 * :n, 1)",
)
"""Some have a row beside the wide one, others have none."""


@pytest.fixture(scope="module")
def crowd(ladder_engine: Any) -> tuple[Shop, list[int]]:
    """Six people who differ."""
    shop = open_shop(ladder_engine)
    people = [shop.person(country=country) for country in ("ID", "NL", None, "ID", None, "NL")]
    for place, person in enumerate(people[1:]):
        for number in range(place % 3):
            shop.order(person, f"2026-0{5 - number}-20", 60_25)
    shop.climb()
    with shop.work() as conn:
        for number, table in enumerate(BESIDE):
            for person in people[number : number + 3]:
                conn.execute(text(table), {"m": shop.merchant_id, "who": person, "n": person % 7})
    return shop, people


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule=TREES)
def test_one_customer_agrees_with_the_set(crowd: tuple[Shop, list[int]], rule: Rule) -> None:
    shop, people = crowd
    inside = {row.id for row in looked(shop, rule).sample}
    assert {person for person in people if why(shop, rule, person)["holds"]} == inside


def test_saving_changing_and_taking_away(shop: Shop) -> None:
    key = save(shop, TWICE, " Big   spenders ")
    assert key == "big-spenders"
    assert save(shop, TWICE, "Big spenders") == "big-spenders-2"
    assert save(shop, IsSet(fact="country"), "Locals", key=key) == key
    with shop.work() as conn:
        found = segments.get(conn, key)
        assert found is not None
        assert (found.name, found.rule) == ("Locals", IsSet(fact="country"))
        assert set(segments.by_key(conn)) == {key, "big-spenders-2"}
        segments.remove(conn, key)
        assert segments.get(conn, key) is None
        with pytest.raises(BadSegment, match="no segment"):
            segments.remove(conn, key)


def test_what_nobody_can_meet_is_not_saved(shop: Shop) -> None:
    with pytest.raises(BadRule) as refused:
        save(shop, All(rules=(TWICE, Compare(fact="orders", op="<", value=1))))
    assert refused.value.path == "rules.1"
    with pytest.raises(BadSegment, match="name"):
        save(shop, TWICE, "  ")
    assert shop.rows("SELECT 1 FROM segment") == []


def test_a_campaign_keeps_its_segment(shop: Shop) -> None:
    key = save(shop, TWICE)
    with shop.work() as conn:
        conn.execute(
            text(
                "WITH c AS (INSERT INTO campaign (merchant_id, key, name, version) VALUES (:m, 'x', 'Thanks', 1) "
                "RETURNING id) "
                "INSERT INTO campaign_version (merchant_id, campaign_id, version, definition, created_by) "
                """SELECT :m, id, 1, '{"audience": {"rule": "regulars"}}', 'test' FROM c"""
            ),
            {"m": shop.merchant_id},
        )
        with pytest.raises(BadSegment, match="Thanks"):
            segments.remove(conn, key)


def test_a_form_round_trip_keeps_a_saved_rule(shop: Shop) -> None:
    rule = parse(
        {"kind": "not", "rule": {"kind": "all", "rules": [TWICE.model_dump(), {"kind": "is_set", "fact": "country"}]}}
    )
    assert draft.rule(draft.read(draft.fields(draft.of(rule)))) == rule


def test_a_sample_tells_between_which_numbers_the_answer_lies(shop: Shop) -> None:
    with shop.work() as conn:
        for statement in (
            "INSERT INTO customer_facts (merchant_id, customer_id, orders, order_days) "
            "SELECT :m, 10000000 + n, n * 7919 % 1000, 1 FROM generate_series(1, 8000) n",
            "INSERT INTO customer_contact (merchant_id, customer_id, points) "
            "SELECT merchant_id, customer_id, orders % 10 FROM customer_facts WHERE customer_id % 4 = 0",
        ):
            conn.execute(text(statement), {"m": shop.merchant_id})
        on, of = rungs.shop(conn, shop.merchant_id), counting.size(conn, large=8000, drawn=1000)
        told = [Compare(fact="orders", op="<", value=limit) for limit in (0, 1, 5, 20, 100, 300, 500, 800, 990, 1000)]
        some = Compare(fact="points", op=">", value=5)
        asked = [*told, *(All(rules=(rule, some)) for rule in told), *(Not(rule=rule) for rule in told[1:]), some]
        exact = [counting.look(conn, on, rule, NOW, sample=0) for rule in asked]
        seen = [counting.sampled(conn, on, rule, NOW, of, 3) for rule in asked]
    looks = [one for one in seen if one is not None]
    assert (len(of.drawn), len(looks), {one.total for one in looks}) == (1000, len(asked), {8000})
    assert [one.count for one in exact[:10]] == [0, 8, 40, 160, 800, 2400, 4000, 6400, 7920, 8000]
    missed = [
        rule for rule, one, all_ in zip(asked, looks, exact, strict=True) if not one.low <= all_.count <= one.high
    ]
    assert len(missed) <= len(asked) / 20, missed
    assert (looks[0].count, looks[0].low, looks[0].high, looks[0].exact) == (0, 0, 31, False)
    assert (looks[9].count, looks[9].low, looks[9].high) == (8000, 7900, 8000)
    assert all(one.low <= one.count <= one.high for one in looks)
    assert all(len(one.sample) == 0 for one in looks)  # nobody of these is a customer with a name


def test_what_takes_too_long_is_given_up_and_the_rest_goes_on(shop: Shop) -> None:
    with shop.work() as conn:
        with pytest.raises(TooLong), effort.bounded(conn, 50, enable_seqscan="off"):
            conn.execute(text("SELECT pg_sleep(20)"))
        with effort.bounded(conn, 5000, enable_seqscan="off"):
            assert conn.scalar(text("SELECT current_setting('enable_seqscan')")) == "off"
        kept = conn.execute(
            text("SELECT current_setting('statement_timeout'), current_setting('enable_seqscan')")
        ).one()
    assert tuple(kept) == ("0", "on")
