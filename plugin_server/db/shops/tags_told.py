"""Which shop accounts have yet to be told a tag that a campaign put on their customer, or took off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

CAPABILITY = "tags"

WANT = """
    UPDATE identity i SET tags_due = i.tags_due || jsonb_build_object(CAST(:tag AS text), CAST(:put AS boolean))
    FROM store s
    WHERE i.customer_id = ANY(:people) AND s.id = i.store_id AND :able = ANY(s.capabilities)
"""
WAITING = text(
    """SELECT i.id, i.external_id, i.tags_due, c.tags FROM identity i JOIN customer c ON c.id = i.customer_id
       WHERE i.store_id = :store AND i.id > :after AND i.tags_due <> '{}' ORDER BY i.id LIMIT :limit"""
).columns(tags_due=JSONB)
# What was asked for while the shop was being told waits for the next round.
TOLD = text(
    """UPDATE identity i SET tags_due = CASE WHEN i.tags_due = made.due THEN '{}' ELSE i.tags_due END,
              refused_tags = made.refused, written_at = coalesce(CAST(made.at AS timestamptz), i.written_at)
       FROM jsonb_to_recordset(:made) AS made (id bigint, due jsonb, refused text, at text)
       WHERE i.id = made.id"""
).bindparams(bindparam("made", type_=JSONB))


@dataclass(frozen=True, slots=True)
class Untold:
    """An account whose shop is behind: ``due`` is {tag: whether it is put on}, ``tags`` all of the customer's."""

    identity_id: int
    external_id: str
    due: dict[str, bool]
    tags: tuple[str, ...]


def want(connection: Connection, people: Sequence[int], tag: str, *, put: bool) -> None:
    """Have a tag put on all accounts of these customers (or taken off), in the shops that keep tags."""
    connection.execute(text(WANT), {"people": list(people), "tag": tag, "put": put, "able": CAPABILITY})


def waiting(connection: Connection, store_id: int, *, after: int, limit: int) -> list[Untold]:
    """Up to ``limit`` accounts of a store that are behind, by id from ``after`` on."""
    rows = connection.execute(WAITING, {"store": store_id, "after": after, "limit": limit})
    return [Untold(number, external_id, dict(due), tuple(tags)) for number, external_id, due, tags in rows]


def told(
    connection: Connection, done: Sequence[Untold], refused: Mapping[str, str], changed: Mapping[str, datetime]
) -> None:
    """Note what the shop has been told; what it refused is not asked of it again, and its reason is kept."""
    made = [
        {
            "id": one.identity_id,
            "due": one.due,
            "refused": refused.get(one.external_id),
            "at": at.isoformat() if (at := changed.get(one.external_id)) else None,
        }
        for one in done
    ]
    connection.execute(TOLD, {"made": made})
