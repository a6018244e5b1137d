"""Answers to the shop's questions: taken once per occasion, changed within a day, and followed up by their score."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from campaigns.asking import LAST_WORD, LONGEST, route
from connectors.mail_types import MailReply
from plugin_server.db.customers import conversations

LOCK = 7_410_012
"""Advisory lock (with the customer's id): two taps on two scores are one answer."""


def current(
    conn: Connection, customer_id: int, question: str, message_id: int | None, now: datetime
) -> Row[Any] | None:
    """The answer of this occasion: of this mail, or, without a mail, one that began within the last day."""
    return conn.execute(
        text(
            "SELECT a.*, a.first_at > :since AS open, EXISTS (SELECT FROM testimonial t "
            "WHERE t.external_id = 'ask:' || a.id) AS praised FROM survey_answer a "
            "WHERE a.customer_id = :c AND a.question = :q AND (a.message_id = CAST(:m AS bigint) "
            "OR (a.message_id IS NULL AND CAST(:m AS bigint) IS NULL AND a.first_at > :since)) "
            "ORDER BY a.id DESC LIMIT 1"
        ),
        {"c": customer_id, "q": question, "m": message_id, "since": now - LAST_WORD},
    ).one_or_none()


def say(
    conn: Connection,
    merchant_id: int,
    customer_id: int,
    question: str,
    *,
    message_id: int | None,
    now: datetime,
    score: int | None = None,
    choices: Sequence[str] = (),
    words: str = "",
) -> int | None:
    """Write the answer down, over one that is less than a day old; gives its id, None where that day is over.

    A sentence once said is kept where only a score comes after it.
    """  # fmt: skip
    conn.execute(text("SELECT pg_advisory_xact_lock(:l, :c)"), {"l": LOCK, "c": customer_id % 2**31})
    before = current(conn, customer_id, question, message_id, now)
    if before is not None and not before.open:
        return None
    occasion = before.occasion if before else f"mail:{message_id}" if message_id else f"page:{now.isoformat()}"
    made: int = conn.execute(
        _SAY,
        {
            "m": merchant_id, "c": customer_id, "q": question, "mail": message_id, "o": occasion, "now": now,
            "score": score, "choices": list(choices), "words": words.strip()[:LONGEST],
        },
    ).scalar_one()  # fmt: skip
    return made


_SAY = text(
    "INSERT INTO survey_answer AS a (merchant_id, customer_id, message_id, question, occasion, score, choices, text, "
    "first_at, answered_at) VALUES (:m, :c, :mail, :q, :o, :score, CAST(:choices AS text[]), :words, :now, :now) "
    "ON CONFLICT (customer_id, question, occasion) DO UPDATE SET score = excluded.score, choices = excluded.choices, "
    "text = CASE WHEN excluded.text = '' THEN a.text ELSE excluded.text END, answered_at = excluded.answered_at "
    "RETURNING id"
)


def complain(
    conn: Connection, merchant_id: int, answer: int, *, email: str, name: str, subject: str, words: str, now: datetime
) -> int | None:
    """Open a conversation with an answer as its mail, and mark the answer for the owner to hear of.

    The same words twice are one mail. Gives the thread, None where nothing new was said.
    """
    conn.execute(
        text("UPDATE survey_answer SET tell = true WHERE id = :a AND told_at IS NULL AND NOT tell"), {"a": answer}
    )
    number = conn.scalar(
        text("SELECT count(*) FROM conversation_message WHERE reference LIKE :r"), {"r": f"<answer-{answer}-%"}
    )
    last = conn.scalar(
        text("SELECT text FROM conversation_message WHERE reference LIKE :r ORDER BY id DESC LIMIT 1"),
        {"r": f"<answer-{answer}-%"},
    )
    if last == words:
        return None
    reference = f"<answer-{answer}-{number}@tangga>"
    written = MailReply(email, name, (), subject, words, "", reference, automatic=False, proven=True, attachments=0)
    return conversations.take(conn, merchant_id, written, words, now)


def complained(conn: Connection, answer: int) -> bool:
    """Whether this answer has opened a conversation."""
    return bool(
        conn.scalar(
            text("SELECT EXISTS (SELECT FROM conversation_message WHERE reference LIKE :r)"),
            {"r": f"<answer-{answer}-%"},
        )
    )


def praise(conn: Connection, merchant_id: int, answer: Row[Any], *, words: str, publish: bool, now: datetime) -> bool:
    """Keep a promoter's words as a testimonial; only what may be published is approved, and counts as evidence.

    The rating is half the score, on the five stars of shops. False where the score is no promoter's, or without words.
    """
    if answer.score is None or route(answer.score) != "promoter" or not words.strip():
        return False
    conn.execute(
        text("DELETE FROM testimonial WHERE store_id IS NULL AND external_id = 'ask:' || :a"), {"a": answer.id}
    )
    conn.execute(
        text(
            "INSERT INTO testimonial (merchant_id, external_id, customer_id, email_norm, rating, text, approved, "
            "written_at) SELECT :m, 'ask:' || :a, c.id, coalesce(c.email_norm, ''), 5, :words, :publish, :now "
            "FROM customer c WHERE c.id = :c"
        ),
        {
            "m": merchant_id, "a": answer.id, "c": answer.customer_id, "words": words.strip()[:LONGEST],
            "publish": publish, "now": now,
        },
    )  # fmt: skip
    return True


def born(conn: Connection, customer_id: int, day: date, now: datetime) -> None:
    """The customer's birthday, from themselves."""
    told = text("UPDATE customer SET birthday = :d, birthday_told_at = :now WHERE id = :c")
    conn.execute(told, {"d": day, "c": customer_id, "now": now})


def categories(conn: Connection) -> list[str]:
    """The shop's own categories to choose from, those with most goods first, sixty at most."""
    return list(
        conn.scalars(
            text(
                "SELECT c.name FROM category c LEFT JOIN product p ON p.store_id = c.store_id "
                "AND c.external_id = ANY(p.category_ids) GROUP BY c.name ORDER BY count(p.id) DESC, c.name LIMIT 60"
            )
        )
    )


def liked(conn: Connection, customer_id: int) -> list[str] | None:
    """What a customer said last that they like; None where the shop has no categories to choose from."""
    if not conn.scalar(text("SELECT EXISTS (SELECT FROM category)")):
        return None
    said = "SELECT choices FROM survey_answer WHERE customer_id = :c AND question = 'preferences' ORDER BY id DESC"
    return list(conn.scalar(text(f"{said} LIMIT 1"), {"c": customer_id}) or [])


def claim_untold(conn: Connection, now: datetime) -> Sequence[Row[Any]]:
    """Complaints that no owner was told of, now being told: (id, customer_id, score, text, thread)."""
    return conn.execute(
        text(
            "UPDATE survey_answer a SET told_at = :now WHERE tell AND told_at IS NULL RETURNING a.id, a.customer_id, "
            "a.score, a.text, (SELECT max(m.conversation_id) FROM conversation_message m "
            "WHERE m.reference LIKE '<answer-' || a.id || '-%') AS thread"
        ),
        {"now": now},
    ).all()
