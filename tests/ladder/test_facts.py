"""The wide row: what goes in, what stays out, and what is written again."""

from __future__ import annotations

from decimal import Decimal

from tests.ladder.shops import Shop, at, insert


def test_a_customer_without_orders_has_a_row(shop: Shop) -> None:
    who = shop.person(known="2026-03-01", has_account=True, enquired_at=at("2026-02-20"))
    shop.refresh()
    row = shop.facts(who)
    assert (row.orders, row.spend_minor, row.average_order_minor) == (0, 0, None)
    assert (row.first_order_at, row.gap_mean_days, row.stores) == (None, None, [])
    assert (row.has_account, row.known_since) == (True, at("2026-02-20"))


def test_only_counting_orders_count(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01", 500_00)
    shop.order(who, "2026-01-02", 100_00, paid=False)
    shop.order(who, "2026-01-03", 100_00, test=True)
    shop.order(who, "2026-01-04", 100_00, status="cancelled")
    shop.order(who, "2026-01-05", 100_00, refunded_minor=100_00)
    shop.order(who, "2026-01-06", 0)
    shop.refresh()
    row = shop.facts(who)
    assert (row.orders, row.spend_minor, row.last_order_at) == (1, 500_00, at("2026-01-01"))


def test_money_is_net_and_only_the_merchants_own(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01", 500_00, refunded_minor=200_00)
    shop.order(who, "2026-01-02", 100_01, coupon_codes=["HELLO"])
    shop.order(who, "2026-01-03", 9_999_99, currency="EUR")
    shop.refresh()
    row = shop.facts(who)
    assert (row.orders, row.foreign_orders, row.discount_orders) == (3, 1, 1)
    assert (row.spend_minor, row.refunded_minor, row.average_order_minor) == (400_01, 200_00, 200_01)


def test_gaps_run_between_distinct_days_of_the_shops_zone(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01T10:00")
    shop.order(who, "2026-01-01T16:59")  # still the first in Jakarta
    shop.order(who, "2026-01-01T17:00")  # the second in Jakarta
    shop.order(who, "2026-01-12T03:00")
    shop.refresh()
    row = shop.facts(who)
    assert (row.orders, row.order_days, row.gap_mean_days) == (4, 3, Decimal("5.500"))
    assert (row.second_order_at, row.third_order_at) == (at("2026-01-01T16:59"), at("2026-01-01T17:00"))


def test_the_newest_word_on_promotions_holds(shop: Shop) -> None:
    who = shop.person()
    shop.consent(who, "subscribed", "2026-02-01")
    shop.consent(who, "unsubscribed", "2026-03-01")
    shop.consent(who, "subscribed", "2026-01-01")
    shop.consent(who, "subscribed", "2026-05-01", topic="news")
    shop.refresh()
    assert shop.facts(who).consent_promotions == "unsubscribed"


def test_reviews_and_friends_are_evidence_only_when_approved_good_or_bought(shop: Shop) -> None:
    who = shop.person()
    shop.review(who, "2026-02-01", rating=3)
    shop.review(who, "2026-02-02", approved=False)
    shop.review(who, "2026-02-03", rating=4)
    shop.friend(who, None)
    shop.friend(who, "2026-04-01")
    shop.friend(who, "2026-03-01")
    shop.refresh()
    row = shop.facts(who)
    assert (row.reviews, row.first_review_at) == (1, at("2026-02-03"))
    assert (row.referrals_converted, row.first_referral_at) == (2, at("2026-03-01"))
    assert (row.second_referral_at, row.last_referral_at) == (at("2026-04-01"), at("2026-04-01"))


def test_stores_come_from_orders_and_accounts(shop: Shop) -> None:
    who = shop.person()
    with shop.work() as conn:
        other = insert(conn, "store", merchant_id=shop.merchant_id, platform="csv", name="Two", url="two")
        insert(conn, "identity", merchant_id=shop.merchant_id, store_id=other, external_id=f"x{who}", customer_id=who)
    shop.order(who, "2026-01-01")
    shop.refresh()
    assert sorted(shop.facts(who).stores) == sorted([str(shop.store_id), str(other)])


def test_a_merged_customer_loses_the_row(shop: Shop) -> None:
    winner, loser = shop.person(), shop.person()
    shop.refresh()
    with shop.work() as conn:
        conn.exec_driver_sql(f"UPDATE customer SET merged_into = {winner} WHERE id = {loser}")
    assert shop.refresh(winner, loser) == 1
    assert shop.facts(loser) is None
    assert shop.facts(winner) is not None


def test_nothing_is_written_where_nothing_changed(shop: Shop) -> None:
    who, other = shop.person(), shop.person()
    shop.order(who, "2026-01-01")
    assert shop.refresh() == 2
    assert shop.refresh() == 0
    shop.order(who, "2026-01-08")
    shop.order(other, "2026-01-08")
    assert shop.refresh(who) == 1
    assert (shop.facts(who).orders, shop.facts(other).orders) == (2, 0)


def test_no_customers_is_no_work(shop: Shop) -> None:
    shop.person()
    with shop.work() as conn:
        from plugin_server.db.ladder import facts

        assert facts.refresh(conn, merchant_id=shop.merchant_id, customer_ids=[], now=shop.now) == 0
    assert shop.rows("SELECT 1 FROM customer_facts") == []
