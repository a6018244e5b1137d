"""A person who has left a trace in every table there is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import create_engine, text

from plugin_server.db.customers import identity
from plugin_server.db.merchant import audit_log
from plugin_server.db.session import psycopg_url, tenant
from plugin_server.jobs import climb
from plugin_server.wiring import Services
from tests.data.making import NOW, Shop, account, order

EMAIL, SECOND = "ani.rahasia@example.com", "second.rahasia@example.com"
PHONE, BORN = "+62-811-777-777", date(1990, 5, 17)
MARKS = ("rahasia", "811-777", "1990-05-17")

TRACES = (
    "INSERT INTO suppression VALUES (:m, :email, 'bounced', 'rahasia', now())",
    "INSERT INTO campaign (id, merchant_id, key, name) OVERRIDING SYSTEM VALUE VALUES (1, :m, 'k', 'K')",
    "INSERT INTO campaign_run (id, merchant_id, campaign_id, version, occasion, due_at) OVERRIDING SYSTEM VALUE "
    "VALUES (1, :m, 1, 1, 'once', now())",
    "INSERT INTO audience_member VALUES (1, :c, 'treated', NULL, 'shopper', :email, 'id', :s, :m)",
    "INSERT INTO series_place (id, merchant_id, campaign_id, run_id, customer_id, version, step, due_at, step_since, "
    "entered_at) OVERRIDING SYSTEM VALUE VALUES (1, :m, 1, 1, :c, 1, 'hello', now(), now(), now())",
    "INSERT INTO series_log (place_id, step, campaign_id, at, merchant_id) VALUES (1, 'hello', 1, now(), :m)",
    "INSERT INTO owner_task (merchant_id, place_id, campaign_id, customer_id, step, title, created_at) "
    "VALUES (:m, 1, 1, :c, 'call', 'Call Ani Rahasia', now())",
    "INSERT INTO series_call (merchant_id, place_id, campaign_id, customer_id, step, url, detail, not_before) "
    "VALUES (:m, 1, 1, :c, 'tell', 'https://crm.example/', 'no such ' || :email, now())",
    "INSERT INTO message (id, merchant_id, run_id, customer_id, email, language, state, reason, provider_reference) "
    "OVERRIDING SYSTEM VALUE VALUES (1, :m, 1, :c, :email, 'id', 'bounced', 'no mailbox ' || :email, 'rahasia-1')",
    "INSERT INTO message (id, merchant_id, run_id, customer_id, step, email, language) "
    "OVERRIDING SYSTEM VALUE VALUES (2, :m, 1, :c, 1, :email, 'id')",
    "INSERT INTO send_attempt (id, merchant_id, run_id, backend, recipients, detail) "
    "VALUES (gen_random_uuid(), :m, 1, 'smtp', 1, 'refused ' || :email)",
    "INSERT INTO delivery_event (merchant_id, dedupe, kind, message_id, email, reason, url, occurred_at) "
    "VALUES (:m, 'd1', 'bounced', 1, :email, 'no ' || :email, 'https://t.example/c/rahasia', now())",
    "INSERT INTO delivery_event (merchant_id, dedupe, kind, email, occurred_at) "
    "VALUES (:m, 'd2', 'clicked', 'Ani.Rahasia@Example.com', now())",
    "INSERT INTO offer_code (id, merchant_id, run_id, customer_id, store_id, code, state, error, kind, value, currency,"
    " minimum_minor, liability_minor, email, expires_at) OVERRIDING SYSTEM VALUE VALUES (1, :m, 1, :c, :s, 'X', "
    "'failed', 'no such ' || :email, 'percentage', 10, 'IDR', 0, 5, :email, now())",
    "INSERT INTO redemption (merchant_id, store_id, order_id, offer_code_id, customer_id, code, discount_minor, "
    "redeemed_at) SELECT :m, :s, min(id), 1, :c, 'X', 5, now() FROM shop_order",
    "INSERT INTO code_leak (merchant_id, offer_code_id, order_id, detail, found_at) "
    "VALUES (:m, 1, 1, 'no such ' || :email, now())",
    "INSERT INTO testimonial (merchant_id, store_id, external_id, customer_id, email_norm, rating, text, written_at) "
    "VALUES (:m, :s, 't1', :c, :email, 5, 'I am Ani Rahasia', now())",
    "INSERT INTO inbound_event (merchant_id, provider, store_id, dedupe, topic, headers, body) "
    "VALUES (:m, 'woocommerce', :s, 'x', 'order.updated', '{}', convert_to('{\"email\": \"Ani.Rahasia@example.com\"}', "
    "'UTF8'))",
    "INSERT INTO rung_pin (merchant_id, customer_id, rung, reason, pinned_by) "
    "VALUES (:m, :c, 'member', 'Ani Rahasia asked', 'owner@example.com')",
    "INSERT INTO survey_answer (merchant_id, customer_id, question, occasion, score, text, first_at, answered_at) "
    "VALUES (:m, :c, 'satisfaction', 'mail:1', 9, 'says Ani Rahasia', now(), now())",
    "INSERT INTO customer_outlook VALUES (:c, 90.5, 40, 5, :m)",
    "INSERT INTO rung_review VALUES (:c, now(), now(), :m)",
    "INSERT INTO point_entry (id, merchant_id, customer_id, kind, points, open_points, available_at, reason, "
    "happened_at) OVERRIDING SYSTEM VALUE VALUES (1, :m, :c, 'adjust', 5, 5, now(), 'a gift to Ani Rahasia', now())",
    "INSERT INTO point_use (debit_id, lot_id, points, merchant_id) VALUES (2, 1, 5, :m)",
    "INSERT INTO point_basis (order_id, version, gross_minor, merchant_id) SELECT min(id), 1, 5, :m FROM shop_order "
    "WHERE customer_id = :c",
    "INSERT INTO reward_claim (merchant_id, customer_id, store_id, reward, name, points, entry_id, state, error) "
    "VALUES (:m, :c, :s, 'r', 'R', 5, 1, 'failed', 'unknown ' || :email)",
    "INSERT INTO conversation (id, merchant_id, customer_id, email, subject, changed_at) OVERRIDING SYSTEM VALUE "
    "VALUES (1, :m, :c, :email, 'A question of Ani Rahasia', now())",
    "INSERT INTO conversation_message (merchant_id, conversation_id, direction, author, text, written_at) "
    "VALUES (:m, 1, 'in', :email, 'Greetings, Ani Rahasia', now())",
    "INSERT INTO credit_intent (merchant_id, cause, store_id, customer_id, account, amount_minor, currency, reason, "
    "expires_at, error, created_by) VALUES (:m, 'for ' || :email, :s, :c, '7', 5, 'IDR', 'Ani Rahasia asked', now(), "
    "'unknown ' || :email, 'owner@example.com')",
    "INSERT INTO referral_join (merchant_id, advocate_id, friend_id, mailbox, reason) "
    "VALUES (:m, :c, 999999, lower(:email), 'Ani Rahasia herself')",
    "INSERT INTO team (merchant_id, deal_id, founder_id, seats, opened_at, deadline, reason) "
    "VALUES (:m, 1, :c, 5, now(), now(), 'asked by Ani Rahasia')",
    "INSERT INTO team_seat (merchant_id, deal_id, team_id, customer_id, mailbox, taken_at) "
    "VALUES (:m, 1, 1, :c, lower(:email), now())",
    "INSERT INTO team_letter (merchant_id, team_id, customer_id, kind, occasion, reason, planned_at) "
    "VALUES (:m, 1, :c, 'lapsed', 'lapsed', 'no mailbox ' || :email, now())",
    "INSERT INTO sync_run (merchant_id, store_id, kind, faults) "
    "VALUES (:m, :s, 'full', jsonb_build_object('first', CAST(:email AS text)))",
)


@pytest.fixture
def ani(app: Services, merchant: int, shop: Shop) -> int:
    """Her number. A second account of hers was merged in, and a friend's order names her."""
    told = {"last_name": "Rahasia", "phone": PHONE, "birthday": BORN, "tags": ("tag-rahasia",), "country": "ID"}
    more = {"consent": "subscribed", "consent_at": NOW, "consent_source": "rahasia-form", "member_number": "M-rahasia"}
    shop.know(account("7", EMAIL, **told, **more), account("8", SECOND, **told))
    shop.take(
        order("1", email=EMAIL, name="Ani Rahasia", customer_external_id="7", phone=PHONE, country="ID"),
        order("2", email="third.rahasia@example.com", name="Ani Rahasia", customer_external_id="7"),
        order("3", email="budi@example.com", name="Budi", referred_by=EMAIL, phone="0800"),
    )
    with tenant(app.engine, merchant) as connection:
        people = dict(connection.execute(text("SELECT email_norm, id FROM customer")).all())
        ani = people[EMAIL]
        identity.merge(connection, ani, people[SECOND], "said so: rahasia", "owner@example.com", NOW)
        values = {"m": merchant, "s": shop.store, "c": ani, "email": EMAIL}
        for statement in TRACES:
            connection.execute(text(statement), values)
        climb.everybody(connection, merchant_id=merchant, now=NOW)
        detail = {"other": SECOND, "reason": "rahasia"}
        audit_log.record(connection, merchant, actor="owner@example.com", action="customers_merged", subject=EMAIL)
        audit_log.record(connection, merchant, actor=EMAIL, action="unsubscribed", detail=detail)
        audit_log.record(connection, merchant, actor="owner@example.com", action="login")
    return ani


@pytest.fixture
def dump(database: str) -> Callable[[], str]:
    """Everything that stands in the database, as text."""

    def read() -> str:
        engine = create_engine(psycopg_url(database))
        with engine.connect() as connection:
            tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
            rows = [
                f"{table}: {row}"
                for table in tables
                for row in connection.scalars(text(f"SELECT to_jsonb(t)::text FROM {table} t"))
            ]
            bodies = connection.scalars(text("SELECT convert_from(body, 'UTF8') FROM inbound_event")).all()
        engine.dispose()
        return "\n".join([*rows, *bodies]).lower()

    return read
