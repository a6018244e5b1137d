"""Threads with customers: a reply joins its thread, an answer ends the waiting, and how long people wait is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from connectors.mail_types import MailReply

WINDOW: Final = timedelta(days=30)
LOST: Final = timedelta(minutes=10)
SAME_THREAD: Final = timedelta(days=30)


def take(conn: Connection, merchant_id: int, reply: MailReply, words: str, now: datetime) -> int | None:
    """Put a reply onto its thread; gives the thread, or None where the mail is known already.

    The sender's address names the customer. Whoever writes again within a month goes on with their last thread.
    """
    conn.execute(text("SELECT pg_advisory_xact_lock(7412, CAST(:m AS int))"), {"m": merchant_id % 2**31})
    norm = reply.from_email.strip().lower()
    if reply.reference and conn.scalar(
        text("SELECT 1 FROM conversation_message WHERE reference = :r"), {"r": reply.reference}
    ):
        return None
    customer = conn.scalar(text("SELECT id FROM customer WHERE merged_into IS NULL AND email_norm = :e"), {"e": norm})
    thread = conn.scalar(
        text("SELECT id FROM conversation WHERE lower(email) = :e AND changed_at > :since ORDER BY id DESC LIMIT 1"),
        {"e": norm, "since": now - SAME_THREAD},
    )
    given = {"m": merchant_id, "c": customer, "e": reply.from_email, "s": reply.subject, "now": now, "t": thread}
    if thread is None:
        given["t"] = thread = conn.scalar(
            text(
                "INSERT INTO conversation (merchant_id, customer_id, email, subject, waiting_since, changed_at) "
                "VALUES (:m, :c, :e, :s, :now, :now) RETURNING id"
            ),
            given,
        )
    else:
        conn.execute(
            text(
                "UPDATE conversation SET state = 'open', waiting_since = coalesce(waiting_since, :now), "
                "changed_at = :now, customer_id = coalesce(customer_id, :c) WHERE id = :t"
            ),
            given,
        )
    conn.execute(
        text(
            "INSERT INTO conversation_message (merchant_id, conversation_id, direction, author, text, reference, "
            "proven, attachments, written_at) VALUES (:m, :t, 'in', :author, :words, :ref, :proven, :files, :now)"
        ),
        given
        | {
            "author": reply.from_name or reply.from_email,
            "words": words,
            "ref": reply.reference or None,
            "proven": reply.proven,
            "files": reply.attachments,
        },
    )
    return int(given["t"] or 0)


def answer(conn: Connection, merchant_id: int, thread: int, words: str, by: str, now: datetime) -> int | None:
    """Write an answer down, to be sent; gives its id, None where there is no such thread."""
    row = conn.execute(
        text("SELECT waiting_since FROM conversation WHERE id = :t FOR UPDATE"), {"t": thread}
    ).one_or_none()
    if row is None:
        return None
    made = conn.scalar(
        text(
            "INSERT INTO conversation_message (merchant_id, conversation_id, direction, author, text, state, waited, "
            "written_at) VALUES (:m, :t, 'out', :by, :words, 'planned', CAST(:now AS timestamptz) - "
            "CAST(:since AS timestamptz), :now) RETURNING id"
        ),
        {"m": merchant_id, "t": thread, "by": by, "words": words, "now": now, "since": row.waiting_since},
    )
    conn.execute(
        text("UPDATE conversation SET state = 'answered', waiting_since = NULL, changed_at = :now WHERE id = :t"),
        {"t": thread, "now": now},
    )
    return int(made or 0)


def close(conn: Connection, thread: int, now: datetime) -> bool:
    """Nothing more is to be said; promotions go on. False where there is no such thread."""
    closed = text("UPDATE conversation SET state = 'closed', waiting_since = NULL, changed_at = :now WHERE id = :t")
    return conn.execute(closed, {"t": thread, "now": now}).rowcount == 1


def begin(conn: Connection, message_id: int) -> Row[Any] | None:
    """Take one planned answer to be sent, once: (id, text, thread, email, subject, customer_id)."""
    return conn.execute(
        text(
            "UPDATE conversation_message m SET state = 'sending' FROM conversation c "
            "WHERE m.id = :id AND m.state = 'planned' AND c.id = m.conversation_id "
            "RETURNING m.id, m.text, c.id AS thread, c.email, c.subject, c.customer_id"
        ),
        {"id": message_id},
    ).one_or_none()


def settle(conn: Connection, message_id: int, state: str, detail: str) -> None:
    """What became of an answer."""
    conn.execute(
        text("UPDATE conversation_message SET state = :s, detail = :d WHERE id = :id AND state = 'sending'"),
        {"id": message_id, "s": state, "d": detail[:500]},
    )


def stuck(conn: Connection, now: datetime) -> list[int]:
    """Answers that still wait to be sent, by id. Those whose sender died half-way are in doubt, and not sent again."""
    conn.execute(
        text(
            "UPDATE conversation_message SET state = 'in_doubt', detail = 'its worker was lost while sending' "
            "WHERE state = 'sending' AND written_at < :before"
        ),
        {"before": now - LOST},
    )
    waiting = text("SELECT id FROM conversation_message WHERE state = 'planned' ORDER BY id LIMIT 100")
    return list(conn.scalars(waiting))


def threads(conn: Connection, *, state: str | None, limit: int = 50) -> Sequence[Row[Any]]:
    """Threads, those that wait longest first: (id, email, subject, state, waiting_since, changed_at, name, last)."""
    return conn.execute(
        text(
            "SELECT c.id, c.email, c.subject, c.state, c.waiting_since, c.changed_at, c.customer_id, "
            "trim(p.first_name || ' ' || p.last_name) AS name, (SELECT left(m.text, 120) FROM conversation_message m "
            "WHERE m.conversation_id = c.id ORDER BY m.id DESC LIMIT 1) AS last "
            "FROM conversation c LEFT JOIN customer p ON p.id = c.customer_id "
            "WHERE CAST(:state AS text) IS NULL OR c.state = :state "
            "ORDER BY c.waiting_since NULLS LAST, c.changed_at DESC LIMIT :limit"
        ),
        {"state": state, "limit": limit},
    ).all()


def thread(conn: Connection, number: int) -> tuple[Row[Any], Sequence[Row[Any]]] | None:
    """One thread and its mails, oldest first; None where there is none."""
    head = conn.execute(text("SELECT * FROM conversation WHERE id = :t"), {"t": number}).one_or_none()
    if head is None:
        return None
    mails = text("SELECT * FROM conversation_message WHERE conversation_id = :t ORDER BY id")
    return head, conn.execute(mails, {"t": number}).all()


def pace(conn: Connection, now: datetime) -> tuple[int, timedelta | None]:
    """How many wait now, and the median time of the last thirty days from a customer's mail to our answer."""
    row = conn.execute(
        text(
            "SELECT (SELECT count(*) FROM conversation WHERE state = 'open') AS waiting, "
            "(SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY waited) FROM conversation_message "
            "WHERE direction = 'out' AND waited IS NOT NULL AND written_at > :since) AS median"
        ),
        {"since": now - WINDOW},
    ).one()
    return row.waiting, row.median
