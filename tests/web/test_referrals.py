"""The pages of referrals: a friend's way from the link to the code, the owner's terms, and the queue."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pytest

from campaigns.referral import ReferralTerms
from plugin_server.db.friends import referrals
from plugin_server.jobs import climb
from plugin_server.vault import CustomerLink, customer_token, read_customer_token, referral_token
from tests.data.making import Shop, order
from tests.web.conftest import Visitor

FORM = {"on": "1", "percent": "12,5", "minimum": "50", "valid_days": "30", "cap": "10", "a_day": "3"}


@pytest.fixture
def link(shop: Shop) -> str:
    """Ani's link, in a shop that gives friends 10 %."""
    shop.rows("UPDATE store SET platform = 'woocommerce', state = 'connected' RETURNING id")
    shop.take(order())
    shop.do(lambda conn: climb.everybody(conn, merchant_id=shop.merchant, now=shop.app.now()))
    shop.do(lambda conn: referrals.save_terms(conn, ReferralTerms(on=True)))
    return f"/r/{referral_token(shop.app.settings.keys, shop.merchant, owner_of(shop, 'ani@example.com'))}"


def owner_of(shop: Shop, email: str) -> int:
    number: int = shop.rows(f"SELECT id FROM customer WHERE email_norm = '{email}'")[0][0]
    return number


def own_page(shop: Shop, email: str) -> str:
    person = CustomerLink(shop.merchant, owner_of(shop, email))
    return f"/c/{customer_token(shop.app.settings.keys, person)}"


def test_a_link_for_friends_opens_nothing_of_the_customers_own(shop: Shop, link: str, visitor: Visitor) -> None:
    token = link.removeprefix("/r/")
    assert read_customer_token(shop.app.settings.keys, token) is None
    assert visitor.get(f"/c/{token}").status_code == 404
    shown = visitor.get(own_page(shop, "ani@example.com")).text
    assert shop.app.settings.public_url + link in shown
    assert visitor.get(link[:-2]).status_code == 404


def test_a_friend_goes_from_the_link_to_the_code(shop: Shop, link: str, visitor: Visitor) -> None:
    assert "ani@example.com" not in visitor.get(link).text
    assert visitor.client.post(link, data={"email": "nobody"}).status_code == 422
    known = visitor.client.post(link, data={"email": "ani@example.com"}).text
    answer = visitor.client.post(link, data={"email": "budi@example.com", "name": "Budi"}).text
    assert answer == known.replace("ani@example.com", "budi@example.com")
    assert shop.rows("SELECT 1 FROM offer_code") == []
    path = own_page(shop, "budi@example.com")
    assert f'action="{path}/friend"' in visitor.get(f"{path}/friend").text
    assert shop.rows("SELECT DISTINCT state FROM referral_join") == [("asked",)]
    for _ in range(2):
        assert visitor.client.post(f"{path}/friend").status_code == 302
    assert shop.rows("SELECT email, state FROM offer_code") == [("budi@example.com", "planned")]
    assert shop.rows("SELECT state, level FROM consent ORDER BY id DESC LIMIT 1") == [("subscribed", "confirmed")]
    refused = own_page(shop, "ani@example.com")
    visitor.client.post(f"{refused}/friend")
    assert len(shop.rows("SELECT 1 FROM offer_code")) == 1


def test_a_code_that_no_shop_makes_is_told_to_both(
    shop: Shop, link: str, visitor: Visitor, logged_in: Callable[[str], Visitor]
) -> None:
    visitor.client.post(link, data={"email": "budi@example.com", "name": "Budi"})
    path = own_page(shop, "budi@example.com")
    visitor.client.post(f"{path}/friend")
    shop.rows(
        "UPDATE reward_claim SET state = 'failed', error = 'The shop no longer knows this customer.' RETURNING id"
    )
    assert "kode anda tidak bisa dibuat" in visitor.get(path, headers={"Accept-Language": "id"}).text.lower()
    assert "The shop no longer knows this customer." in logged_in("owner").get("/referrals?lang=en").text


def test_a_link_rests_while_nothing_is_given(shop: Shop, link: str, visitor: Visitor) -> None:
    shop.do(lambda conn: referrals.save_terms(conn, ReferralTerms(on=False)))
    assert visitor.get(link).status_code == 404
    assert visitor.client.post(link, data={"email": "budi@example.com"}).status_code == 404
    assert shop.rows("SELECT 1 FROM referral_join") == []
    assert "/r/" not in visitor.get(own_page(shop, "ani@example.com")).text


def test_a_friend_s_own_link_has_its_button_only_where_there_is_something_to_confirm(
    shop: Shop, link: str, visitor: Visitor
) -> None:
    """Nobody's invitation, one that rests, one that stands, one that was decided: pressing does what the page says."""
    ani, titles = f"{own_page(shop, 'ani@example.com')}/friend", []

    def look(path: str) -> bool:
        page = visitor.get(path, headers={"Accept-Language": "en"}).text
        titles.append(re.findall("<h1>(.*?)</h1>", page)[0].replace("&#39;", "'"))
        return f'action="{path}"' in page

    assert not look(ani)
    assert visitor.client.post(ani).status_code == 409
    assert shop.rows("SELECT 1 FROM consent WHERE level = 'confirmed'") == []
    visitor.client.post(link, data={"email": "budi@example.com", "name": "Budi"})
    budi = f"{own_page(shop, 'budi@example.com')}/friend"
    shop.rows("UPDATE customer SET language = 'en' RETURNING id")
    shop.do(lambda conn: referrals.save_terms(conn, ReferralTerms(on=False)))
    assert not look(budi)
    assert visitor.client.post(budi).status_code == 409
    assert shop.rows("SELECT state FROM referral_join") == [("asked",)]
    shop.do(lambda conn: referrals.save_terms(conn, ReferralTerms(on=True)))
    assert look(budi)
    assert visitor.client.post(budi).status_code == 302
    for state in ("approved", "review", "refused"):
        shop.rows(f"UPDATE referral_join SET state = '{state}' RETURNING id")
        assert not look(budi)
    assert titles == [
        "No friend's price waits here", "There is no friend's price at the moment", "Is this you?",
        "You have your friend's price", "The shop is looking at it", "There is no friend's price for you",
    ]  # fmt: skip


def test_terms_are_checked_kept_and_logged(shop: Shop, logged_in: Callable[[str], Visitor]) -> None:
    owner = logged_in("owner")
    owner.get("/settings/referral")
    for name, wrong in (("percent", "91"), ("minimum", "-1"), ("cap", "0"), ("a_day", "1.5"), ("valid_days", "")):
        assert owner.post("/settings/referral", FORM | {name: wrong}).status_code == 422
    assert shop.do(referrals.terms) == ReferralTerms()
    assert owner.post("/settings/referral", FORM).status_code == 302
    assert shop.do(referrals.terms) == ReferralTerms(True, Decimal("12.5"), Decimal(50), 30, 10, 3)
    assert shop.rows("SELECT detail->>'percent' FROM audit_log WHERE action = 'referral_terms'") == [("12.5",)]


def test_the_queue_is_the_owners_and_wants_a_reason(
    shop: Shop, link: str, visitor: Visitor, logged_in: Callable[[str], Visitor]
) -> None:
    visitor.client.post(link, data={"email": "other@example.com", "name": "Ani Wijaya"})
    shop.rows("UPDATE customer SET first_name = 'Ani', last_name = 'Wijaya' RETURNING id")
    visitor.client.post(f"{own_page(shop, 'other@example.com')}/friend")
    owner = logged_in("owner")
    found = re.search(r'action="(/referrals/\d+)"', owner.get("/referrals").text)
    assert found is not None
    assert logged_in("marketer").post(found[1], {"do": "approve", "reason": "x"}).status_code in (400, 403)
    owner.post(found[1], {"do": "approve", "reason": " "})
    assert shop.rows("SELECT state FROM referral_join") == [("review",)]
    owner.post(found[1], {"do": "approve", "reason": "a cousin"})
    assert shop.rows("SELECT state, reason FROM referral_join") == [("approved", "a cousin")]
    assert shop.rows("SELECT email FROM offer_code") == [("other@example.com",)]
    logged = shop.rows("SELECT detail->>'reason' FROM audit_log WHERE action = 'referral_approved'")
    assert logged == [("a cousin",)]
    owner.post(found[1], {"do": "refuse", "reason": "no"})
    assert shop.rows("SELECT state FROM referral_join") == [("approved",)]
