"""When a person first clicked in each mail, read anew from all reports whenever one comes that bears on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from campaigns.mail.bots import Click, first_by_a_person
from connectors.mail_types import DeliveryKind

CONCERN: Final = (DeliveryKind.CLICKED, DeliveryKind.DELIVERED)
"""A report of these kinds can change whose click it was: a delivery may be told after the click."""
MOST: Final = 200
"""Reports of one mail that are looked at, oldest first."""

_REPORTS: Final = """
SELECT e.message_id, e.kind, e.occurred_at, e.url FROM unnest(CAST(:ids AS bigint[])) AS t(id), LATERAL (
    SELECT d.message_id, d.kind, d.occurred_at, d.url FROM delivery_event d
    WHERE d.message_id = t.id AND d.kind IN ('clicked', 'delivered') AND NOT d.machine
    ORDER BY d.occurred_at, d.id LIMIT :most) e
"""


def read(conn: Connection, message_ids: Sequence[int]) -> None:
    """Keep ``message.clicked_at`` true for these messages: the first click of a person, or nothing."""
    if not message_ids:
        return
    clicks, delivered = defaultdict[int, list[Click]](list), dict[int, datetime]()
    for row in conn.execute(text(_REPORTS), {"ids": sorted(set(message_ids)), "most": MOST}):
        if row.kind == "clicked":
            clicks[row.message_id].append(Click(row.occurred_at, row.url))
        else:
            delivered.setdefault(row.message_id, row.occurred_at)
    if clicks:
        first = {number: first_by_a_person(found, delivered.get(number)) for number, found in clicks.items()}
        conn.execute(
            text(
                "UPDATE message m SET clicked_at = t.at "
                "FROM unnest(CAST(:ids AS bigint[]), CAST(:at AS timestamptz[])) AS t(id, at) "
                "WHERE m.id = t.id AND m.clicked_at IS DISTINCT FROM t.at"
            ),
            {"ids": list(first), "at": list(first.values())},
        )
