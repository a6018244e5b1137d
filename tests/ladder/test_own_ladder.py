"""The shop's own ladder: presets, contradictions, preview before saving, reviews, pins."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.ladder.ladders import Ladder, Review, Rung, check, dated, parse
from campaigns.ladder.presets import PRESETS, SEVEN_RUNGS, THREE_STAGES
from campaigns.ladder.rules import All, Any_, BadRule, Compare, IsSet, Rule, WithinLastDays
from campaigns.ladder.sentences import LANGUAGES
from plugin_server.db.ladder import holding, rungs, standing
from plugin_server.db.ladder import placing as places
from plugin_server.db.ladder import versions as ladder_versions
from tests.ladder.shops import NOW, Shop


def rung(key: str, rule: Rule | None) -> Rung:
    return Rung(key=key, names={"en": key.title()}, rule=rule, since=dated(rule))


def least(fact: str, number: int) -> Compare:
    return Compare(fact=fact, op=">=", value=number)


RECENT = All(rules=(least("orders", 2), WithinLastDays(fact="last_order_at", days=60)))


def steps(review: Review | None = None) -> Ladder:
    """Four rungs; the two upper ones are kept by ordering again."""
    fresh = All(rules=(least("orders", 3), WithinLastDays(fact="last_order_at", days=90)))
    return Ladder(
        name="own",
        review=review,
        rungs=(rung("ground", None), rung("one", least("orders", 1)), rung("two", RECENT), rung("three", fresh)),
    )


def save(shop: Shop, new: Ladder, now: datetime = NOW) -> int:
    with shop.work() as conn:
        return ladder_versions.save(conn, merchant_id=shop.merchant_id, new=new, by="test", now=now)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_sound_and_named_in_each_language(name: str) -> None:
    check(PRESETS[name])
    assert parse(PRESETS[name].model_dump(mode="json")) == PRESETS[name]
    assert all(set(one.names) == set(LANGUAGES) for one in PRESETS[name].rungs)


def test_the_words_of_the_presets() -> None:
    assert PRESETS["customer-cycle"].keys == (
        "suspect", "prospect", "initial", "repeater", "loyal", "advocate", "partner",
    )  # fmt: skip
    assert PRESETS["three-stages"].keys == ("pre_sales", "acquisition", "retained")
    assert PRESETS["buyer-customer-member"].keys == ("contact", "buyer", "customer", "member")


CONTRADICTORY: list[tuple[str, list[Rule], str, str]] = [
    (
        "no one can",
        [All(rules=(least("orders", 3), Compare(fact="orders", op="<", value=2)))],
        "rungs.1.rule.rules.1",
        "reach",
    ),
    ("passed over", [least("orders", 3), least("orders", 2)], "rungs.1.rule", "harder"),
    ("equal in meaning", [least("orders", 2), Compare(fact="orders", op=">", value=1)], "rungs.1.rule", "harder"),
    ("in a circle", [Compare(fact="activity", op="=", value="active")], "rungs.1.rule", "circle"),
]


@pytest.mark.parametrize(("rules", "path", "why"), [c[1:] for c in CONTRADICTORY], ids=[c[0] for c in CONTRADICTORY])
def test_a_ladder_nobody_can_stand_on_is_refused(rules: list[Rule], path: str, why: str) -> None:
    ladder = Ladder(name="x", rungs=(rung("ground", None), *(rung(f"r{n}", rule) for n, rule in enumerate(rules))))
    with pytest.raises(BadRule, match=why) as refused:
        check(ladder)
    assert refused.value.path == path


def test_evidence_follows_from_the_rule() -> None:
    assert dated(None).moments == ("known_since",)
    assert dated(least("orders", 2)).moments == ("second_order_at",)
    assert dated(least("orders", 7)).moments == ("last_order_at",)
    assert dated(IsSet(fact="country")).moments == ("known_since",)
    both = dated(All(rules=(least("orders", 2), Any_(rules=(least("reviews", 1), least("referrals_converted", 2))))))
    assert both.of == "latest_of"
    assert both.moments[0] == "second_order_at"
    inner = both.moments[1]
    assert not isinstance(inner, str)
    assert (inner.of, inner.moments) == ("earliest_of", ("first_review_at", "second_referral_at"))


@pytest.mark.parametrize(
    ("every", "day", "expected"),
    [
        ("month", "2026-01-31", "2026-02-01"),
        ("quarter", "2026-03-31", "2026-04-01"),
        ("quarter", "2026-04-01", "2026-07-01"),
        ("half_year", "2026-08-10", "2027-01-01"),
        ("year", "2026-01-01", "2027-01-01"),
    ],
)
def test_review_days(every: Any, day: str, expected: str) -> None:
    assert Review(every=every).after(date.fromisoformat(day)) == date.fromisoformat(expected)


def test_a_preview_says_what_saving_then_does(shop: Shop) -> None:
    for orders in (0, 1, 1, 3):
        who = shop.person(has_account=orders == 0)
        for number in range(orders):
            shop.order(who, f"2026-0{number + 1}-01")
    shop.climb()
    assert shop.counts() == {"prospect": 1, "shopper": 2, "customer": 1}
    with shop.work() as conn:
        seen = ladder_versions.preview(conn, merchant_id=shop.merchant_id, new=THREE_STAGES, now=NOW)
    assert shop.counts() == {"prospect": 1, "shopper": 2, "customer": 1}
    assert seen["moves"] == [
        {"from": "shopper", "to": "acquisition", "count": 2},
        {"from": "prospect", "to": "pre_sales", "count": 1},
        {"from": "customer", "to": "retained", "count": 1},
    ]
    assert [(one["key"], one["then"]) for one in seen["rungs"]] == [
        ("pre_sales", 1),
        ("acquisition", 2),
        ("retained", 1),
    ]
    assert save(shop, THREE_STAGES) == 1
    assert shop.counts() == {"pre_sales": 1, "acquisition": 2, "retained": 1}
    assert save(shop, THREE_STAGES) == 1
    assert save(shop, SEVEN_RUNGS) == 2
    assert shop.counts() == {"prospect": 1, "shopper": 2, "customer": 1}
    assert shop.rows("SELECT version, created_by FROM ladder_version ORDER BY 1") == [(1, "test"), (2, "test")]


def test_a_ladder_may_ask_for_habits(shop: Shop) -> None:
    who = shop.person()
    order = shop.order(who, "2026-06-01")
    with shop.work() as conn:
        conn.execute(
            text(
                "INSERT INTO order_line (merchant_id, order_id, position, sku, quantity, total_minor) "
                "VALUES (:m, :o, 0, 'BEANS', 1, 100)"
            ),
            {"m": shop.merchant_id, "o": order},
        )
    shop.climb()
    own = Ladder(name="own", rungs=(rung("ground", None), rung("taster", least("product_count", 1))))
    save(shop, own)
    assert shop.counts() == shop.counts(date(2026, 6, 2)) == {"taster": 1}
    with shop.work() as conn:
        told = standing.of_customer(conn, rungs.shop(conn, shop.merchant_id), customer_id=who, now=NOW)
    assert told
    assert [reason["sentence"] for reason in told["because"]] == ["different products bought: at least 1 (now: 1)"]


def standing_of(shop: Shop, who: int) -> str:
    return str(shop.facts(who).rung)


def test_nobody_falls_before_a_review_nor_more_than_one_rung(shop: Shop) -> None:
    who = shop.person(known="2025-01-01")
    for day in ("2026-01-01", "2026-02-01", "2026-06-01"):
        shop.order(who, day)
    save(shop, steps(Review(every="month", grace_days=30)))
    shop.climb()
    assert standing_of(shop, who) == "three"

    def on(day: str) -> str:
        shop.climb(now=datetime.fromisoformat(f"{day}T05:00").replace(tzinfo=UTC))
        return standing_of(shop, who)

    # The third rung lasts until 29 August, the second until 31 July; then 30 days of grace, then the first of a month.
    assert [on("2026-08-29"), on("2026-09-05"), on("2026-09-30")] == ["three", "three", "three"]
    assert shop.rows("SELECT lapsed_on::text, falls_on::text FROM rung_review") == [("2026-09-05", "2026-11-01")]
    assert [on("2026-10-31"), on("2026-11-01"), on("2026-11-02")] == ["three", "two", "two"]
    assert shop.rows("SELECT falls_on::text FROM rung_review") == [("2026-12-01",)]
    assert [on("2026-12-01"), on("2027-03-01")] == ["one", "one"]
    assert shop.rows("SELECT 1 FROM rung_review") == []
    shop.order(who, "2027-03-02")
    assert on("2027-03-03") == "three"
    assert [move[:2] for move in shop.path(who)][-3:] == [("three", "two"), ("two", "one"), ("one", "three")]


def test_whoever_orders_in_time_keeps_the_rung(shop: Shop) -> None:
    who = shop.person(known="2025-01-01")
    for day in ("2026-01-01", "2026-02-01", "2026-06-01"):
        shop.order(who, day)
    save(shop, steps(Review(every="quarter", grace_days=0)))
    shop.climb()
    shop.climb(who, now=datetime(2026, 9, 10, tzinfo=UTC))
    with shop.work() as conn:
        assert [row.falls_on for row in ladder_versions.falling(conn)[1]] == [date(2026, 10, 1)]
        assert holding.of(conn, who)["falls_on"] == "2026-10-01"
    shop.order(who, "2026-09-20")
    shop.climb(who, now=datetime(2026, 9, 21, tzinfo=UTC))
    with shop.work() as conn:
        assert ladder_versions.falling(conn) == (0, [])
    assert standing_of(shop, who) == "three"


def pin(shop: Shop, who: int, key: str) -> None:
    with shop.work() as conn:
        keys = rungs.shop(conn, shop.merchant_id).ladder.keys
        holding.pin(
            conn,
            merchant_id=shop.merchant_id,
            customer_id=who,
            rung=key,
            keys=keys,
            reason="Our baker",
            by="t",
            now=NOW,
        )
    shop.climb(who)


def test_a_pin_holds_against_the_rules_until_it_is_taken_out(shop: Shop) -> None:
    who, other = shop.person(), shop.person()
    shop.order(who, "2026-06-02")
    shop.climb()
    pin(shop, who, "advocate")
    assert (standing_of(shop, who), standing_of(shop, other)) == ("advocate", "suspect")
    assert shop.path(who)[-1] == ("shopper", "advocate", "2026-06-15")
    assert shop.rows("SELECT reason FROM rung_change WHERE to_rung = 'advocate'") == [("Our baker",)]
    shop.order(who, "2026-06-03")
    shop.climb()
    assert standing_of(shop, who) == "advocate"
    with shop.work() as conn:
        told = standing.of_customer(conn, rungs.shop(conn, shop.merchant_id), customer_id=who, now=NOW)
        assert told
        assert (told["rung"], told["pinned"]["reason"]) == ("advocate", "Our baker")
        assert [reason["holds"] for reason in told["because"]] == [True, False, False]
    pin(shop, who, "suspect")
    assert standing_of(shop, who) == "suspect"
    with shop.work() as conn:
        holding.unpin(conn, customer_id=who)
        with pytest.raises(holding.BadPin):
            holding.unpin(conn, customer_id=who)
        places.climb(conn, merchant_id=shop.merchant_id, customer_ids=[who], now=NOW)
    assert standing_of(shop, who) == "customer"


def test_a_pin_needs_a_rung_and_a_reason(shop: Shop) -> None:
    who = shop.person()
    for key, reason, why in (("king", "x", "no rung 'king'"), ("member", " ", "say why")):
        with shop.work() as conn, pytest.raises(holding.BadPin, match=why):
            holding.pin(
                conn,
                merchant_id=shop.merchant_id,
                customer_id=who,
                rung=key,
                keys=SEVEN_RUNGS.keys,
                reason=reason,
                by="t",
                now=NOW,
            )
    assert shop.rows("SELECT 1 FROM rung_pin") == []
