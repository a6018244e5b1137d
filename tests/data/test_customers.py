"""Accounts: one person each, in one place, with what they said themselves left standing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from plugin_server.db.customers import identity
from tests.data.making import DAY, NOW, Shop, account, order

HOUR = timedelta(hours=1)


def _consent(shop: Shop, state: str, at: datetime) -> None:
    def add(connection: Connection) -> None:
        connection.execute(
            text(
                "INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at) "
                "SELECT merchant_id, id, :state, 'link in a mail', :at FROM customer"
            ),
            {"state": state, "at": at},
        )

    shop.do(add)


def _states(shop: Shop) -> list[str]:
    return [row[0] for row in shop.rows("SELECT state FROM consent ORDER BY occurred_at, id")]


def test_an_account_is_a_prospect_s_evidence(shop: Shop) -> None:
    done = shop.know(account(phone="0812", birthday=date(1990, 2, 3), member_since=date(2025, 1, 1)))
    assert done.counts() == {"seen": 1, "created": 1, "updated": 0, "unchanged": 0}
    assert shop.rows(
        "SELECT email, first_name, phone, birthday, member_since, has_account, enquired_at FROM customer"
    ) == [("ani@example.com", "Ani", "0812", date(1990, 2, 3), date(2025, 1, 1), True, DAY)]


def test_the_same_account_again_is_unchanged(shop: Shop) -> None:
    shop.know(account(tags=("vip",)))
    before = shop.rows("SELECT xmin, * FROM customer")
    assert shop.know(account(tags=("vip",))).counts() == {"seen": 1, "created": 0, "updated": 0, "unchanged": 1}
    assert shop.rows("SELECT xmin, * FROM customer") == before


def test_an_older_account_is_refused(shop: Shop) -> None:
    shop.know(account(first_name="New", updated_at=DAY + HOUR))
    assert shop.know(account(first_name="Old")).updated == 0
    assert shop.rows("SELECT first_name FROM customer") == [("New",)]


def test_an_account_and_a_guest_with_its_address_are_one(shop: Shop) -> None:
    shop.take(order(email="ANI@example.com"))
    assert shop.know(account()).created == 1
    assert shop.rows("SELECT count(*), bool_and(has_account) FROM customer") == [(1, True)]


def test_two_accounts_with_one_address_are_one_person(shop: Shop) -> None:
    shop.know(account("7"), account("8", "Ani@Example.com"))
    assert shop.rows("SELECT count(*) FROM customer") == [(1,)]
    assert shop.rows("SELECT count(DISTINCT customer_id) FROM identity") == [(1,)]


def test_a_new_address_takes_the_customer_along(shop: Shop) -> None:
    shop.know(account())
    shop.know(account(email="new@example.com", updated_at=DAY + HOUR))
    assert shop.rows("SELECT email_norm FROM customer") == [("new@example.com",)]


def test_what_a_person_told_us_stays_until_the_store_changes_it(shop: Shop) -> None:
    shop.know(account(language="en"))
    shop.do(lambda connection: connection.execute(text("UPDATE customer SET language = 'id'")))
    shop.know(account(language="en", phone="1", updated_at=DAY + HOUR))
    assert shop.rows("SELECT language, phone FROM customer") == [("id", "1")]
    shop.know(account(language="nl", phone="1", updated_at=DAY + 2 * HOUR))
    assert shop.rows("SELECT language FROM customer") == [("nl",)]


def test_a_membership_that_ended_in_the_store_ends_here(shop: Shop) -> None:
    shop.know(account(member_since=date(2025, 1, 1)))
    shop.know(account(updated_at=DAY + HOUR))
    assert shop.rows("SELECT member_since FROM customer") == [(None,)]


def test_taking_another_customer_s_address_merges_the_two(shop: Shop) -> None:
    shop.know(account())
    shop.take(order("1", customer_external_id="7"), order("2", email="new@example.com"))
    done = shop.know(account(email="new@example.com", updated_at=DAY + HOUR))
    assert shop.rows("SELECT count(DISTINCT customer_id) FROM shop_order") == [(1,)]
    assert shop.rows("SELECT email_norm FROM customer WHERE merged_into IS NULL") == [("new@example.com",)]
    assert len(done.touched or []) == 2
    assert shop.rows("SELECT reason, merged_by FROM customer_merge") == [
        ("The account took the other's e-mail address.", "ingest")
    ]


def test_orders_of_a_merged_address_go_to_the_winner(shop: Shop) -> None:
    shop.take(order("1", email="a@example.com"), order("2", email="b@example.com"))
    (a,), (b,) = shop.rows("SELECT id FROM customer ORDER BY email_norm")
    shop.do(lambda connection: identity.merge(connection, a, b, "same person", "owner", NOW))
    shop.take(order("3", email="B@example.com"))
    assert shop.rows("SELECT DISTINCT customer_id FROM shop_order") == [(a,)]


def test_a_merge_undone_leaves_everything_as_it_was(shop: Shop) -> None:
    shop.know(account("7", "a@example.com"), account("8", "b@example.com", phone="0812", consent="subscribed"))
    shop.take(order("1", customer_external_id="7"), order("2", customer_external_id="8"))
    tables = ("customer", "identity", "shop_order", "consent", "referral")
    before = {table: sorted(map(str, shop.rows(f"SELECT * FROM {table}"))) for table in tables}
    (a,), (b,) = shop.rows("SELECT id FROM customer ORDER BY email_norm")
    merge_id = shop.do(lambda connection: identity.merge(connection, a, b, "same person", "owner", NOW))
    assert shop.rows("SELECT DISTINCT customer_id FROM identity") == [(a,)]
    assert shop.rows(f"SELECT phone FROM customer WHERE id = {a}") == [("0812",)]
    assert shop.do(lambda connection: identity.unmerge(connection, merge_id, "owner", NOW)) == (a, b)
    assert {table: sorted(map(str, shop.rows(f"SELECT * FROM {table}"))) for table in tables} == before


def test_a_merge_is_undone_once(shop: Shop) -> None:
    shop.take(order("1", email="a@example.com"), order("2", email="b@example.com"))
    (a,), (b,) = shop.rows("SELECT id FROM customer ORDER BY email_norm")
    merge_id = shop.do(lambda connection: identity.merge(connection, a, b, "same person", "owner", NOW))
    shop.do(lambda connection: identity.unmerge(connection, merge_id, "owner", NOW))
    with pytest.raises(identity.MergeRefused, match="not undone yet"):
        shop.do(lambda connection: identity.unmerge(connection, merge_id, "owner", NOW))


def test_nobody_is_merged_with_oneself(shop: Shop) -> None:
    shop.take(order())
    ((a,),) = shop.rows("SELECT id FROM customer")
    with pytest.raises(identity.MergeRefused):
        shop.do(lambda connection: identity.merge(connection, a, a, "x", "owner", NOW))


def test_a_consent_of_the_store_is_written_once(shop: Shop) -> None:
    yes = account(consent="subscribed", consent_at=DAY, consent_source="checkout")
    shop.know(yes)
    shop.know(account(consent="subscribed", consent_at=DAY, phone="1", updated_at=DAY + HOUR))
    assert shop.rows("SELECT state, source, occurred_at FROM consent") == [("subscribed", "checkout", DAY)]


def test_a_no_with_us_outlives_an_older_or_undated_yes_of_the_store(shop: Shop) -> None:
    shop.know(account())
    _consent(shop, "unsubscribed", DAY + 5 * HOUR)
    shop.know(account(consent="subscribed", consent_at=DAY + HOUR, updated_at=DAY + 6 * HOUR))
    shop.know(account(consent="subscribed", updated_at=DAY + 7 * HOUR))
    assert _states(shop) == ["unsubscribed"]


def test_a_newer_dated_yes_of_the_store_holds(shop: Shop) -> None:
    shop.know(account())
    _consent(shop, "unsubscribed", DAY + 5 * HOUR)
    shop.know(account(consent="subscribed", consent_at=DAY + 6 * HOUR, updated_at=DAY + 6 * HOUR))
    assert _states(shop) == ["unsubscribed", "subscribed"]


def test_a_no_of_the_store_is_believed_without_a_date(shop: Shop) -> None:
    shop.know(account(consent="subscribed", consent_at=DAY))
    shop.know(account(consent="unsubscribed", updated_at=DAY + HOUR))
    assert _states(shop) == ["subscribed", "unsubscribed"]


def test_a_referral_named_by_an_account_is_found_when_the_advocate_comes_later(shop: Shop) -> None:
    from plugin_server.db.ingest.links import link_store

    shop.know(account("8", "budi@example.com", referred_by="ani@example.com"))
    shop.take(order(email="budi@example.com"))
    shop.know(account("7"))
    advocates = shop.do(lambda c: link_store(c, merchant_id=shop.merchant, store_id=shop.store))
    assert shop.rows("SELECT converted_at, advocate_id FROM referral") == [(DAY, advocates[0])]
