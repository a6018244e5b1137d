"""Who may be written to: what customers say, and addresses that must not be mailed at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text


def say(
    conn: Connection,
    merchant_id: int,
    customer_id: int,
    state: str,
    source: str,
    now: datetime,
    *,
    topic: str,
    level: str = "unknown",
    evidence: str = "",
) -> bool:
    """Append what a customer says of a topic, unless it is what they said last; keeps the fact that rules read.

    ``level``: ``single`` (said), ``confirmed`` (said from the mailbox itself) or ``unknown``; ``evidence``: what proves
    it, such as the words that were agreed to.
    """
    given = {"m": merchant_id, "c": [customer_id], "state": state, "source": source, "now": now, "topic": topic}
    added = conn.execute(text(_SAY), given | {"level": level, "evidence": evidence[:1000]}).rowcount
    _show(conn, [customer_id], topic)
    return added > 0


def unsubscribe_many(
    conn: Connection, merchant_id: int, customer_ids: Sequence[int], source: str, now: datetime, *, topic: str
) -> None:
    """A no of many at once, as mail providers report it."""
    given = {"m": merchant_id, "c": list(customer_ids), "state": "unsubscribed", "source": source}
    conn.execute(text(_SAY), given | {"now": now, "topic": topic, "level": "unknown", "evidence": ""})
    _show(conn, customer_ids, topic)


_SAY = """
INSERT INTO consent (merchant_id, customer_id, channel, topic, state, source, level, evidence, occurred_at, recorded_at)
SELECT :m, c.id, 'email', :topic, :state, :source, :level, :evidence, :now, :now
FROM unnest(CAST(:c AS bigint[])) AS c(id)
WHERE (SELECT o.state FROM consent o WHERE o.customer_id = c.id AND o.channel = 'email' AND o.topic = :topic
       ORDER BY o.occurred_at DESC, o.id DESC LIMIT 1) IS DISTINCT FROM :state
"""


def _show(conn: Connection, customer_ids: Sequence[int], topic: str) -> None:
    if topic != "promotions":
        return
    conn.execute(
        text(
            "UPDATE customer_facts f SET consent_promotions = c.state FROM unnest(CAST(:ids AS bigint[])) AS t(id), "
            "LATERAL (SELECT state FROM consent o WHERE o.customer_id = t.id AND o.channel = 'email' "
            "AND o.topic = :topic ORDER BY o.occurred_at DESC, o.id DESC LIMIT 1) c "
            "WHERE f.customer_id = t.id AND f.consent_promotions <> c.state"
        ),
        {"ids": list(customer_ids), "topic": topic},
    )


def suppress(conn: Connection, merchant_id: int, reasons: Mapping[str, str], source: str, now: datetime) -> None:
    """Never mail these addresses (by reason) again; the first reason stays."""
    if reasons:
        conn.execute(
            text(
                "INSERT INTO suppression (merchant_id, email_norm, reason, source, since) "
                "SELECT DISTINCT ON (lower(trim(email))) :m, lower(trim(email)), reason, :source, :now "
                "FROM unnest(CAST(:emails AS text[]), CAST(:reasons AS text[])) AS t(email, reason) "
                "ON CONFLICT (merchant_id, email_norm) DO NOTHING"
            ),
            {
                "m": merchant_id,
                "emails": list(reasons),
                "reasons": list(reasons.values()),
                "source": source,
                "now": now,
            },
        )
