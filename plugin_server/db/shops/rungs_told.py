"""Which shop accounts have yet to be told the rung of their customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

WAITING = """
    SELECT identity.id, identity.external_id, facts.rung
    FROM identity JOIN customer_facts AS facts ON facts.customer_id = identity.customer_id
    WHERE identity.store_id = :store AND identity.id > :after AND facts.rung IS NOT NULL
      AND facts.rung IS DISTINCT FROM identity.told_rung
    ORDER BY identity.id LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Untold:
    """An account whose shop knows another rung than ours, or none."""

    identity_id: int
    external_id: str
    rung: str


def waiting(connection: Connection, store_id: int, *, after: int, limit: int) -> list[Untold]:
    """Up to ``limit`` accounts of a store that are behind, by id from ``after`` on."""
    rows = connection.execute(text(WAITING), {"store": store_id, "after": after, "limit": limit})
    return [Untold(*row) for row in rows]


def told(
    connection: Connection, done: Sequence[Untold], refused: Mapping[str, str], changed: Mapping[str, datetime]
) -> None:
    """Note what the shop knows now. A refused account waits for its next climb, with the shop's reason kept."""
    connection.execute(
        text(
            "UPDATE identity SET told_rung = made.rung, refused = made.refused, "
            "written_at = coalesce(made.at, identity.written_at) FROM unnest(CAST(:ids AS bigint[]), "
            "CAST(:rungs AS text[]), CAST(:refused AS text[]), CAST(:times AS timestamptz[])) "
            "AS made (id, rung, refused, at) WHERE identity.id = made.id"
        ),
        {
            "ids": [one.identity_id for one in done],
            "rungs": [one.rung for one in done],
            "refused": [refused.get(one.external_id) for one in done],
            "times": [changed.get(one.external_id) for one in done],
        },
    )
