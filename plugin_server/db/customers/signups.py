"""People who sign up by themselves: a customer row, and what they agreed to with the words they read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from plugin_server.db.customers import consents, topics


def shop(conn: Connection) -> Row[Any] | None:
    """The merchant of this transaction: name, locale, timezone, currency, postal address; None where there is none."""
    return conn.execute(text("SELECT name, locale, timezone, currency, postal_address FROM merchant")).one_or_none()


def take(
    conn: Connection,
    merchant_id: int,
    *,
    email: str,
    name: str,
    language: str,
    wanted: set[str],
    evidence: str,
    now: datetime,
    double: bool | None = None,
) -> tuple[int, bool]:
    """Write a sign-up down; gives the customer and whether it has to be confirmed from the mailbox first.

    ``double`` says whether it has to, whatever the merchant asks for. Two sign-ups of one address at once are one.

    Whoever said yes already is not asked again, and a yes that is held is never weakened to pending.
    """
    customer_id = _customer(conn, merchant_id, email, name, language, now)
    double = topics.double_opt_in(conn) if double is None else double
    held = topics.said(conn, customer_id)
    asks = False
    for topic in sorted(wanted):
        if held.get(topic) == "subscribed":
            continue
        state, level = ("pending", "single") if double else ("subscribed", "single")
        consents.say(
            conn, merchant_id, customer_id, state, "sign-up form", now, topic=topic, level=level, evidence=evidence
        )
        asks = asks or double
    return customer_id, asks


def _customer(conn: Connection, merchant_id: int, email: str, name: str, language: str, now: datetime) -> int:
    first, _, last = " ".join(name.split()).partition(" ")
    norm = email.strip().lower()
    found = conn.scalar(
        text("SELECT id FROM customer WHERE merged_into IS NULL AND email_norm = :e FOR UPDATE"), {"e": norm}
    )
    if found:
        conn.execute(
            text("UPDATE customer SET enquired_at = coalesce(enquired_at, :now) WHERE id = :id"),
            {"id": found, "now": now},
        )
        return int(found)
    row = {"m": merchant_id, "e": email.strip(), "n": norm, "f": first, "l": last, "lang": language, "now": now}
    made = conn.scalar(
        text(
            "INSERT INTO customer (merchant_id, email, email_norm, first_name, last_name, language, source, "
            "enquired_at, created_at) VALUES (:m, :e, :n, :f, :l, :lang, 'sign-up form', :now, :now) "
            "ON CONFLICT (merchant_id, email_norm) WHERE merged_into IS NULL AND email_norm IS NOT NULL "
            "DO UPDATE SET enquired_at = coalesce(customer.enquired_at, excluded.enquired_at) RETURNING id"
        ),
        row,
    )
    return int(made or 0)


def waits(conn: Connection, customer_id: int) -> list[str]:
    """The topics that wait for a click from the mailbox."""
    return [topic for topic, state in topics.said(conn, customer_id).items() if state == "pending"]


def confirm(conn: Connection, merchant_id: int, customer_id: int, now: datetime) -> list[str]:
    """A click from the mailbox: every topic that waited for it counts from now on. Gives those topics."""
    waiting = waits(conn, customer_id)
    for topic in waiting:
        consents.say(
            conn, merchant_id, customer_id, "subscribed", "confirmed by mail", now, topic=topic, level="confirmed",
            evidence="own link",
        )  # fmt: skip
    return waiting
