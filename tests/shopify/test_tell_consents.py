"""What a customer answers to our mails is told to the shop: once, and never what the shop told us."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connectors.types import ConsentChange
from plugin_server.db.customers import consents
from plugin_server.db.ingest.customers import ingest_customers
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.telling.consents import tell
from plugin_server.wiring import Services
from tests.data.fake_store import FakeStore
from tests.data.making import NOW, account
from tests.web.conftest import Visitor


class Listening(FakeStore):
    """A shop that takes answers, but for one account."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[ConsentChange] = []

    def write_consents(self, changes: Sequence[ConsentChange]) -> dict[str, str]:
        self.heard += changes
        return {one.customer_external_id: "Another address." for one in changes if one.customer_external_id == "9"}


@pytest.fixture
def ears(app: Services, merchant: int, shopify: int) -> Listening:
    """The shop, whose accounts 7 and 9 said yes there; 8 never answered."""
    said: dict[str, Any] = {"consent": "subscribed", "consent_at": NOW - timedelta(days=9)}
    people = [
        account("7", "a@example.com", **said),
        account("8", "b@example.com"),
        account("9", "c@example.com", **said),
    ]
    with tenant(app.engine, merchant) as connection:
        ingest_customers(connection, merchant_id=merchant, store_id=shopify, customers=people, now=NOW)
        climb.everybody(connection, merchant_id=merchant, now=NOW)
        connection.execute(text("UPDATE store SET capabilities = '{consent}'"))
    return Listening()


def say(app: Services, merchant: int, email: str, state: str, at: datetime) -> None:
    with tenant(app.engine, merchant) as connection:
        who = connection.scalar(text("SELECT id FROM customer WHERE email = :email"), {"email": email})
        consents.say(connection, merchant, int(who or 0), state, "card", at, topic="promotions")
        climb.touched(connection, merchant_id=merchant, customer_ids=[int(who or 0)], now=NOW)


def test_answers_are_told_once_and_a_newer_one_again(
    app: Services, merchant: int, shopify: int, ears: Listening
) -> None:
    assert tell(app, merchant, shopify, ears.connect) == 0, "what the shop told us needs no telling"
    say(app, merchant, "a@example.com", "unsubscribed", NOW)
    say(app, merchant, "b@example.com", "subscribed", NOW)
    assert tell(app, merchant, shopify, ears.connect) == 2
    assert [(one.customer_external_id, one.email, one.state, one.at) for one in ears.heard] == [
        ("7", "a@example.com", "unsubscribed", NOW),
        ("8", "b@example.com", "subscribed", NOW),
    ]
    assert tell(app, merchant, shopify, ears.connect) == 0
    say(app, merchant, "b@example.com", "unsubscribed", NOW + timedelta(hours=1))
    assert tell(app, merchant, shopify, ears.connect) == 1


def test_a_refused_answer_is_noted_said_and_not_repeated(
    app: Services, merchant: int, shopify: int, ears: Listening, logged_in: Callable[[str], Visitor]
) -> None:
    say(app, merchant, "c@example.com", "unsubscribed", NOW)
    assert [tell(app, merchant, shopify, ears.connect) for _ in range(2)] == [1, 0]
    with tenant(app.engine, merchant) as connection:
        reason = connection.scalar(text("SELECT refused_consent FROM identity WHERE external_id = '9'"))
        person = connection.scalar(text("SELECT customer_id FROM identity WHERE external_id = '9'"))
        connection.execute(text("UPDATE identity SET refused = 'The shop no longer knows this customer.'"))
    assert reason == "Another address."
    owner = logged_in("owner")
    owner.post("/language", {"language": "nl"})
    page = owner.get(f"/customers/{person}").get_data(as_text=True)
    assert "Toko Senja nam het antwoord van deze klant op mails niet aan: Another address." in page
    assert "Toko Senja nam de trede van deze klant niet aan: De winkel kent deze klant niet meer." in page


@pytest.mark.parametrize(
    "change", ["capabilities = '{}'", "read_only = true", "state = 'frozen'", "state = 'disconnected'"]
)
def test_a_shop_that_cannot_or_must_not_be_told_is_left_alone(
    app: Services, merchant: int, shopify: int, ears: Listening, change: str
) -> None:
    say(app, merchant, "a@example.com", "unsubscribed", NOW)
    with tenant(app.engine, merchant) as connection:
        connection.execute(text(f"UPDATE store SET {change}"))
    assert tell(app, merchant, shopify, ears.connect) == 0
    assert ears.heard == []
