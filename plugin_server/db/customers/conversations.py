"""Threads with customers: a reply joins its thread, an answer ends the waiting, and how long people wait is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from connectors.mail_types import MailReply
from plugin_server.reply_token import Answered

WINDOW: Final = timedelta(days=30)
LOST: Final = timedelta(minutes=10)
SAME_THREAD: Final = timedelta(days=30)


def take(
    conn: Connection,
    merchant_id: int,
    reply: MailReply,
    words: str,
    now: datetime,
    answered: Answered | None = None,
) -> int | None:
    """Put a reply onto its thread; gives the thread, or None where the mail is known already.

    What it answers (``answered``, proven) names the customer, whatever address they write from; else the sender's
    address does. Whoever writes again from an address within a month goes on with their last thread from there.
    """
    conn.execute(text("SELECT pg_advisory_xact_lock(7412, CAST(:m AS int))"), {"m": merchant_id % 2**31})
    if reply.reference and conn.scalar(
        text("SELECT 1 FROM conversation_message WHERE reference = :r"), {"r": reply.reference}
    ):
        return None
    customer = _whom(conn, answered) if answered else None
    if customer is None:
        found = text("SELECT id FROM customer WHERE merged_into IS NULL AND email_norm = :e")
        customer = conn.scalar(found, {"e": reply.from_email.strip().lower()})
    thread = _thread(conn, merchant_id, reply, customer, now)
    conn.execute(
        text(
            "INSERT INTO conversation_message (merchant_id, conversation_id, direction, author, text, reference, "
            "proven, attachments, written_at) VALUES (:m, :t, 'in', :author, :words, :ref, :proven, :files, :now)"
        ),
        {
            "m": merchant_id,
            "t": thread,
            "now": now,
            "author": reply.from_name or reply.from_email,
            "words": words,
            "ref": reply.reference or None,
            "proven": reply.proven,
            "files": reply.attachments,
        },
    )
    return thread


def _thread(conn: Connection, merchant_id: int, reply: MailReply, customer: int | None, now: datetime) -> int:
    """The thread that a reply belongs to, opened again; a new one where there is none of late."""
    given = {"m": merchant_id, "c": customer, "e": reply.from_email, "s": reply.subject, "now": now}
    known: int | None = conn.scalar(
        text(
            "UPDATE conversation SET state = 'open', waiting_since = coalesce(waiting_since, :now), "
            "changed_at = :now, customer_id = coalesce(customer_id, :c) WHERE id = ("
            "SELECT id FROM conversation WHERE lower(email) = :norm AND changed_at > :since "
            "AND (customer_id IS NULL OR customer_id = coalesce(CAST(:c AS bigint), customer_id)) "
            "ORDER BY id DESC LIMIT 1) RETURNING id"
        ),
        given | {"norm": reply.from_email.strip().lower(), "since": now - SAME_THREAD},
    )
    if known is not None:
        return known
    made: int = conn.execute(
        text(
            "INSERT INTO conversation (merchant_id, customer_id, email, subject, waiting_since, changed_at) "
            "VALUES (:m, :c, :e, :s, :now, :now) RETURNING id"
        ),
        given,
    ).scalar_one()
    return made


def _whom(conn: Connection, answered: Answered) -> int | None:
    """The customer to whom that message or thread belongs; None where it, or they, are gone."""
    table = "message" if answered.kind == "m" else "conversation"
    found: int | None = conn.scalar(
        text(
            "SELECT c.id FROM customer c WHERE c.erased_at IS NULL AND c.id = (SELECT coalesce(k.merged_into, k.id) "
            f"FROM {table} w JOIN customer k ON k.id = w.customer_id WHERE w.id = :id)"
        ),
        {"id": answered.id},
    )
    return found


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
    _let_go(conn, thread, now)
    return int(made or 0)


def close(conn: Connection, thread: int, now: datetime) -> bool:
    """Nothing more is to be said; promotions go on. False where there is no such thread."""
    closed = text("UPDATE conversation SET state = 'closed', waiting_since = NULL, changed_at = :now WHERE id = :t")
    done = conn.execute(closed, {"t": thread, "now": now}).rowcount == 1
    _let_go(conn, thread, now)
    return done


def _let_go(conn: Connection, thread: int, now: datetime) -> None:
    """Promotions that waited for this thread go on at the next sweep, not in an hour; other reasons to wait hold."""
    conn.execute(
        text(
            "WITH freed AS (UPDATE message m SET not_before = NULL, reason = '' FROM conversation c "
            "WHERE c.id = :t AND m.customer_id = c.customer_id AND m.state = 'planned' "
            "AND m.reason LIKE 'conversation:%' RETURNING m.run_id) "
            "UPDATE campaign_run SET not_before = :now WHERE id IN (SELECT run_id FROM freed) AND not_before > :now "
            "AND state_figures->>'key' = 'mails_wait'"
        ),
        {"t": thread, "now": now},
    )


def begin(conn: Connection, message_id: int) -> Row[Any] | None:
    """Take one planned answer to be sent, once: (id, text, thread, email, subject, customer_id, reference).

    ``reference`` is the Message-ID of the newest mail it answers, None where that had none.
    """
    return conn.execute(
        text(
            "UPDATE conversation_message m SET state = 'sending' FROM conversation c "
            "WHERE m.id = :id AND m.state = 'planned' AND c.id = m.conversation_id "
            "RETURNING m.id, m.text, c.id AS thread, c.email, c.subject, c.customer_id, "
            "(SELECT i.reference FROM conversation_message i WHERE i.conversation_id = c.id AND i.direction = 'in' "
            "AND i.id < m.id ORDER BY i.id DESC LIMIT 1) AS reference"
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


PAGE: Final = 50


def threads(conn: Connection, *, state: str | None, page: int = 1) -> Sequence[Row[Any]]:
    """Threads, those that wait longest first: (id, email, subject, state, waiting_since, changed_at, name, last).

    ``PAGE`` of them from ``page`` on, and one more where there are more.
    """
    return conn.execute(
        text(
            "SELECT c.id, c.email, c.subject, c.state, c.waiting_since, c.changed_at, c.customer_id, "
            "trim(p.first_name || ' ' || p.last_name) AS name, (SELECT left(m.text, 120) FROM conversation_message m "
            "WHERE m.conversation_id = c.id ORDER BY m.id DESC LIMIT 1) AS last "
            "FROM conversation c LEFT JOIN customer p ON p.id = c.customer_id "
            "WHERE CAST(:state AS text) IS NULL OR c.state = :state "
            "ORDER BY c.waiting_since NULLS LAST, c.changed_at DESC, c.id DESC LIMIT :limit OFFSET :skip"
        ),
        {"state": state, "limit": PAGE + 1, "skip": (page - 1) * PAGE},
    ).all()


def thread(conn: Connection, number: int) -> tuple[Row[Any], Sequence[Row[Any]]] | None:
    """One thread and its mails, oldest first; None where there is none."""
    found = text(
        "SELECT c.*, p.email AS known_email FROM conversation c LEFT JOIN customer p ON p.id = c.customer_id "
        "WHERE c.id = :t"
    )
    head = conn.execute(found, {"t": number}).one_or_none()
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
