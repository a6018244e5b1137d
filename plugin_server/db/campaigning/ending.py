"""What ends with a campaign, and what goes on: said before, because it cannot be undone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Ending:
    """So many ``mails`` would never leave, so many people would leave its series; so many ``codes`` stay good."""

    mails: int
    inside: int
    codes: int


def foreseen(conn: Connection, campaign_id: int) -> Ending:
    """What ending the campaign now would do."""
    return Ending(*conn.execute(_FORESEEN, {"campaign": campaign_id}).one())


_FORESEEN = text(
    """
    SELECT (SELECT count(*) FROM campaign_run r JOIN message m ON m.run_id = r.id
            WHERE r.campaign_id = :campaign AND r.state NOT IN ('done', 'stopped', 'failed')
              AND m.state IN ('planned', 'claimed')),
           (SELECT count(*) FROM series_place WHERE campaign_id = :campaign AND left_at IS NULL),
           (SELECT count(*) FROM campaign_run r JOIN offer_code c ON c.run_id = r.id
            WHERE r.campaign_id = :campaign AND c.state = 'issued')
    """
)
