"""Whom the search finds: by name, address, telephone or member number, as people write and as they type."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from plugin_server.db.customers.finding import Wish, find
from plugin_server.db.customers.spelling import folded, phone_end
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.web.conftest import Visitor

PEOPLE = [
    ("jose", "José Luis", "Núñez", "jose@correo.example", "+34 612 345 678"),
    ("siti", "Siti", "Rahayu", "siti.rahayu@kotakpos.test", "0812-3456-7890"),
    ("lukasz", "ŁUKASZ", "Wójcik", "kontakt@poczta.example", None),
    ("van", "Zoë", "van der Meer", "zoe_100%@post.example", "020 123 45 67"),
]
ASKED = {
    "jose": "jose", "JOSÉ l": "jose", "jose luis nun": "jose", "José Luis Núñez": "jose", "nuñ": "jose",
    "612345678": "jose", "0034 612 345 678": "jose", "5 678": "jose",
    "+62 812-3456-7890": "siti", "081234567890": "siti", "7890": "siti", "SITI.rahayu@kot": "siti", "kotakpos": "siti",
    "rahayu@": "siti", "lukasz": "lukasz", "Łuk": "lukasz", "wojcik": "lukasz", "@poczta": "lukasz",
    "zoe van": "van", "zoë van der mee": "van", "van der": "van", "100%@": "van", "+31 (0)20 123 45 67": "van",
}  # fmt: skip
NOBODY = ["uis", "1%@", "_1x", "812345", "678 9", "zoe meer", "%", "@@", "\u0301", "+", "---------"]


@pytest.fixture
def named(app: Services, merchant: int) -> dict[int, str]:
    """The people above; their number and what they are called here."""
    with tenant(app.engine, merchant) as conn:
        made = {
            int(conn.scalar(
                text(
                    "INSERT INTO customer (merchant_id, first_name, last_name, email, email_norm, phone) "
                    "VALUES (:m, :first, :last, :email, lower(:email), :phone) RETURNING id"
                ),
                {"m": merchant, "first": first, "last": last, "email": email, "phone": phone},
            ) or 0): called
            for called, first, last, email, phone in PEOPLE
        }  # fmt: skip
        conn.execute(
            text(
                "INSERT INTO customer_facts (merchant_id, customer_id, rung, activity) "
                "SELECT :m, id, 'prospect', 'none' FROM customer"
            ),
            {"m": merchant},
        )
    return made


@pytest.mark.parametrize("rung", ["", "prospect"])
def test_people_are_found_as_they_are_typed(app: Services, merchant: int, named: dict[int, str], rung: str) -> None:
    with tenant(app.engine, merchant) as conn:
        asked = {typed: [named[row.id] for row in find(conn, Wish(typed, rung))] for typed in [*ASKED, *NOBODY]}
        assert not find(conn, Wish("jose", "member"))
    assert asked == {typed: [who] for typed, who in ASKED.items()} | {typed: [] for typed in NOBODY}


def test_the_page_and_the_search_for_the_other_one_find_alike(
    named: dict[int, str], logged_in: Callable[[str], Visitor]
) -> None:
    eye, number = logged_in("marketer"), {called: number for number, called in named.items()}
    assert f"/customers/{number['jose']}" in eye.get("/customers", query_string={"q": "nunez"}).text
    found = eye.get(f"/customers/{number['siti']}/merge", query_string={"q": "612345678"}).text
    assert f"with={number['jose']}" in found


def test_the_database_folds_as_we_do(app: Services) -> None:
    """The letters of Latin alphabets; beyond them languages differ in what a small letter is."""
    letters = st.text(st.characters(min_codepoint=1, max_codepoint=0x24F, exclude_categories=["Cc"]), max_size=20)
    with app.engine.connect() as conn:

        @given(letters)
        def same(name: str) -> None:
            there = str(conn.scalar(text("SELECT tangga_folded(:name)"), {"name": name}))
            assert " ".join(there.split()) == folded(name)

        same()


@pytest.mark.parametrize(
    ("typed", "end"),
    [("0812 3456 7890", "098765432"), ("7890", "0987"), ("789", ""), ("12ab34", ""), ("٠١٢٣٤٥", ""), ("", "")],
)
def test_a_number_is_looked_for_by_its_end(typed: str, end: str) -> None:
    assert phone_end(typed) == end
