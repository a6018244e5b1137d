"""Counts now and then, the reason for a rung, the log by month, and what if."""

from __future__ import annotations

from datetime import date
from typing import Any

from plugin_server.db.ladder import placing as ladder
from tests.ladder.shops import NOW, Shop, at, every, insert


def explained(shop: Shop, email: str, **how: Any) -> Any:
    with shop.work() as conn:
        return ladder.explain(conn, merchant_id=shop.merchant_id, email=email, now=NOW, **how)


def test_counts_have_all_rungs_with_shares(shop: Shop) -> None:
    for _ in range(3):
        shop.person()
    shop.order(shop.person(), "2026-06-01")
    shop.climb()
    with shop.work() as conn:
        found = ladder.counts(conn, merchant_id=shop.merchant_id, now=NOW)
    assert (found["as_of"], found["ladder"], found["customers"]) == ("2026-06-15", "seven-rungs", 4)
    assert every(found["rungs"], "count") == [3, 0, 1, 0, 0, 0, 0]
    assert every(found["rungs"], "share") == [0.75, 0.0, 0.25, 0.0, 0.0, 0.0, 0.0]
    assert found["activity"] == {"active": 1, "cooling": 0, "lapsed": 0, "none": 3}


def test_an_empty_shop_has_counts(shop: Shop) -> None:
    assert shop.counts() == {}
    assert shop.counts(date(2026, 1, 1)) == {}


def test_counts_as_of_a_day_end_with_that_day_in_the_shops_zone(shop: Shop) -> None:
    who = shop.person(known="2025-01-01")
    shop.order(who, "2026-01-10T17:30")  # the 11th in Jakarta
    shop.order(who, "2026-02-10")
    shop.climb()
    assert shop.counts(date(2024, 12, 31)) == {}
    assert shop.counts(date(2026, 1, 10)) == {"suspect": 1}
    assert shop.counts(date(2026, 1, 11)) == {"shopper": 1}
    assert shop.counts(date(2026, 2, 10)) == shop.counts() == {"customer": 1}


def test_as_of_knows_that_a_refund_came_later(shop: Shop) -> None:
    who = shop.person(known="2025-01-01")
    shop.order(who, "2026-01-01")
    shop.refund(shop.order(who, "2026-02-01", 100_00), 100_00, "2026-04-01")
    shop.refund(shop.order(who, "2026-02-02", 100_00), 100_00, None)
    shop.climb()
    assert shop.counts(date(2026, 3, 1)) == {"customer": 1}
    assert shop.counts(date(2026, 4, 2)) == shop.counts() == {"shopper": 1}


def test_explain_names_the_evidence_and_the_missing_piece(shop: Shop) -> None:
    who = shop.person("ani@example.test")
    shop.order(who, "2026-05-01")
    shop.order(who, "2026-06-01")
    shop.climb()
    found = explained(shop, " Ani@Example.Test ")
    assert (found["rung"], found["since"], found["activity"]) == ("customer", "2026-06-01T00:00:00+00:00", "active")
    assert found["because"] == [
        {
            "rule": {"kind": "cmp", "fact": "orders", "op": ">=", "value": 2},
            "holds": True,
            "fact": "orders",
            "value": 2,
            "sentence": "paid orders: at least 2 (now: 2)",
            "short_by": 0,
        }
    ]
    assert found["next"]["rung"] == "member"
    assert every(found["next"]["missing"], "sentence") == [
        "paid orders: at least 3 (now: 2)",
        "member since: known (now: not known)",
    ]
    assert found["next"]["missing"][0]["short_by"] == 1


def test_explain_offers_every_alternative(shop: Shop) -> None:
    who = shop.person("budi@example.test", member_since=date(2025, 5, 1))
    for month in (1, 2, 3):
        shop.order(who, f"2026-0{month}-01")
    shop.climb()
    found = explained(shop, "budi@example.test", lang="id")
    assert found["rung"] == "member"
    assert every(found["because"], "sentence") == [
        "pesanan lunas: minimal 3 (sekarang: 3)",
        "anggota sejak: diketahui (sekarang: 1 Mei 2025)",
    ]
    assert every(found["next"]["missing"], "fact") == ["reviews", "referrals_converted"]


def test_explain_shows_both_sides_of_an_or(shop: Shop) -> None:
    shop.person("cici@example.test", has_account=True)
    shop.climb()
    found = explained(shop, "cici@example.test")
    assert [(item["fact"], item["holds"]) for item in found["because"]] == [
        ("has_account", True),
        ("enquired_at", False),
    ]


def test_explain_at_a_past_date_and_on_the_top(shop: Shop) -> None:
    who = shop.person("fan@example.test")
    for month in (1, 2, 3):
        shop.order(who, f"2026-0{month}-05")
    shop.friend(who, "2026-04-01")
    shop.friend(who, "2026-04-10")
    shop.climb()
    assert explained(shop, "fan@example.test")["next"] is None
    then = explained(shop, "fan@example.test", as_of=date(2026, 2, 1))
    assert (then["rung"], then["since"][:10], then["next"]["rung"]) == ("shopper", "2026-01-05", "customer")
    assert explained(shop, "fan@example.test", as_of=date(2020, 1, 1)) is None
    assert explained(shop, "stranger@example.test") is None


def test_one_customer_agrees_with_the_set(shop: Shop) -> None:
    for number in range(12):
        email = f"p{number}@one.test"
        who = shop.person(
            email, has_account=number % 2 == 0, member_since=date(2025, 1, 1) if number % 3 == 0 else None
        )
        for month in range(number % 5):
            shop.order(who, f"2026-0{month + 1}-01")
        if number % 4 == 3:
            shop.review(who, "2026-05-01")
    shop.climb()
    written = dict(shop.rows("SELECT email, rung FROM customer_facts JOIN customer ON id = customer_id"))
    assert {email: explained(shop, email)["rung"] for email in written} == written
    assert {email: explained(shop, email, as_of=NOW.date())["rung"] for email in written} == written


def test_history_counts_are_last_months_plus_the_moves(shop: Shop) -> None:
    who, other = shop.person(known="2026-01-05"), shop.person(known="2026-02-05")
    shop.order(who, "2026-02-10")
    shop.order(who, "2026-04-10")
    shop.climb()
    with shop.work() as conn:
        found = ladder.history(
            conn, merchant_id=shop.merchant_id, date_from=date(2026, 2, 1), date_to=date(2026, 4, 30), now=NOW
        )["months"]
    assert every(found, "month") == ["2026-02", "2026-03", "2026-04"]
    assert found[0]["moves"] == [
        {"from": None, "to": "suspect", "count": 1},
        {"from": "suspect", "to": "shopper", "count": 1},
    ]
    assert found[1]["moves"] == []
    standing = [{key: count for key, count in month["counts"].items() if count} for month in found]
    assert standing == [{"suspect": 1, "shopper": 1}] * 2 + [{"suspect": 1, "customer": 1}]
    assert shop.facts(other).rung == "suspect"


def test_history_leaves_out_who_was_merged_away(shop: Shop) -> None:
    winner, loser = shop.person(known="2026-01-05"), shop.person(known="2026-01-05")
    shop.climb()
    with shop.work() as conn:
        conn.exec_driver_sql(f"UPDATE customer SET merged_into = {winner} WHERE id = {loser}")
    shop.climb(winner, loser)
    with shop.work() as conn:
        found = ladder.history(conn, merchant_id=shop.merchant_id, date_from=None, date_to=None, now=NOW)["months"]
    assert found[-1]["counts"]["suspect"] == 1


def test_movement_tells_climbs_falls_and_arrivals_apart(shop: Shop) -> None:
    who, faller = shop.person(known="2026-01-01"), shop.person(known="2026-01-01")
    shop.order(faller, "2026-02-01")
    lost = shop.order(faller, "2026-03-01", 100_00)
    shop.climb(now=at("2026-05-01"))
    shop.order(who, "2026-06-10")
    shop.refund(lost, 100_00, "2026-06-11")
    shop.person(known="2026-06-12")
    shop.climb()
    with shop.work() as conn:
        found = ladder.movement(conn, at("2026-06-01"), NOW)
    assert {key: found[key] for key in ("climbed", "fell", "arrived")} == {"climbed": 1, "fell": 1, "arrived": 1}
    assert {"from": "customer", "to": "shopper", "count": 1} in found["moves"]


def test_simulate_counts_only_the_missing_orders(shop: Shop) -> None:
    shop.person(has_account=True)
    for _ in range(2):
        shop.order(shop.person(), "2026-01-01", 200_00)
    who = shop.person()
    for day in ("2026-01-01", "2026-02-01"):
        shop.order(who, day, 500_00)
    shop.climb()
    with shop.work() as conn:
        found = ladder.simulate(conn, merchant_id=shop.merchant_id)
    # A prospect's first order as shoppers', two shoppers' second at 200, one customer's third at 500.
    assert found["headline"] == {
        "extra_orders": 4,
        "extra_revenue": {"amount": "1100.00", "currency": "IDR"},
        "extra_margin": {"amount": "330.00", "currency": "IDR"},
    }
    # One prospect for a shopper's 200, two shoppers each for a customer's 1000; no member to swap the customer for.
    assert found["upper_bound"]["extra_revenue"] == {"amount": "2300.00", "currency": "IDR"}
    assert [step["upper_bound"]["extra_orders"] for step in found["per_rung"][:4]] == [0, 1, 2, 1]
    assert found["assumptions"]["margin_basis"].startswith("An assumption (30%)")
    assert [(step["rung"], step["to"], step["customers"]) for step in found["per_rung"][1:4]] == [
        ("prospect", "shopper", 1),
        ("shopper", "customer", 2),
        ("customer", "member", 1),
    ]


def test_simulate_rounds_the_sum_and_no_average(shop: Shop) -> None:
    for _ in range(4):
        who = shop.person()
        shop.order(who, "2026-01-01", 100)
        shop.order(who, "2026-02-01", 101)
    shop.climb()
    with shop.work() as conn:
        found = ladder.simulate(conn, merchant_id=shop.merchant_id)
    assert found["headline"]["extra_revenue"] == {"amount": "4.02", "currency": "IDR"}, "4 × 1.005"


def test_simulate_uses_unit_costs_where_it_knows_them(shop: Shop) -> None:
    order = shop.order(shop.person(), "2026-01-01", 300_00)
    shop.climb()
    with shop.work() as conn:
        insert(
            conn,
            "product",
            merchant_id=shop.merchant_id,
            store_id=shop.store_id,
            external_id="tea",
            title="Tea",
            currency="IDR",
            unit_cost_minor=40_00,
        )
        for place, product, total in ((1, "tea", 200_00), (2, "cup", 100_00)):
            conn.exec_driver_sql(
                "INSERT INTO order_line (merchant_id, order_id, position, product_external_id, quantity, total_minor) "
                f"VALUES ({shop.merchant_id}, {order}, {place}, '{product}', 2, {total})"
            )
        found = ladder.simulate(conn, merchant_id=shop.merchant_id)
    assert found["assumptions"]["margin_rate"] == 0.6
    assert found["assumptions"]["margin_basis"] == "Unit costs of the products behind 67% of sales."


def test_simulate_of_nobody_is_nothing(shop: Shop) -> None:
    with shop.work() as conn:
        found = ladder.simulate(conn, merchant_id=shop.merchant_id)
    assert found["headline"]["extra_orders"] == 0
