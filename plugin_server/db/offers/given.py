"""What everything that is given away came to: codes of campaigns, of teams and friends, and of rewards for points."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text


def given(conn: Connection, now: datetime) -> dict[str, dict[str, Any]]:
    """By where it comes from (``campaign:7``, ``claim:team``, ``claim:friend``, ``claim:<reward>``) its figures.

    ``given`` codes and promises, those still ``open``, those ``used``, what they took off orders in the merchant's
    currency (``minor``), the ``name`` of a reward when it was taken last, and what a campaign may cost and has bound
    (``limit``, ``bound``; None and 0 without a budget). Orders that fell through count for nothing.
    """
    rows = conn.execute(text(_GIVEN), {"now": now}).mappings()
    return {row["source"]: {name: row[name] for name in row if name != "source"} for row in rows}


_GIVEN: Final = """
WITH used AS (
    SELECT offer_code_id, sum(discount_minor) AS minor FROM redemption WHERE released_at IS NULL GROUP BY 1
), code AS (
    SELECT coalesce('campaign:' || r.campaign_id, 'claim:' || w.reward) AS source, r.campaign_id, w.name, c.id,
           c.issued_at IS NOT NULL OR c.state IN ('issued', 'promised', 'kept', 'lapsed') AS was_given,
           c.state IN ('issued', 'promised') AND c.expires_at > :now AND u.offer_code_id IS NULL AS is_open,
           c.state = 'kept' OR u.offer_code_id IS NOT NULL AS was_used,
           u.minor * (c.currency = m.currency)::int AS minor
    FROM offer_code c CROSS JOIN merchant m LEFT JOIN used u ON u.offer_code_id = c.id
    LEFT JOIN campaign_run r ON r.id = c.run_id LEFT JOIN reward_claim w ON w.id = c.claim_id
)
SELECT c.source, (array_agg(c.name ORDER BY c.id DESC))[1] AS name, count(*) FILTER (WHERE was_given) AS given,
       count(*) FILTER (WHERE is_open) AS open, count(*) FILTER (WHERE was_used) AS used,
       coalesce(sum(c.minor), 0)::bigint AS minor, max(b.limit_minor) AS limit,
       coalesce(max(b.issued_minor), 0) AS bound
FROM code c LEFT JOIN offer_budget b ON b.campaign_id = c.campaign_id
WHERE c.source IS NOT NULL GROUP BY c.source
"""
