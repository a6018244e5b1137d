"""Who would get several of the planned mails: overlaps of two, mails that must wait, and codes that become a habit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Integer, column, func, insert, literal, select, table, text

from campaigns.schema import Campaign
from plugin_server.db.campaigning import audience

SAMPLED: Final = 50_000
"""From so many customers on, a part of them is counted and the figures are reckoned up."""
MANY_CODES: Final = 3
"""So many codes within the time looked at, and people wait for the next one instead of buying."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One mail of the plan. ``campaign`` is the campaign's id; a cap of 0 messages means none."""

    campaign: int
    at: datetime
    offered: bool
    messages: int
    days: int


@dataclass(frozen=True, slots=True)
class Overlaps:
    """By place in the plan: pairs with the people in both, mails with the people for whom they must wait.

    ``codes`` are people who would get ``MANY_CODES`` codes or more. ``exact`` is False where they are reckoned up.
    """

    pairs: list[tuple[int, int, int]]
    waiting: list[tuple[int, int]]
    codes: int
    exact: bool


_REACHED: Final = table("planned_reach", column("campaign", BigInteger), column("customer_id", BigInteger))
_MAKE: Final = (
    "CREATE TEMPORARY TABLE planned_reach (campaign bigint, customer_id bigint) ON COMMIT DROP",
    "CREATE TEMPORARY TABLE planned_mail (no integer, campaign bigint, at timestamptz, offered boolean, "
    "messages integer, days integer) ON COMMIT DROP",
)
_MAIL: Final = table(
    "planned_mail", *(column(name) for name in ("no", "campaign", "at", "offered", "messages", "days"))
)


def overlaps(
    conn: Connection,
    *,
    merchant_id: int,
    campaigns: Iterable[tuple[int, Campaign]],
    plan: Sequence[Planned],
    now: datetime,
) -> Overlaps:
    """Counts it all with a few statements over everybody. Two mails overlap within the days of the tighter cap."""
    size = int(conn.scalar(text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'customer_facts'::regclass")) or 0)
    step = max(1, size // SAMPLED)
    for statement in ("DROP TABLE IF EXISTS pg_temp.planned_reach, pg_temp.planned_mail", *_MAKE):
        conn.execute(text(statement))
    for campaign_id, campaign in campaigns:
        people = audience.audience(campaign, audience.setting(conn, merchant_id, campaign_id), now).subquery("people")
        chosen = select(literal(campaign_id, BigInteger), people.c.customer_id).where(people.c.arm == "treated")
        if step > 1:
            chosen = chosen.where(func.abs(func.hashint8(people.c.customer_id)) % literal(step, Integer) == 0)
        conn.execute(insert(_REACHED).from_select(["campaign", "customer_id"], chosen))
    if plan:
        conn.execute(insert(_MAIL), [_row(number, mail) for number, mail in enumerate(plan)])
    conn.execute(text("ANALYZE planned_reach"))
    pairs = [(row.a, row.b, row.n * step) for row in conn.execute(text(_PAIRS))]
    waiting = [(row.no, row.n * step) for row in conn.execute(text(_WAITING))]
    codes = int(conn.scalar(text(_CODES), {"many": MANY_CODES}) or 0) * step
    return Overlaps(pairs, waiting, codes, step == 1)


def _row(number: int, mail: Planned) -> dict[str, Any]:
    return {
        "no": number, "campaign": mail.campaign, "at": mail.at, "offered": mail.offered, "messages": mail.messages,
        "days": mail.days,
    }  # fmt: skip


_PAIRS: Final = """
WITH near AS (
    SELECT a.no AS a, b.no AS b, a.campaign AS one, b.campaign AS other FROM planned_mail a JOIN planned_mail b
        ON a.no < b.no AND a.messages > 0 AND b.messages > 0
        AND b.at < a.at + least(a.days, b.days) * interval '1 day'
), shared AS (
    SELECT near.one, near.other, count(*) AS n FROM (SELECT DISTINCT one, other FROM near) near
    JOIN planned_reach x ON x.campaign = near.one
    JOIN planned_reach y ON y.campaign = near.other AND y.customer_id = x.customer_id GROUP BY 1, 2
)
SELECT near.a, near.b, shared.n FROM near JOIN shared USING (one, other) ORDER BY near.a, near.b
"""
_WAITING: Final = """
SELECT no, count(*) AS n FROM (
    SELECT m.no, m.messages, r.customer_id FROM planned_mail m
    JOIN planned_mail e ON e.no <= m.no AND e.at > m.at - m.days * interval '1 day'
    JOIN planned_reach r ON r.campaign = m.campaign
    JOIN planned_reach s ON s.campaign = e.campaign AND s.customer_id = r.customer_id
    WHERE m.messages > 0 GROUP BY 1, 2, 3 HAVING count(*) > m.messages
) full_up GROUP BY no ORDER BY no
"""
_CODES: Final = """
SELECT count(*) FROM (
    SELECT r.customer_id FROM planned_mail m JOIN planned_reach r ON r.campaign = m.campaign WHERE m.offered
    GROUP BY 1 HAVING count(*) >= :many
) often
"""
