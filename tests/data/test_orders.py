"""Promise 1: every order of the store is here once, as it stands there, whatever way it came."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.types import OrderStatus
from tests.data.making import DAY, Shop, line, order, refund


def test_a_first_order_makes_order_line_and_customer(shop: Shop) -> None:
    done = shop.take(order("1", refunds=(refund(2_500),), coupon_codes=("hemat",)))
    assert done.counts() == {"seen": 1, "created": 1, "updated": 0, "unchanged": 0}
    assert shop.rows("SELECT external_id, net_minor, counts, coupon_codes FROM shop_order") == [
        ("1", 7_500, True, ["hemat"])
    ]
    assert shop.rows("SELECT position, title, quantity, total_minor FROM order_line") == [(0, "Kopi", 1, 10_000)]
    assert shop.rows("SELECT id, email_norm, first_name, last_name, has_account FROM customer") == [
        (done.touched[0] if done.touched else 0, "ani@example.com", "Ani", "Wijaya", False)
    ]


def test_the_same_again_writes_nothing(shop: Shop) -> None:
    shop.take(order())
    before = shop.rows("SELECT xmin, * FROM shop_order")
    assert shop.take(order()).counts() == {"seen": 1, "created": 0, "updated": 0, "unchanged": 1}
    assert shop.rows("SELECT xmin, * FROM shop_order") == before


def test_an_older_version_is_refused(shop: Shop) -> None:
    shop.take(order(updated_at=DAY + timedelta(hours=2), status=OrderStatus.COMPLETED))
    done = shop.take(order(updated_at=DAY + timedelta(hours=1), status=OrderStatus.PENDING, paid=False))
    assert (done.updated, done.unchanged, done.touched) == (0, 1, [])
    assert shop.rows("SELECT status, paid FROM shop_order") == [("completed", True)]


def test_a_refund_that_vanished_without_a_new_time_is_noticed(shop: Shop) -> None:
    shop.take(order(refunds=(refund(2_500),)))
    assert shop.take(order()).updated == 1
    assert shop.rows("SELECT net_minor FROM shop_order") == [(10_000,)]
    assert shop.rows("SELECT * FROM order_refund") == []


def test_equal_content_with_a_newer_time_keeps_versions_in_between_out(shop: Shop) -> None:
    first = order()
    shop.take(first)
    again = shop.take(order(updated_at=DAY + timedelta(hours=2)))
    assert (again.updated, again.unchanged) == (0, 1)
    shop.take(order(updated_at=DAY + timedelta(hours=1), total_minor=99))
    assert shop.rows("SELECT total_minor FROM shop_order") == [(10_000,)]


def test_lines_of_a_changed_order_are_replaced_whole(shop: Shop) -> None:
    shop.take(order(lines=(line(), line(title="Teh"), line(title="Susu"))))
    shop.take(order(lines=(line(title="Gula", total_minor=5),)))
    assert shop.rows("SELECT position, title, total_minor FROM order_line") == [(0, "Gula", 5)]


def test_twice_in_one_batch_the_newest_holds(shop: Shop) -> None:
    newer = order(updated_at=DAY + timedelta(hours=1), total_minor=500)
    done = shop.take(newer, order(), order("2"))
    assert done.counts() == {"seen": 3, "created": 2, "updated": 0, "unchanged": 1}
    assert shop.rows("SELECT total_minor FROM shop_order WHERE external_id = '1'") == [(500,)]


def test_upper_case_and_blanks_in_an_address_are_one_person(shop: Shop) -> None:
    shop.take(order("1"), order("2", email=" ANI@Example.com "))
    shop.take(order("3", email="Ani@example.COM"))
    assert shop.rows("SELECT count(*), count(DISTINCT customer_id) FROM shop_order") == [(3, 1)]


def test_an_account_s_order_belongs_to_it_whatever_the_billing_address(shop: Shop) -> None:
    shop.take(order("1", customer_external_id="7", email="ani@example.com"))
    shop.take(order("2", customer_external_id="7", email="office@example.com"))
    assert shop.rows("SELECT count(DISTINCT customer_id) FROM shop_order") == [(1,)]
    assert shop.rows("SELECT email_norm, has_account FROM customer") == [("ani@example.com", True)]


def test_a_guest_and_an_account_with_one_address_are_one_person(shop: Shop) -> None:
    shop.take(order("1"), order("2", customer_external_id="7"))
    assert shop.rows("SELECT count(DISTINCT customer_id) FROM shop_order") == [(1,)]
    assert shop.rows("SELECT external_id FROM identity") == [("7",)]


@pytest.mark.parametrize("email", [None, "", "no address", "deleted@site.invalid"])
def test_an_order_without_identity_is_a_guest_s(shop: Shop, email: str | None) -> None:
    shop.take(order(email=email))
    assert shop.rows("SELECT customer_id, counts FROM shop_order") == [(None, True)]
    assert shop.rows("SELECT * FROM customer") == []


def test_an_account_without_an_address_is_a_person(shop: Shop) -> None:
    shop.take(order("1", email=None, customer_external_id="7"), order("2", email=None, customer_external_id="8"))
    assert shop.rows("SELECT email_norm, has_account FROM customer") == [(None, True), (None, True)]


def test_an_order_that_moves_to_another_person_touches_both(shop: Shop) -> None:
    shop.take(order(email="a@example.com"), order("2", email="b@example.com"))
    done = shop.take(order(email="b@example.com", updated_at=DAY + timedelta(hours=1)))
    people = sorted(row[0] for row in shop.rows("SELECT id FROM customer"))
    assert done.touched == people


def test_a_name_of_ten_megabytes_is_cut(shop: Shop) -> None:
    shop.take(order(name="x" * 10_000_000, lines=(line(title="\x00y" * 5_000_000),)))
    assert shop.rows("SELECT length(first_name) FROM customer") == [(400,)]
    assert shop.rows("SELECT length(title) FROM order_line") == [(400,)]


def test_an_order_fills_blanks_and_never_overrules(shop: Shop) -> None:
    shop.take(order("1", name=None, phone=None, country="ID"))
    shop.take(order("2", name="Ani Wijaya", phone="0812", country="NL"))
    assert shop.rows("SELECT first_name, phone, country FROM customer") == [("Ani", "0812", "ID")]


def test_a_negative_total_is_kept_and_does_not_count(shop: Shop) -> None:
    shop.take(order(total_minor=-500))
    assert shop.rows("SELECT total_minor, counts FROM shop_order") == [(-500, False)]


def test_a_friend_s_order_converts_a_referral_and_its_fall_undoes_it(shop: Shop) -> None:
    shop.take(order("1", email="ani@example.com", customer_external_id="7"))
    ani = shop.rows("SELECT id FROM customer")[0][0]
    done = shop.take(order("2", email="budi@example.com", referred_by="7"))
    assert shop.rows("SELECT advocate_id, converted_at FROM referral") == [(ani, DAY)]
    assert ani in (done.touched or [])
    later = DAY + timedelta(days=1)
    shop.take(
        order(
            "2", email="budi@example.com", referred_by="7", status=OrderStatus.CANCELLED, paid=False, updated_at=later
        )
    )
    assert shop.rows("SELECT converted_at FROM referral") == [(None,)]


def test_nobody_refers_oneself(shop: Shop) -> None:
    shop.take(order("1"), order("2", referred_by="ANI@example.com"))
    assert shop.rows("SELECT * FROM referral") == []
