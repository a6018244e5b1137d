"""What a shop makes of our own writing: what it tells of it, which is no news, and what it did not take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from connectors.types import Customer
from plugin_server.db.ingest.staging import cut

ECHOES = """
    SELECT i.external_id
    FROM identity i JOIN unnest(CAST(:ids AS text[]), CAST(:times AS timestamptz[]), CAST(:emails AS text[]),
        CAST(:firsts AS text[]), CAST(:lasts AS text[]), CAST(:phones AS text[]), CAST(:countries AS text[]))
        AS told (id, at, email, first, last, phone, country)
      ON told.id = i.external_id AND date_trunc('second', told.at) = date_trunc('second', i.written_at)
    WHERE i.store_id = :store
      AND (i.content ->> 'email', i.content ->> 'first_name', i.content ->> 'last_name', i.content ->> 'phone',
           i.content ->> 'country')
          IS NOT DISTINCT FROM (told.email, told.first, told.last, told.phone, told.country)
"""


def echoes(connection: Connection, store_id: int, told: Sequence[Customer]) -> set[str]:
    """The ids of those of ``told`` that differ from what we know in nothing, and changed in the second of our writing.

    What a slim delivery leaves out (consent, tags, fields of other apps) is told by topics of its own, or found by the
    next reading where it changed in that same second.
    """
    if not told:
        return set()
    found = connection.scalars(
        text(ECHOES),
        {
            "store": store_id,
            "ids": [one.external_id for one in told],
            "times": [one.updated_at for one in told],
            "emails": [cut(one.email, 254) for one in told],
            "firsts": [cut(one.first_name) for one in told],
            "lasts": [cut(one.last_name) for one in told],
            "phones": [cut(one.phone, 60) for one in told],
            "countries": [cut(one.country, 60) for one in told],
        },
    )
    return set(found)


REFUSALS = """
    SELECT s.name AS shop, told.kind, told.reason FROM identity i JOIN store s ON s.id = i.store_id
    CROSS JOIN LATERAL (VALUES ('rung', i.refused), ('consent', i.refused_consent), ('tags', i.refused_tags))
        AS told (kind, reason)
    WHERE i.customer_id = :customer AND told.reason IS NOT NULL ORDER BY i.id, told.kind
"""


def refusals(connection: Connection, customer_id: int) -> list[Row[Any]]:
    """What shops would not take of what we told them about a customer: ``shop, kind, reason`` (a sentence)."""
    return list(connection.execute(text(REFUSALS), {"customer": customer_id}))
