"""What customers write to the shop on their own page: a thread of its own, or the next word in the one that is open."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Connection, text

from connectors.mail_types import MailReply
from plugin_server.db.customers import conversations

MOST: Final = 10
"""Messages of one customer within a day; a link that went round must not fill the shop's conversations."""
LONGEST: Final = 4_000


def write(
    conn: Connection, merchant_id: int, customer_id: int, *, email: str, name: str, subject: str, words: str,
    now: datetime,
) -> Literal["sent", "many"]:  # fmt: skip
    """Put the words into the customer's conversation, which waits for an answer from then on.

    The same words twice within a day are one message. ``many`` where nothing was kept, because there were too many.
    """
    said = words.strip()[:LONGEST]
    mark = hashlib.sha256(said.encode()).hexdigest()[:24]
    given = {"own": f"<page-{customer_id}-%", "since": now - timedelta(days=1), "mark": f"%-{mark}@tangga>"}
    before = conn.execute(text(_BEFORE), given).one()
    if before.same:
        return "sent"
    if before.many >= MOST:
        return "many"
    reference = f"<page-{customer_id}-{now:%Y%m%d%H%M%S}-{mark}@tangga>"
    written = MailReply(email, name, (), subject, said, "", reference, automatic=False, proven=True, attachments=0)
    conversations.take(conn, merchant_id, written, said, now)
    return "sent"


_BEFORE = """
SELECT count(*) AS many, count(*) FILTER (WHERE reference LIKE :mark) > 0 AS same FROM conversation_message
WHERE reference LIKE :own AND written_at > :since
"""
