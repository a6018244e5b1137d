"""Points for what customers do beside buying."""

from __future__ import annotations

from datetime import date, timedelta

from plugin_server.db.points import actions
from plugin_server.db.points import programme as points
from plugin_server.jobs.giving.points_night import rounded
from tests.data.making import DAY, NOW, Shop, account, order
from tests.points.conftest import program
from tests.points.test_orders import has, take

TOLD = ("birthday_told", "preferences_told")


def with_actions(shop: Shop, **points_for: int) -> None:
    earn = [{"kind": "action", "action": action, "points": n, "most_per_year": 2} for action, n in points_for.items()]
    shop.do(lambda conn: points.save_program(conn, shop.merchant, program(earn=earn), by="o"))


def test_joining_and_a_birthday_earn_once(shop: Shop) -> None:
    with_actions(shop, joined=50, birthday=20)
    today = NOW.date()
    shop.know(account(birthday=date(1990, today.month, today.day), created_at=DAY))
    take(shop, order(customer_external_id="7"))
    assert rounded(shop.app, shop.merchant)["actions"] == 2
    assert rounded(shop.app, shop.merchant)["actions"] == 0
    assert has(shop, NOW) == (70, 0)


def test_reviews_earn_up_to_the_most_of_a_year(shop: Shop) -> None:
    with_actions(shop, review=10)
    take(shop, order())
    customer = shop.rows("SELECT id FROM customer")[0][0]
    for number in range(3):
        written = DAY + timedelta(days=number)
        shop.rows(
            "INSERT INTO testimonial (merchant_id, external_id, customer_id, email_norm, approved, written_at) "
            f"VALUES ({shop.merchant}, '{number}', {customer}, 'ani@example.com', true, '{written}') RETURNING id"
        )
    assert rounded(shop.app, shop.merchant)["actions"] == 2
    assert has(shop, NOW) == (20, 0)


def test_telling_birthday_and_likes_earns_once(shop: Shop) -> None:
    with_actions(shop, birthday_told=30, preferences_told=7)
    take(shop, order())
    customer = shop.rows("SELECT id FROM customer")[0][0]
    said = (("birthday", "{}", 0), ("birthday", "{}", 2), ("preferences", "{}", 0), ("preferences", "{Teh}", 3))
    for question, choices, day in said:
        at = DAY + timedelta(days=day)
        shop.rows(
            "INSERT INTO survey_answer (merchant_id, customer_id, question, occasion, choices, first_at, answered_at) "
            f"VALUES ({shop.merchant}, {customer}, '{question}', '{day}', '{choices}', '{at}', '{at}') RETURNING id"
        )
    assert [shop.do(lambda conn, told=told: actions.promised(conn, customer, told)) for told in TOLD] == [30, 7]
    assert rounded(shop.app, shop.merchant)["actions"] == 2
    assert rounded(shop.app, shop.merchant)["actions"] == 0
    assert has(shop, NOW) == (37, 0)
    assert [shop.do(lambda conn, told=told: actions.promised(conn, customer, told)) for told in TOLD] == [0, 0]


def test_what_was_told_before_the_programme_is_promised_nothing(shop: Shop) -> None:
    take(shop, order())
    customer = shop.rows("SELECT id FROM customer")[0][0]
    shop.rows(
        "INSERT INTO survey_answer (merchant_id, customer_id, question, occasion, first_at, answered_at) "
        f"VALUES ({shop.merchant}, {customer}, 'birthday', 'x', '2019-01-01', '2019-01-01') RETURNING id"
    )
    with_actions(shop, birthday_told=30, preferences_told=7)
    assert [shop.do(lambda conn, told=told: actions.promised(conn, customer, told)) for told in TOLD] == [0, 7]
    assert rounded(shop.app, shop.merchant)["actions"] == 0


def test_the_night_ends_lots_and_looks_at_orders_once_more(points_shop: Shop) -> None:
    points_shop.take(order(placed_at=DAY - timedelta(days=400)), order("2"))
    assert rounded(points_shop.app, points_shop.merchant) == {"ended": 0, "orders": 2, "actions": 0}
    assert has(points_shop, NOW) == (10, 0)
