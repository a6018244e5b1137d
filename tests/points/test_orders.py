"""What orders earn and give back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.types import Order, OrderStatus, Refund
from plugin_server.db.customers import identity
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points import programme as points
from plugin_server.jobs.consequences import follow
from tests.data.making import DAY, NOW, Shop, line, order, refund
from tests.points.conftest import program

SOON = DAY + timedelta(days=1)
LATER = DAY + timedelta(days=20)


def take(shop: Shop, *orders: Order, now: datetime = LATER) -> None:
    done = shop.take(*orders)
    shop.do(lambda conn: follow(conn, merchant_id=shop.merchant, done=done, now=now))


def has(shop: Shop, now: datetime = LATER, email: str = "ani@example.com") -> tuple[int, int]:
    def read(conn: Any) -> tuple[int, int]:
        customer = shop.rows(f"SELECT id FROM customer WHERE email_norm = '{email}' AND merged_into IS NULL")[0][0]
        found = points.balance(conn, customer, now)
        return found.available, found.pending

    return shop.do(read)


def test_an_order_earns_what_its_amount_is_worth_and_waits_for_the_return_window(points_shop: Shop) -> None:
    take(points_shop, order(total_minor=10_550), now=SOON)
    assert has(points_shop, SOON) == (0, 10)
    assert has(points_shop, LATER) == (10, 0)


def test_looking_twice_gives_nothing_more(points_shop: Shop) -> None:
    take(points_shop, order())
    take(points_shop, order(updated_at=SOON))
    assert has(points_shop) == (10, 0)


def test_a_partial_refund_takes_back_its_part_by_the_rule_it_was_earned_by(points_shop: Shop) -> None:
    take(points_shop, order(total_minor=100_000))
    dearer = program(earn=[{"kind": "amount", "points": 5, "per": "10"}])
    points_shop.do(lambda conn: points.save_program(conn, points_shop.merchant, dearer, by="o"))
    take(points_shop, order(total_minor=100_000, refunds=(refund(30_000),), updated_at=SOON))
    assert has(points_shop) == (70, 0)


def test_what_was_earned_by_an_old_programme_comes_back_whole(points_shop: Shop) -> None:
    take(points_shop, order())
    take(points_shop, order(status=OrderStatus.CANCELLED, updated_at=SOON))
    assert has(points_shop) == (0, 0)
    take(points_shop, order(updated_at=SOON + timedelta(days=1)))
    assert has(points_shop) == (10, 0)


def test_shipping_earns_nothing_unless_the_programme_says_so(points_shop: Shop) -> None:
    take(points_shop, order(total_minor=10_000, shipping_minor=2_000))
    assert has(points_shop) == (8, 0)


@pytest.mark.parametrize(
    ("refunds", "left"),
    [
        ([(2_000, 2_000)], 10),  # the shipping alone
        ([(10_000, 0)], 0),  # all of the goods; the shop keeps the shipping
        ([(3_000, 1_000), (5_000, 0)], 3),  # in two parts, one of them partly for shipping
        ([(6_000, 0)], 4),  # goods
        ([(1_200, 200)], 9),  # a mere sum as the shops' words for it: a tenth of the order, a tenth of its points
    ],
)
def test_shipping_given_back_takes_no_points_and_all_goods_take_all(
    points_shop: Shop, refunds: list[tuple[int, int]], left: int
) -> None:
    take(points_shop, order(total_minor=12_000, shipping_minor=2_000))
    assert has(points_shop) == (10, 0)
    for number in range(len(refunds)):
        back = tuple(
            Refund(f"r{n}", minor, SOON, shipping) for n, (minor, shipping) in enumerate(refunds[: number + 1])
        )
        at = SOON + timedelta(days=300 + number)  # long after the return window
        take(points_shop, order(total_minor=12_000, shipping_minor=2_000, refunds=back, updated_at=at), now=at)
    assert has(points_shop) == (left, 0)
    with_shipping = program(include_shipping=True)
    points_shop.do(lambda conn: points.save_program(conn, points_shop.merchant, with_shipping, by="o"))
    take(points_shop, order("2", total_minor=12_000, shipping_minor=2_000))
    take(points_shop, order("2", total_minor=12_000, shipping_minor=2_000, refunds=(Refund("r", 2_000, None, 2_000),),
                            updated_at=SOON))  # fmt: skip
    assert has(points_shop) == (left + 10, 0)


def test_orders_before_the_programme_earn_nothing(points_shop: Shop) -> None:
    take(points_shop, order(placed_at=datetime(2019, 12, 31, 16, 59, tzinfo=DAY.tzinfo)))
    take(points_shop, order("2", placed_at=datetime(2019, 12, 31, 17, 0, tzinfo=DAY.tzinfo)))
    rows = points_shop.rows("SELECT order_id FROM point_basis")
    assert len(rows) == 1


def test_an_order_of_long_ago_brings_points_that_ended(points_shop: Shop) -> None:
    take(points_shop, order(placed_at=DAY - timedelta(days=400)))
    assert has(points_shop) == (0, 0)
    assert points_shop.rows("SELECT kind, points FROM point_entry ORDER BY id") == [("earn", 10), ("expire", -10)]


def test_points_that_ended_are_not_taken_back_again(points_shop: Shop) -> None:
    old = order(placed_at=DAY - timedelta(days=400))
    take(points_shop, old)
    take(points_shop, replace(old, refunds=(refund(10_000),), status=OrderStatus.REFUNDED, updated_at=SOON))
    assert has(points_shop) == (0, 0)


def test_a_category_earns_on_its_lines_and_a_rung_multiplies(shop: Shop) -> None:
    rules = [
        {"kind": "amount", "points": 1, "per": "10"},
        {"kind": "amount", "points": 2, "per": "10", "category": "tea"},
    ]
    times = [{"rung": "shopper", "times": "1.5"}]
    chosen = program(earn=rules, multipliers=times, pending_days=0)
    shop.do(lambda conn: points.save_program(conn, shop.merchant, chosen, by="o"))
    shop.rows(
        "WITH p AS (INSERT INTO product (merchant_id, store_id, external_id, title, currency, category_ids) "
        f"VALUES ({shop.merchant}, {shop.store}, '5', 'Tea', 'IDR', '{{9}}') RETURNING 1), c AS ("
        "INSERT INTO category (merchant_id, store_id, external_id, name) "
        f"VALUES ({shop.merchant}, {shop.store}, '9', 'Tea') RETURNING 1) SELECT * FROM p, c"
    )
    goods = (line(total_minor=6_000), line(external_id="2", total_minor=4_000, product_external_id="5"))
    take(shop, order(lines=goods))
    assert has(shop) == (10 + 8, 0)
    take(shop, order("2", lines=goods, placed_at=DAY + timedelta(days=2)))
    assert has(shop) == (18 + 15 + 12, 0)


def test_half_of_a_returned_basket_takes_half_of_every_rule(shop: Shop) -> None:
    rules = [{"kind": "amount", "points": 1, "per": "3"}]
    shop.do(lambda conn: points.save_program(conn, shop.merchant, program(earn=rules), by="o"))
    take(shop, order(total_minor=10_000))
    assert has(shop) == (33, 0)
    take(shop, order(total_minor=10_000, refunds=(refund(5_000),), updated_at=SOON))
    assert has(shop) == (16, 0)


def test_points_follow_a_merge_and_come_back_with_its_undoing(points_shop: Shop) -> None:
    take(points_shop, order(), order("2", email="budi@example.com", total_minor=20_000))
    ids = [row[0] for row in points_shop.rows("SELECT id FROM customer ORDER BY email_norm")]
    merge = points_shop.do(lambda conn: identity.merge(conn, ids[0], ids[1], "same", "owner", NOW))
    assert has(points_shop) == (30, 0)
    points_shop.do(lambda conn: identity.unmerge(conn, merge, "owner", NOW))
    assert (has(points_shop), has(points_shop, email="budi@example.com")) == ((10, 0), (20, 0))


def test_an_order_of_another_currency_and_one_of_nobody_earn_nothing(points_shop: Shop) -> None:
    take(points_shop, order(currency="EUR"), order("2", email=None, name=None))
    assert points_shop.rows("SELECT * FROM point_entry") == []


def test_a_shop_without_a_programme_earns_nothing(shop: Shop) -> None:
    take(shop, order())
    assert shop.rows("SELECT * FROM point_basis") == []


def test_quantities_and_money_stay_whole_numbers(points_shop: Shop) -> None:
    take(points_shop, order(lines=(line(quantity=Decimal("0.5")),), total_minor=999))
    assert points_shop.rows("SELECT points FROM point_entry") == []


def test_sales_are_put_off_for_points_that_can_still_be_spent_and_for_no_others(points_shop: Shop) -> None:
    """10,000 of sales, 1,000 points worth 1 each, 80 % expected: 10,000 × 800 ÷ 10,800 is put off at first."""
    take(points_shop, order(total_minor=1_000_000))
    customer = points_shop.rows("SELECT id FROM customer")[0][0]

    def owed(now: datetime) -> tuple[str, str]:
        found = points_shop.do(lambda conn: points.liability(conn, now))
        assert found is not None
        return found["recognised"]["amount"], found["deferred"]["amount"]

    assert owed(LATER) == ("0.00", "740.74")
    points_shop.do(lambda conn: points_ledger.take(conn, customer, 400, kind="redeem", key="x", reason="", now=LATER))
    assert owed(LATER) == ("370.37", "370.37")
    assert owed(DAY + timedelta(days=400)) == ("740.74", "0.00"), "the other 600 have ended"
