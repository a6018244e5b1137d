"""What ends with a campaign, and what goes on: said before, because it cannot be undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Ending:
    """So many ``mails`` would never leave, and so many people would leave its series."""

    mails: int
    inside: int


def foreseen(conn: Connection, campaign_id: int) -> Ending:
    """What ending the campaign now would do."""
    return Ending(*conn.execute(_FORESEEN, {"campaign": campaign_id}).one())


def good_codes(conn: Connection, campaign_id: int, now: datetime) -> int:
    """Codes of the campaign that somebody could still use: given, not over, and not used up."""
    return int(conn.scalar(_GOOD, {"campaign": campaign_id, "now": now}) or 0)


_FORESEEN = text(
    """
    SELECT (SELECT count(*) FROM campaign_run r JOIN message m ON m.run_id = r.id
            WHERE r.campaign_id = :campaign AND r.state NOT IN ('done', 'stopped', 'failed')
              AND m.state IN ('planned', 'claimed')),
           (SELECT count(*) FROM series_place WHERE campaign_id = :campaign AND left_at IS NULL)
    """
)
_GOOD = text(
    """
    SELECT count(*) FROM campaign_run r JOIN offer_code c ON c.run_id = r.id
    WHERE r.campaign_id = :campaign AND c.state = 'issued' AND c.expires_at > :now
      AND NOT EXISTS (SELECT FROM redemption d WHERE d.offer_code_id = c.id AND d.released_at IS NULL)
    """
)
