"""Placing customers: the highest rung whose rule holds, each move dated by its evidence."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import text

from tests.ladder.shops import NOW, Shop, at


def test_each_rung_by_its_evidence(shop: Shop) -> None:
    suspect, prospect = shop.person(), shop.person(has_account=True)
    buyers = [shop.person(member_since=date(2025, 3, 1) if n > 2 else None) for n in range(1, 5)]
    for number, who in enumerate(buyers, start=1):
        for month in range(number):
            shop.order(who, f"2026-0{month + 1}-01")
    shop.review(buyers[1], "2026-05-01")
    fan = buyers[3]
    shop.friend(fan, "2026-04-01")
    shop.friend(fan, "2026-05-02")
    shop.climb()
    placed = {who: shop.facts(who).rung for who in (suspect, prospect, *buyers)}
    assert list(placed.values()) == ["suspect", "prospect", "shopper", "advocate", "member", "raving_fan"]


def test_the_first_placing_writes_the_whole_path_with_its_dates(shop: Shop) -> None:
    who = shop.person(known="2024-01-01", enquired_at=at("2024-02-01"), has_account=True, member_since=date(2025, 1, 1))
    for day in ("2024-03-01", "2024-05-01", "2024-07-01"):
        shop.order(who, day)
    shop.climb()
    assert shop.path(who) == [
        (None, "suspect", "2024-01-01"),
        ("suspect", "prospect", "2024-02-01"),
        ("prospect", "shopper", "2024-03-01"),
        ("shopper", "customer", "2024-05-01"),
        ("customer", "member", "2024-12-31"),  # midnight in Jakarta
    ]
    assert shop.facts(who).rung_since == at("2024-12-31T17:00")


def test_a_guest_enters_at_the_first_order(shop: Shop) -> None:
    who = shop.person(known="2026-06-01")
    shop.order(who, "2025-11-05")
    shop.climb()
    assert shop.path(who) == [(None, "shopper", "2025-11-05")]


def test_reasons_are_sentences(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01")
    shop.order(who, "2026-02-01")
    shop.climb()
    reasons = shop.rows("SELECT to_rung, reason FROM rung_change ORDER BY changed_at")
    assert reasons == [("shopper", "paid orders: at least 1"), ("customer", "paid orders: at least 2")]


def test_climbing_twice_changes_nothing(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01")
    assert shop.climb() == 1
    assert shop.climb() == 0
    assert len(shop.path(who)) == 1


def test_a_second_order_is_one_move(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01")
    shop.climb()
    shop.order(who, "2026-02-10")
    assert shop.climb(who) == 1
    assert shop.path(who) == [(None, "shopper", "2026-01-01"), ("shopper", "customer", "2026-02-10")]


def test_several_rungs_at_once_are_dated_one_by_one(shop: Shop) -> None:
    who = shop.person(member_since=date(2025, 1, 1))
    shop.order(who, "2026-01-01")
    shop.climb()
    shop.order(who, "2026-02-01")
    shop.order(who, "2026-03-01")
    shop.climb(who)
    assert shop.path(who)[1:] == [("shopper", "customer", "2026-02-01"), ("customer", "member", "2026-03-01")]


def test_older_orders_that_arrive_late_rewrite_the_path(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-03-01")
    shop.climb()
    shop.order(who, "2025-01-01")
    shop.climb(who)
    assert shop.path(who) == [(None, "shopper", "2025-01-01"), ("shopper", "customer", "2026-03-01")]


def test_an_older_order_below_the_top_rung_rewrites_it_too(shop: Shop) -> None:
    who = shop.person()
    for day in ("2026-02-01", "2026-03-01", "2026-04-01"):
        shop.order(who, day)
    shop.climb()
    shop.order(who, "2025-12-01")
    shop.climb(who)
    assert shop.path(who) == [(None, "shopper", "2025-12-01"), ("shopper", "customer", "2026-02-01")]


def test_a_refund_is_a_fall_dated_now(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01")
    second = shop.order(who, "2026-02-01", 100_00)
    shop.climb()
    shop.refund(second, 100_00, "2026-06-10")
    shop.climb(who)
    assert shop.path(who)[-1] == ("customer", "shopper", "2026-06-15")
    assert shop.facts(who).rung_since == NOW
    assert shop.rows("SELECT reason FROM rung_change ORDER BY id DESC LIMIT 1") == [
        ("no longer: paid orders: at least 2",)
    ]
    assert shop.climb(who) == 0


def test_after_a_fall_the_next_order_climbs_again(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01")
    second = shop.order(who, "2026-02-01", 100_00)
    shop.climb()
    shop.refund(second, 100_00, "2026-06-10")
    shop.climb()
    later = NOW + timedelta(days=10)
    shop.order(who, "2026-06-20")
    shop.climb(now=later)
    assert shop.path(who)[-2:] == [("customer", "shopper", "2026-06-15"), ("shopper", "customer", "2026-06-20")]


def test_a_fan_lapses_on_the_day_the_year_is_over(shop: Shop) -> None:
    who = shop.person()
    for day in ("2025-01-01", "2025-02-01", "2025-03-01"):
        shop.order(who, day)
    shop.friend(who, "2025-04-01")
    shop.friend(who, "2025-05-01")
    shop.climb(now=at("2026-04-01"))
    assert shop.facts(who).rung == "raving_fan"
    shop.climb(now=at("2026-06-01"))
    assert shop.path(who)[-1] == ("raving_fan", "advocate", "2026-05-01")
    shop.friend(who, "2026-06-10")
    shop.climb(now=NOW)
    assert shop.path(who)[-1] == ("advocate", "raving_fan", "2026-06-15")
    assert shop.climb(now=NOW) == 0


def test_activity_is_an_axis_of_its_own(shop: Shop) -> None:
    people = {day: shop.person() for day in ("2026-06-01", "2026-02-01", "2025-10-01")}
    for day, who in people.items():
        shop.order(who, day)
    nobody = shop.person()
    shop.climb()
    seen = [shop.facts(who).activity for who in (*people.values(), nobody)]
    assert seen == ["active", "cooling", "lapsed", "none"]  # 90 and 180 days where a shop has too few waits to tell


def test_activity_follows_the_shops_own_rhythm(shop: Shop) -> None:
    from plugin_server.db.ladder import rhythm

    for _ in range(40):
        who = shop.person()
        shop.order(who, "2026-05-01")
        shop.order(who, "2026-05-11")
    fresh, late, gone = (shop.person() for _ in range(3))
    for who, day in ((fresh, "2026-06-08"), (late, "2026-05-30"), (gone, "2026-01-01")):
        shop.order(who, day)
    shop.refresh()
    with shop.work() as conn:
        rhythm.measure(conn, merchant_id=shop.merchant_id, now=shop.now)
        assert rhythm.kept(conn) == {1: (10.0, 10.0), 0: (10.0, 10.0)}
    shop.climb()
    assert [shop.facts(who).activity for who in (fresh, late, gone)] == ["active", "lapsed", "lapsed"]


def test_one_merchant_never_sees_anothers(shop: Shop, ladder_engine: object) -> None:
    from tests.ladder.shops import open_shop

    other = open_shop(shop.engine)
    mine, theirs = shop.person(), other.person()
    shop.order(mine, "2026-01-01")
    other.order(theirs, "2026-01-01")
    shop.climb()
    assert shop.counts() == {"shopper": 1}
    assert other.counts() == {}
    with shop.work() as conn:
        assert conn.execute(text("SELECT count(*) FROM rung_change")).scalar_one() == 1
