"""What a merchant's mails are about, what a customer said of each topic, and the proof of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from plugin_server.db.customers import consents

PROMOTIONS: Final = "promotions"
MOST: Final = 12


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing to say yes or no to. ``names`` by language; empty for the built-in one, which pages name themselves."""

    key: str
    names: Mapping[str, str]

    def name(self, language: str) -> str:
        """Its name in a language, else in English, else its key; empty for the built-in one."""
        return self.names.get(language) or self.names.get("en") or ("" if self.key == PROMOTIONS else self.key)


def all_topics(conn: Connection) -> list[Topic]:
    """The merchant's topics, promotions first."""
    told = conn.scalar(text("SELECT settings->'topics' FROM merchant")) or []
    own = [Topic(item["key"], item.get("names", {})) for item in told if item["key"] != PROMOTIONS]
    return [Topic(PROMOTIONS, {}), *own]


def save_topics(conn: Connection, names: Sequence[str], language: str) -> list[Topic]:
    """Keep these names (in ``language``) as the topics beside promotions; known keys keep their other languages."""
    known = {topic.name(language): topic for topic in all_topics(conn)}
    kept: dict[str, dict[str, Any]] = {}
    for name in names[:MOST]:
        old = known.get(name)
        key = old.key if old else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
        if key and key != PROMOTIONS:
            kept[key] = {"key": key, "names": {**(old.names if old else {}), language: name}}
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('topics', CAST(:t AS jsonb))"),
        {"t": json.dumps(list(kept.values()))},
    )
    return all_topics(conn)


def double_opt_in(conn: Connection) -> bool:
    """Whether a sign-up counts only once it was confirmed from the mailbox."""
    return bool(conn.scalar(text("SELECT coalesce((settings->>'double_opt_in')::boolean, true) FROM merchant")))


def save_double_opt_in(conn: Connection, wanted: bool) -> None:
    """Ask for confirmation from now on, or not."""
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('double_opt_in', CAST(:w AS boolean))"),
        {"w": wanted},
    )


def said(conn: Connection, customer_id: int) -> dict[str, str]:
    """The newest word of a customer by topic."""
    rows = conn.execute(
        text(
            "SELECT DISTINCT ON (topic) topic, state FROM consent WHERE customer_id = :c AND channel = 'email' "
            "ORDER BY topic, occurred_at DESC, id DESC"
        ),
        {"c": customer_id},
    )
    return {row.topic: row.state for row in rows}


def choose(
    conn: Connection, merchant_id: int, customer_id: int, yes: set[str], *, source: str, evidence: str, now: datetime
) -> dict[str, str]:
    """Write down what a customer chose among all topics; gives what changed. Their own link proves their mailbox."""
    before, changed = said(conn, customer_id), dict[str, str]()
    for topic in all_topics(conn):
        state = "subscribed" if topic.key in yes else "unsubscribed"
        if before.get(topic.key, "unknown") == state or (topic.key not in before and state == "unsubscribed"):
            continue
        consents.say(
            conn, merchant_id, customer_id, state, source, now, topic=topic.key, level="confirmed", evidence=evidence
        )
        changed[topic.key] = state
    return changed


def proof(conn: Connection, customer_id: int) -> dict[str, Any]:
    """Everything that shows what somebody agreed to: the whole log, what holds now, and whether we may not write."""
    rows = conn.execute(
        text(
            "SELECT topic, channel, state, level, source, evidence, occurred_at, recorded_at FROM consent "
            "WHERE customer_id = :c ORDER BY occurred_at, id"
        ),
        {"c": customer_id},
    ).mappings()
    person = conn.execute(text("SELECT email, email_norm FROM customer WHERE id = :c"), {"c": customer_id}).one()
    suppressed = conn.execute(
        text("SELECT reason, source, since FROM suppression WHERE email_norm = :e"), {"e": person.email_norm}
    ).mappings()
    return {
        "customer": customer_id,
        "email": person.email,
        "now": said(conn, customer_id),
        "log": [_plain(row) for row in rows],
        "suppressed": [_plain(row) for row in suppressed],
    }


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
