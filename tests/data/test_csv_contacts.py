"""Files of contacts: each row understood whole or named, and no yes invented."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors.addresses import display_name, wire_address
from plugin_server.jobs.reading.import_contacts import ContactsFile, import_contacts
from tests.data.making import Shop, order

HEADER = "email,name,phone,birthday,consent,consent_at,consent_source,tags"


@pytest.fixture
def give(shop: Shop, tmp_path: Path) -> Any:
    """Import rows as a file of contacts; gives the answer."""

    def give(*rows: str, header: str = HEADER) -> dict[str, Any]:
        path = tmp_path / "people.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return import_contacts(shop.app, shop.merchant, ContactsFile(path))

    return give


def _no(shop: Shop, at: datetime) -> None:
    insert = text(
        "INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at) "
        "SELECT merchant_id, id, 'unsubscribed', 'link', :at FROM customer"
    )
    shop.do(lambda connection: connection.execute(insert, {"at": at}))


def _states(shop: Shop) -> list[Any]:
    return list(shop.rows("SELECT state, source FROM consent ORDER BY occurred_at, id"))


def test_a_contact_becomes_a_suspect_with_consent(shop: Shop, give: Any) -> None:
    told = give("Ani@Example.com,Ani Wijaya,0812,1990-02-03,yes,2024-01-01 10:00,fair,vip|jakarta")
    assert (told["rows"], told["customers"], told["created"], told["rejected_count"]) == (1, 1, 1, 0)
    assert shop.rows("SELECT email, email_norm, first_name, last_name, birthday, tags FROM customer") == [
        ("Ani@Example.com", "ani@example.com", "Ani", "Wijaya", date(1990, 2, 3), ["jakarta", "vip"])
    ]
    assert shop.rows("SELECT state, source, occurred_at FROM consent") == [
        ("subscribed", "fair", datetime(2024, 1, 1, 3, 0, tzinfo=UTC))
    ]
    assert shop.rows("SELECT rung FROM customer_facts") == [("suspect",)]


def test_the_same_contacts_again_change_nothing(shop: Shop, give: Any) -> None:
    row = "ani@example.com,Ani,0812,,yes,2024-01-01,fair,vip"
    give(row)
    assert (give(row)["created"], give(row)["updated"], len(_states(shop))) == (0, 0, 1)


def test_a_yes_without_a_source_is_kept_with_a_note(shop: Shop, give: Any) -> None:
    told = give("ani@example.com,,,,yes,,,")
    assert _states(shop) == [("subscribed", "import people.csv")]
    assert told["notes"][0].startswith("1 contacts say yes or no to mail without saying where (consent_source)")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nobody,,,,,,,", "email: 'nobody' is not an address"),
        (",Ani,,,,,,", "email: it is empty"),
        ("a@b,,,,,,,", "email: 'a@b' is not an address"),
        ('"a@example.com\r\nBcc: x@evil.example",,,,,,,', "is not an address"),
        ("a@example.com,,,31-12-1990,,,,", "birthday: '31-12-1990' is not a date"),
        ("a@example.com,,,1790-01-01,,,,", "birthday: 1790-01-01 cannot be"),
        ("a@example.com,,,,perhaps,,,", "consent: 'perhaps' is neither yes nor no"),
        ("a@example.com,,,,yes,soon,,", "consent_at: 'soon' is not a time"),
        ("a@example.com,,,,yes,2199-01-01,,", "consent_at: 2199-01-01 cannot be"),
        ("a@example.com,,,,yes,0001-01-01T00:00+14:00,,", "consent_at: 0001-01-01T00:00"),
        ("a@example.com,,,,,,,,,more", "more fields than columns"),
    ],
)
def test_a_bad_contact_is_named_and_the_rest_comes_in(shop: Shop, give: Any, row: str, reason: str) -> None:
    told = give("b@example.com,,,,,,,", row)
    assert (told["created"], told["rejected_count"], told["rejected"][0]["row"]) == (1, 1, 3)
    assert reason in told["rejected"][0]["reason"]


def test_long_names_and_domains_of_other_letters_come_in(shop: Shop, give: Any) -> None:
    long = "Raden Ajeng " + "x" * 300
    told = give(f"a@bücher.example,{long},,,,,,", '"b@example.com","Ani\r\nBcc: x@evil.example",,,,,,')
    assert (told["created"], told["rejected_count"]) == (2, 0)
    rows = shop.rows("SELECT email, first_name || ' ' || last_name FROM customer ORDER BY id")
    assert [email for email, _ in rows] == ["a@bücher.example", "b@example.com"]
    assert len(rows[0][1]) <= len(long)
    assert wire_address(rows[0][0]) == "a@xn--bcher-kva.example"
    assert "\n" not in display_name(rows[1][1])
    assert len(display_name(rows[0][1])) == 120


def test_a_no_with_us_outlives_an_older_or_undated_yes_of_a_file(shop: Shop, give: Any) -> None:
    shop.take(order())
    _no(shop, datetime(2025, 1, 1, tzinfo=UTC))
    give("ani@example.com,,,,yes,,fair,")
    give("ani@example.com,,,,yes,2024-12-31,fair,")
    assert _states(shop) == [("unsubscribed", "link")]
    give("ani@example.com,,,,yes,2025-06-01,fair,")
    assert _states(shop) == [("unsubscribed", "link"), ("subscribed", "fair")]


def test_what_a_file_leaves_empty_stays(shop: Shop, give: Any) -> None:
    give("ani@example.com,Ani Wijaya,0812,,,,,vip")
    give("ani@example.com,,,1990-02-03,,,,new")
    assert shop.rows("SELECT first_name, phone, birthday, tags FROM customer") == [
        ("Ani", "0812", date(1990, 2, 3), ["new", "vip"])
    ]
