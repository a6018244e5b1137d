"""A campaign asks for friends: who has never ordered gets a price, and so does the customer once the friend kept it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import Connection

from plugin_server.db.customers import signups
from plugin_server.db.friends import friend_promises, referrals
from plugin_server.db.friends.referrals import Decided
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.giving.points_night import rounded
from plugin_server.vault import read_referral_token
from tests.campaigns.shop import add_order
from tests.teams.conftest import SECRET, Deals
from tests.teams.test_campaigns import started


@pytest.fixture
def invited(deals: Deals) -> Deals:
    """Eight customers with a letter: 15 % for the friend, 10 % for them; the shop gives friends nothing by itself."""
    runs.advance(deals.app, deals.world, deals.merchant, started(deals, "friend_invite", minimum="100000"))
    return deals


def comes(deals: Deals, email: str, advocate: int = 1) -> Decided | None:
    """A friend leaves an address on the link and confirms it."""
    now, told = deals.app.now(), {"language": "en", "wanted": {"promotions"}, "evidence": "", "double": True}

    def act(conn: Connection) -> Decided | None:
        friend, _ = signups.take(conn, deals.merchant, email=email, name="", now=now, **told)  # type: ignore[arg-type]
        referrals.ask(conn, deals.merchant, advocate_id=advocate, friend_id=friend, email=email, ip_hash=email, now=now)
        return referrals.confirm(conn, deals.merchant, friend, secret=SECRET, now=now)

    return deals.do(act)


def codes(deals: Deals) -> list[Any]:
    return deals.rows("SELECT email, value::int, minimum_minor FROM offer_code WHERE claim_id IS NOT NULL ORDER BY id")


def orders(deals: Deals, email: str, at: str, **values: Any) -> int:
    store = deals.rows("SELECT id FROM store")[0][0]
    friend = deals.rows(f"SELECT id FROM customer WHERE email = '{email}'")[0][0]
    number = deals.do(
        lambda conn: add_order(conn, deals.merchant, friend, store=store, external=email, at=at, **values)
    )
    deals.rows(f"UPDATE referral SET converted_at = '{at}' WHERE friend_id = {friend} RETURNING id")
    return number


def test_the_letter_carries_a_link_that_opens_nothing_of_the_customers_own(invited: Deals) -> None:
    mails = invited.mails()
    assert len(mails) == 8
    body = mails["c4@example.com"][0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    link = re.search(r"https://mail\.toko\.example/r/(\S+)", body)
    assert link is not None
    assert read_referral_token([SECRET], link[1]) == (invited.merchant, 4)
    assert mails["c4@example.com"][0]["Subject"] == "15% for a friend, 10% for you"
    assert invited.rows("SELECT DISTINCT state FROM offer_code") == [("promised",)]


def test_a_new_friend_and_then_the_customer_get_a_code(invited: Deals) -> None:
    assert comes(invited, "new@example.com") == Decided("approved")
    assert codes(invited) == [("new@example.com", 15, 10_000_000)]
    orders(invited, "new@example.com", "2027-02-25 02:00+00")
    invited.later(days=14)
    rounded(invited.app, invited.merchant)
    assert len(codes(invited)) == 1
    invited.later(days=1, hours=1)
    for _ in range(2):
        rounded(invited.app, invited.merchant)
    assert codes(invited)[1:] == [("c1@example.com", 10, 0)]
    assert invited.rows("SELECT state FROM offer_code WHERE customer_id = 1 AND run_id IS NOT NULL") == [("kept",)]


def test_who_ordered_ever_is_no_friend_and_an_order_that_went_back_brings_nothing(invited: Deals) -> None:
    assert comes(invited, "c2+x@example.com") == Decided("refused", "bought")
    assert codes(invited) == []
    assert comes(invited, "new@example.com") == Decided("approved")
    back = orders(invited, "new@example.com", "2027-02-25 02:00+00")
    invited.rows(f"UPDATE shop_order SET status = 'cancelled', paid = false WHERE id = {back} RETURNING id")
    invited.later(days=20)
    rounded(invited.app, invited.merchant)
    assert len(codes(invited)) == 1


def test_a_promise_is_good_for_so_many_friends_and_lapses(invited: Deals) -> None:
    assert comes(invited, "one@example.com") == Decided("approved")
    assert comes(invited, "two@example.com") == Decided("refused", "off")
    terms = invited.do(lambda conn: referrals.terms_of(conn, 2, invited.app.now()))
    assert (terms.on, terms.percent, terms.minimum) == (True, 15, 100_000)
    issued = invited.rows("SELECT issued_minor FROM offer_budget")[0][0]
    invited.later(days=31)
    rounded(invited.app, invited.merchant)
    states = invited.rows("SELECT state, count(*) FROM offer_code WHERE run_id IS NOT NULL GROUP BY 1 ORDER BY 1")
    assert states == [("lapsed", 7), ("promised", 1)]
    assert invited.rows("SELECT issued_minor FROM offer_budget") == [(issued // 8,)]
    assert invited.do(lambda conn: friend_promises.of_customer(conn, 2, invited.app.now())) is None
    assert comes(invited, "late@example.com", 2) == Decided("refused", "off")
