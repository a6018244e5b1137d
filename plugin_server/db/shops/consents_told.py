"""Which shops have yet to hear what a customer answered to our mails, and did not answer in the shop itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

# The shop knows an answer where its own account says the same, or where we have told it since.
WAITING = """
    SELECT i.id, i.external_id, c.email, newest.state, newest.occurred_at, newest.level = 'confirmed' AS confirmed
    FROM identity i JOIN customer c ON c.id = i.customer_id
    JOIN customer_facts f ON f.customer_id = i.customer_id
    CROSS JOIN LATERAL (
        SELECT state, occurred_at, level FROM consent
        WHERE customer_id = i.customer_id AND channel = 'email' AND topic = 'promotions'
        ORDER BY occurred_at DESC, id DESC LIMIT 1) AS newest
    WHERE i.store_id = :store AND i.id > :after AND c.email IS NOT NULL
      AND f.consent_promotions IN ('subscribed', 'unsubscribed')
      AND f.consent_promotions IS DISTINCT FROM i.content ->> 'consent'
      AND newest.state IN ('subscribed', 'unsubscribed')
      AND newest.state IS DISTINCT FROM i.content ->> 'consent'
      AND (i.told_consent IS DISTINCT FROM newest.state OR i.told_consent_at < newest.occurred_at)
    ORDER BY i.id LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Untold:
    """An account whose shop does not know its customer's answer of ``at``."""

    identity_id: int
    external_id: str
    email: str
    state: str
    at: datetime
    confirmed: bool


def waiting(connection: Connection, store_id: int, *, after: int, limit: int) -> list[Untold]:
    """Up to ``limit`` accounts of a store that are behind, by id from ``after`` on."""
    rows = connection.execute(text(WAITING), {"store": store_id, "after": after, "limit": limit})
    return [Untold(*row) for row in rows]


def told(connection: Connection, done: Sequence[Untold], refused: Mapping[str, str]) -> None:
    """Note what the shop has been told. A refused answer waits for the customer's next one, with the shop's reason."""
    connection.execute(
        text(
            "UPDATE identity SET told_consent = made.state, told_consent_at = made.at, refused_consent = made.refused "
            "FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[]), CAST(:times AS timestamptz[]), "
            "CAST(:refused AS text[])) AS made (id, state, at, refused) WHERE identity.id = made.id"
        ),
        {
            "ids": [one.identity_id for one in done],
            "states": [one.state for one in done],
            "times": [one.at for one in done],
            "refused": [refused.get(one.external_id) for one in done],
        },
    )
