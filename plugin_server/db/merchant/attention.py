"""What waits for a person of the business, each kind counted by one index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from plugin_server.db.shops.sync import LOST, TRIES

LATELY: Final = timedelta(days=14)

_STORES: Final = f"FROM store WHERE state IN ('frozen', 'broken') OR id IN ({LOST})"
_WAITING: Final = {
    "conversations": "SELECT count(*) FROM conversation WHERE state = 'open'",
    "tasks": "SELECT count(*) FROM owner_task WHERE done_at IS NULL",
    "referrals": "SELECT count(*) FROM referral_join WHERE state = 'review'",
    "doubts": "SELECT count(*) FROM message WHERE state = 'in_doubt'",
    "replies": "SELECT count(*) FROM conversation_message WHERE state IN ('failed', 'in_doubt') AND direction = 'out' "
    "AND written_at > :since",
    "stores": f"SELECT count(*) {_STORES}",
    "runs": "SELECT count(*) FROM campaign_run WHERE state = 'failed' AND due_at > :since",
    "credits": "SELECT count(*) FROM credit_intent WHERE state = 'in_doubt'",
    "leaks": "SELECT count(*) FROM code_leak WHERE state = 'person'",
    "privacy": "SELECT count(*) FROM privacy_request WHERE answered_at IS NULL",
}
"""By kind: how many there are."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many of one kind. ``number`` is the one to open where there is a single page for it."""

    kind: str
    count: int
    number: int | None = None


_ONE: Final = {
    "doubts": "SELECT min(run_id) FROM message WHERE state = 'in_doubt'",
    "stores": f"SELECT min(id) {_STORES}",
    "runs": "SELECT max(id) FROM campaign_run WHERE state = 'failed' AND due_at > :since",
}


def waiting(conn: Connection, now: datetime) -> list[Waiting]:
    """Everything that waits, in the order above; nothing that does not."""
    parts = [f"({query}) AS {kind}" for kind, query in _WAITING.items()]
    ones = [f"({query}) AS {kind}_one" for kind, query in _ONE.items()]
    given = {"since": now - LATELY, "tries": TRIES}
    row = conn.execute(text(f"SELECT {', '.join(parts + ones)}"), given).one()._mapping
    return [Waiting(kind, row[kind], row.get(f"{kind}_one")) for kind in _WAITING if row[kind]]
