"""The runs by which a step of a series sends its mails and makes its codes: one for each step, version and day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, literal, select, text
from sqlalchemy.dialects.postgresql import insert

from campaigns.schema import Campaign
from plugin_server.db.campaigning import audience
from plugin_server.db.models.campaign import AudienceMember
from plugin_server.db.series.places import BUSY, Group


def bring(conn: Connection, group: Group, campaign: Campaign, people: Sequence[int], now: datetime) -> int:
    """Put people into the step's run of today, and let that go on; gives the run.

    ``campaign`` is what the step alone is. Whoever buys in no shop that takes codes is left out of a run that makes
    them. Run and people change in one transaction, so that nobody is forgotten between two states of the run.
    """
    merchant = int(conn.execute(text("SELECT id FROM merchant")).scalar_one())
    run_id = _run_of_today(conn, merchant, group, now)
    of = audience.setting(conn, merchant, group.campaign_id)
    found = audience.at_step(campaign, of, people).subquery("found")
    c = found.c
    rows = select(
        literal(merchant), literal(run_id), c.customer_id, literal("stepped"), c.rung, c.email, c.language, c.store_id
    )
    if campaign.offer is not None and not campaign.message:
        rows = rows.where(found.c.store_id.is_not(None))
    conn.execute(insert(AudienceMember).from_select(_COLUMNS, rows).on_conflict_do_nothing())
    if campaign.message:
        conn.execute(text(_CODES), {"run": run_id, "people": list(people), "campaign": group.campaign_id})
    return run_id


_COLUMNS: Final = ["merchant_id", "run_id", "customer_id", "arm", "rung", "email", "language", "store_id"]
_CODES: Final = """
UPDATE audience_member m SET offer_code_id = p.offer_code_id FROM series_place p
WHERE m.run_id = :run AND m.customer_id = ANY(:people) AND p.customer_id = m.customer_id AND p.campaign_id = :campaign
  AND p.left_at IS NULL AND p.offer_code_id IS NOT NULL
"""


def _run_of_today(conn: Connection, merchant: int, group: Group, now: datetime) -> int:
    zone = ZoneInfo(str(conn.scalar(text("SELECT timezone FROM merchant"))))
    occasion = f"step:{group.step}:{group.version}:{now.astimezone(zone).date()}"
    given = {"m": merchant, "c": group.campaign_id, "v": group.version, "s": group.step, "o": occasion, "now": now}
    return int(conn.execute(text(_OPEN), given).scalar_one())


# A run that is done goes on for those who come later; one that a person holds stays held.
_OPEN: Final = """
INSERT INTO campaign_run (merchant_id, campaign_id, version, step, occasion, state, due_at, frozen_at, started_by)
VALUES (:m, :c, :v, :s, :o, 'frozen', :now, :now, 'series')
ON CONFLICT (campaign_id, occasion) DO UPDATE SET
    state = CASE WHEN campaign_run.state IN ('paused', 'stopped', 'failed') THEN campaign_run.state ELSE 'frozen' END,
    not_before = CASE WHEN campaign_run.state IN ('paused', 'stopped', 'failed') THEN campaign_run.not_before END,
    frozen_at = :now, finished_at = NULL
RETURNING id
"""


def take(conn: Connection, ids: Sequence[int], run_id: int, state: str) -> None:
    """Leave places at their step until the run has done what it is for; ``state`` is ``mailing`` or ``coding``."""
    conn.execute(
        text("UPDATE series_place SET state = :state, step_run_id = :run WHERE id = ANY(:ids)"),
        {"ids": list(ids), "run": run_id, "state": state},
    )


def reopen(conn: Connection) -> list[int]:
    """Runs that ended while somebody came in: they go on. Gives their numbers."""
    return list(conn.scalars(text(_REOPEN)))


_REOPEN: Final = f"""
UPDATE campaign_run r SET state = 'frozen', finished_at = NULL, not_before = NULL WHERE r.state = 'done' AND r.id IN (
    SELECT p.step_run_id FROM series_place p WHERE p.state IN {BUSY} AND NOT EXISTS (
        SELECT FROM message m WHERE m.run_id = p.step_run_id AND m.customer_id = p.customer_id)
    AND NOT EXISTS (SELECT FROM offer_code o WHERE o.run_id = p.step_run_id AND o.customer_id = p.customer_id))
RETURNING r.id
"""
