"""Who may be written to: chosen on one's own page, signed up for with proof, confirmed from the mailbox."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from plugin_server.db.customers import consents, topics
from plugin_server.db.session import tenant
from plugin_server.jobs.letters import confirm as confirm_mail
from plugin_server.vault import CustomerLink, customer_token
from plugin_server.wiring import Services
from tests.web.conftest import Visitor


@pytest.fixture
def customer(app: Services, merchant: int) -> int:
    """Siti, of whom nothing is known; there are two topics."""
    with tenant(app.engine, merchant) as connection:
        topics.save_topics(connection, ["Resep & acara"], "id")
        found: int = connection.scalar(
            text(
                "INSERT INTO customer (merchant_id, email, email_norm, first_name, created_at) "
                "VALUES (:m, 'siti@example.com', 'siti@example.com', 'Siti', '2026-01-01') RETURNING id"
            ),
            {"m": merchant},
        )
        return found


def test_a_customer_chooses_topic_by_topic(app: Services, merchant: int, visitor: Visitor, customer: int) -> None:
    path = f"/c/{customer_token(app.settings.keys, CustomerLink(merchant, customer))}"
    assert "Resep &amp; acara" in visitor.get(f"{path}/preferences").get_data(as_text=True)
    visitor.client.post(f"{path}/topics", data={"topic": ["resep-acara", "promotions", "made-up"]})
    visitor.client.post(f"{path}/topics", data={"topic": ["resep-acara"]})
    visitor.client.post(f"{path}/topics", data={"topic": ["resep-acara"]})
    with tenant(app.engine, merchant) as connection:
        proof = topics.proof(connection, customer)
    assert proof["now"] == {"promotions": "unsubscribed", "resep-acara": "subscribed"}
    assert [(row["topic"], row["state"], row["level"], row["source"]) for row in proof["log"]] == [
        ("promotions", "subscribed", "confirmed", "preferences"),
        ("resep-acara", "subscribed", "confirmed", "preferences"),
        ("promotions", "unsubscribed", "confirmed", "preferences"),
    ]


def test_what_was_said_cannot_be_rewritten(app: Services, merchant: int, customer: int) -> None:
    with tenant(app.engine, merchant) as connection:
        consents.say(connection, merchant, customer, "subscribed", "test", app.now(), topic="promotions")
        connection.execute(text("UPDATE consent SET customer_id = customer_id"))
    with pytest.raises(DBAPIError, match="permission denied"), tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE consent SET state = 'unsubscribed'"))


def test_a_sign_up_counts_after_a_click_in_the_mailbox(
    app: Services, merchant: int, visitor: Visitor, customer: int
) -> None:
    answer = visitor.client.post(f"/join/{merchant}", data={"email": " Budi@example.com ", "name": "Budi Santoso"})
    assert answer.status_code == 200
    with tenant(app.engine, merchant) as connection:
        made = connection.execute(
            text("SELECT id, email_norm, first_name FROM customer ORDER BY id DESC LIMIT 1")
        ).one()
        waiting = topics.proof(connection, made.id)
    assert (made.email_norm, made.first_name) == ("budi@example.com", "Budi")
    assert waiting["now"] == {"promotions": "pending"}
    assert "/join/" in waiting["log"][0]["evidence"]
    assert confirm_mail.send(app, merchant, made.id)
    mail = next(Path(app.settings.outbox).rglob("*.eml")).read_text()
    path = re.search(r"(/c/[\w.=\n-]+?/confirm)", mail.replace("=\n", ""))
    assert path
    assert "pending" in str(waiting)
    assert f'action="{path[1]}"' in visitor.get(path[1]).text
    with tenant(app.engine, merchant) as connection:
        assert topics.said(connection, made.id) == {"promotions": "pending"}
    assert visitor.client.post(path[1]).status_code == 302
    with tenant(app.engine, merchant) as connection:
        assert topics.said(connection, made.id) == {"promotions": "subscribed"}
        assert topics.proof(connection, made.id)["log"][-1]["level"] == "confirmed"
    assert not confirm_mail.send(app, merchant, made.id)
    assert f'action="{path[1]}"' not in visitor.get(path[1]).text


def test_a_sign_up_never_weakens_a_yes_and_single_opt_in_counts_at_once(
    app: Services, merchant: int, visitor: Visitor, customer: int
) -> None:
    with tenant(app.engine, merchant) as connection:
        consents.say(connection, merchant, customer, "subscribed", "test", app.now(), topic="promotions")
    visitor.client.post(f"/join/{merchant}", data={"email": "SITI@example.com", "topic": ["promotions", "resep-acara"]})
    with tenant(app.engine, merchant) as connection:
        assert topics.said(connection, customer) == {"promotions": "subscribed", "resep-acara": "pending"}
        topics.save_double_opt_in(connection, False)
    visitor.client.post(f"/join/{merchant}", data={"email": "siti@example.com", "topic": ["resep-acara"]})
    with tenant(app.engine, merchant) as connection:
        assert topics.said(connection, customer)["resep-acara"] == "subscribed"


def test_a_bad_address_or_shop_is_refused(visitor: Visitor, merchant: int, customer: int) -> None:
    bad = visitor.client.post(f"/join/{merchant}", data={"email": "a@b\nc"})
    assert bad.status_code == 422
    assert "aria-invalid" in bad.get_data(as_text=True)
    assert visitor.get("/join/99999").status_code == 404
    assert visitor.client.post("/c/made-up/topics").status_code == 404
    assert visitor.client.post("/c/made-up/confirm").status_code == 404


def test_an_owner_names_topics(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], customer: int
) -> None:
    who = logged_in("owner")
    who.get("/settings/topics")
    who.post("/settings/topics", {"topics": "Recipes\n\n  New   shops \n", "double": "1"})
    with tenant(app.engine, merchant) as connection:
        found = {topic.key: topic.name("en") for topic in topics.all_topics(connection)}
        assert topics.double_opt_in(connection)
    assert found == {"promotions": "", "recipes": "Recipes", "new-shops": "New shops"}
