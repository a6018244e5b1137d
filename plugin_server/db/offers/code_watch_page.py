"""Leaked codes as people look at them, and what they decide."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

MOST: Final = 100
_LISTED: Final = """
SELECT l.id, l.state, l.reason, l.detail, l.found_at, l.told_at, c.code, c.expires_at, n.code AS new_code,
       g.key AS campaign_key, g.name AS campaign, p.id AS owner_id, p.first_name || ' ' || p.last_name AS owner,
       coalesce(b.merged_into, b.id) AS stranger_id, b.first_name || ' ' || b.last_name AS stranger,
       o.number, o.placed_at, o.currency, d.discount_minor
FROM code_leak l JOIN offer_code c ON c.id = l.offer_code_id JOIN customer p ON p.id = c.customer_id
LEFT JOIN shop_order o ON o.id = l.order_id LEFT JOIN customer b ON b.id = o.customer_id
LEFT JOIN redemption d ON d.order_id = l.order_id AND d.offer_code_id = c.id
LEFT JOIN offer_code n ON n.id = l.new_code_id
LEFT JOIN campaign_run r ON r.id = c.run_id LEFT JOIN campaign g ON g.id = r.campaign_id
WHERE CAST(:key AS text) IS NULL OR g.key = :key
ORDER BY l.state <> 'person', l.id DESC LIMIT :most
"""


def listed(conn: Connection, campaign_key: str | None = None) -> list[dict[str, Any]]:
    """Leaks that wait for a person first, then the newest; of one campaign where its key is given."""
    return [dict(row) for row in conn.execute(text(_LISTED), {"key": campaign_key, "most": MOST}).mappings()]


def decide(conn: Connection, leak_id: int, *, anew: bool, now: datetime) -> str | None:
    """A person decides: a new code after all, or none. Gives the leaked code; None where nothing waits for that."""
    statement = (
        "UPDATE code_leak l SET state = 'revoked', agreed = true, reason = '', detail = '', new_code_id = NULL "
        if anew
        else "UPDATE code_leak l SET state = 'closed', reason = 'left', settled_at = :now "
    )
    found: str | None = conn.scalar(
        text(
            statement + "FROM offer_code c WHERE c.id = l.offer_code_id AND l.id = :id AND l.state = 'person' "
            "RETURNING c.code"
        ),
        {"id": leak_id, "now": now},
    )
    return found
