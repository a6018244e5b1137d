"""Membership: numbers, enrolment by each hand, the card, and who may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.membership import MembershipTerms, member_number, mistyped, next_anniversary
from plugin_server.db.customers import membership
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.giving import membership as jobs
from plugin_server.vault import CustomerLink, customer_token
from tests.data.making import DAY, NOW, Shop, order
from tests.web.conftest import Visitor

TERMS = {"mode": "invite", "rung": "customer", "least_orders": "3"}


def regular(shop: Shop, email: str = "ani@example.com", orders: int = 3) -> int:
    """A customer with so many orders, placed on the ladder."""
    days = [DAY + timedelta(days=30 * number) for number in range(orders)]
    shop.take(*(order(f"{email}-{at}", email=email, placed_at=at, updated_at=at) for at in days))
    shop.do(lambda conn: climb.everybody(conn, merchant_id=shop.merchant, now=shop.app.now()))
    number: int = shop.rows(f"SELECT id FROM customer WHERE email_norm = '{email}'")[0][0]
    return number


def page_of(shop: Shop, customer: int) -> str:
    return f"/c/{customer_token(shop.app.settings.keys, CustomerLink(shop.merchant, customer))}"


def terms(shop: Shop, mode: str, least: int = 3) -> None:
    shop.do(lambda conn: membership.save_terms(conn, MembershipTerms(mode, "customer", least)))


def cards(shop: Shop) -> list[tuple[str, bool]]:
    found = shop.rows("SELECT member_number, member_since IS NOT NULL FROM customer ORDER BY id")
    return [tuple(row) for row in found]


@pytest.mark.parametrize(("place", "number"), [(1, "0000 0018"), (7992739871, "799 2739 8713"), (1234, "0001 2344")])
def test_a_number_ends_with_its_check_digit(place: int, number: str) -> None:
    assert member_number(place) == number
    assert not mistyped(number)


@given(st.integers(1, 9_999_999), st.integers(0, 7), st.integers(1, 9))
def test_every_digit_typed_wrong_is_found(place: int, at: int, off: int) -> None:
    digits = list(member_number(place).replace(" ", ""))
    digits[at] = str((int(digits[at]) + off) % 10)
    assert mistyped("".join(digits))


@pytest.mark.parametrize(
    ("since", "today", "expected"),
    [
        (date(2024, 2, 29), date(2026, 1, 1), date(2026, 2, 28)),
        (date(2024, 2, 29), date(2027, 12, 1), date(2028, 2, 29)),
        (date(2025, 11, 22), date(2026, 11, 22), date(2026, 11, 22)),
        (date(2026, 11, 22), date(2026, 11, 22), date(2027, 11, 22)),
    ],
)
def test_the_next_anniversary(since: date, today: date, expected: date) -> None:
    assert next_anniversary(since, today) == expected


def test_an_invited_customer_joins_with_one_tap_and_climbs(shop: Shop, visitor: Visitor) -> None:
    person = regular(shop)
    path = page_of(shop, person)
    assert f'action="{path}/member"' not in visitor.get(path).text
    visitor.client.post(f"{path}/member")
    assert cards(shop) == [(None, False)]
    terms(shop, "invite")
    assert f'action="{path}/member"' in visitor.get(path).text
    for _ in range(2):
        assert visitor.client.post(f"{path}/member").status_code == 302
    assert cards(shop) == [("0000 0018", True)]
    assert shop.rows("SELECT rung FROM customer_facts") == [("member",)]
    assert shop.rows("SELECT actor, subject FROM audit_log WHERE action = 'member_enrolled'") == [
        ("customer", f"customer {person}")
    ]
    shown = visitor.get(path).text
    assert "0000 0018" in shown
    assert 'class="qr"' in shown
    assert visitor.client.get(f"{path}/member.png").data.startswith(b"\x89PNG")
    assert "0000 0018" in visitor.get(f"{path}/member").text


def test_two_orders_are_not_yet_an_invitation(shop: Shop, visitor: Visitor) -> None:
    terms(shop, "invite")
    path = page_of(shop, regular(shop, orders=2))
    assert f'action="{path}/member"' not in visitor.get(path).text
    visitor.client.post(f"{path}/member")
    assert cards(shop) == [(None, False)]


def test_numbers_skip_those_of_the_shop_which_keep_theirs(shop: Shop) -> None:
    people = [regular(shop, f"{name}@example.com", 1) for name in ("a", "b", "c")]
    shop.rows(f"UPDATE customer SET member_number = '00000018' WHERE id = {people[1]} RETURNING id")
    shop.do(lambda conn: jobs.enrol(conn, shop.merchant, people, by="o@example.com", now=NOW))
    assert cards(shop) == [("0000 0026", True), ("00000018", True), ("0000 0034", True)]


def test_those_enrolled_at_once_get_a_number_each(shop: Shop) -> None:
    people = [regular(shop, f"{name}@example.com", 1) for name in "abcdefgh"]

    def enrol(person: int) -> list[int]:
        with tenant(shop.app.engine, shop.merchant) as conn:
            return jobs.enrol(conn, shop.merchant, [person], by="system", now=NOW)

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(enrol, [*people, *people]))
    assert sorted(person for new in done for person in new) == people
    assert sorted(number for number, _ in cards(shop)) == [member_number(place) for place in range(1, 9)]


def test_auto_enrols_the_consistent_and_nobody_else(shop: Shop) -> None:
    regular(shop, "a@example.com", 3)
    regular(shop, "b@example.com", 2)
    assert jobs.enrolled(shop.app, shop.merchant) == 0
    terms(shop, "auto")
    assert jobs.enrolled(shop.app, shop.merchant) == 1
    assert jobs.enrolled(shop.app, shop.merchant) == 0
    assert cards(shop) == [("0000 0018", True), (None, False)]


def test_who_was_taken_out_is_not_enrolled_again_by_the_hour(shop: Shop, visitor: Visitor) -> None:
    person = regular(shop)
    terms(shop, "auto")
    assert jobs.enrolled(shop.app, shop.merchant) == 1
    shop.do(lambda conn: jobs.end(conn, shop.merchant, person, by="o", now=shop.app.now()))
    assert jobs.enrolled(shop.app, shop.merchant) == 0
    assert cards(shop) == [("0000 0018", False)]
    visitor.client.post(f"{page_of(shop, person)}/member")
    assert cards(shop) == [("0000 0018", True)]


def test_a_membership_ends_and_comes_back_under_its_number(shop: Shop, logged_in: Callable[[str], Visitor]) -> None:
    person = regular(shop)
    marketer, path = logged_in("marketer"), f"/customers/{person}"
    marketer.get(path)
    marketer.post(f"{path}/membership", {"do": "enrol"})
    assert "0000 0018" in marketer.get(path).text
    marketer.post(f"{path}/membership", {"do": "end"})
    assert cards(shop) == [("0000 0018", False)]
    assert shop.rows("SELECT rung FROM customer_facts") == [("customer",)]
    marketer.post(f"{path}/membership", {"do": "enrol"})
    assert cards(shop) == [("0000 0018", True)]
    assert logged_in("viewer").post(f"{path}/membership", {"do": "end"}).status_code in (400, 403)


def test_terms_are_checked_kept_and_logged(shop: Shop, logged_in: Callable[[str], Visitor]) -> None:
    owner = logged_in("owner")
    owner.get("/settings/members")
    for wrong in ({"mode": "all"}, {"rung": "king"}, {"least_orders": "²"}, {"least_orders": "9" * 5000}):
        assert owner.post("/settings/members", TERMS | wrong).status_code == 422
    assert shop.do(membership.terms) == MembershipTerms()
    assert owner.post("/settings/members", TERMS | {"least_orders": "4"}).status_code == 302
    assert shop.do(membership.terms) == MembershipTerms("invite", "customer", 4)
    assert shop.rows("SELECT detail->>'mode' FROM audit_log WHERE action = 'membership_terms'") == [("invite",)]


def test_a_card_at_the_till_finds_its_owner(shop: Shop, logged_in: Callable[[str], Visitor]) -> None:
    """As the code on it says, as it is read aloud, and a shop's own in any case; a slip is said."""
    people = [regular(shop, f"{name}@example.com", 1) for name in ("a", "b")]
    shop.rows(f"UPDATE customer SET member_number = 'TS-000021' WHERE id = {people[1]} RETURNING id")
    shop.do(lambda conn: jobs.enrol(conn, shop.merchant, people, by="o@example.com", now=NOW))
    viewer = logged_in("viewer")
    for typed, number in (("00000018", 0), ("0000 0018", 0), (" ts-000021", 1), ("TS-000021", 1)):
        found = re.findall(r'href="/customers/(\d+)"', viewer.get("/customers", query_string={"q": typed}).text)
        assert found == [str(people[number])], typed
    assert "A digit of this member number is wrong" in viewer.get("/customers?q=00000081").text
