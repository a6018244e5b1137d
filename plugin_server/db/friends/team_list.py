"""Team deals as their owner reads them: how their teams stand, and what they brought and cost."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, text

from plugin_server.db.friends import team_letters, teams
from plugin_server.db.friends.teams import Found

SHOWN = 100


def deals(conn: Connection) -> list[Row[Any]]:
    """All deals, the newest first, with their figures (money in minor units)."""
    return list(conn.execute(text(_DEALS.format(where="")), {}))


def deal(conn: Connection, deal_id: int) -> Row[Any] | None:
    """One deal with its figures; None where there is none."""
    return conn.execute(text(_DEALS.format(where="WHERE d.id = :id")), {"id": deal_id}).one_or_none()


def teams_of(conn: Connection, deal_id: int | None = None) -> list[Found]:
    """Teams of a deal, or of all: those that run first, then the newest."""
    rows = conn.execute(text(_TEAMS), {"d": deal_id, "limit": SHOWN})
    return [teams.as_found(row) for row in rows]


def told(conn: Connection, found: list[Found]) -> dict[int, dict[str, Any]]:
    """By team: its letters by state, who ended it and why, and how many codes are owed or were refused."""
    ids = [one.id for one in found]
    letters = team_letters.tally(conn, ids)
    rows = conn.execute(text(_TOLD), {"ids": ids})
    return {row.id: dict(row._mapping) | {"letters": letters.get(row.id, {})} for row in rows}


def seats(conn: Connection, team_id: int) -> list[dict[str, Any]]:
    """Who sits in a team, in the order they came, with the state of their code."""
    return [dict(row) for row in conn.execute(text(_SEATS), {"t": team_id}).mappings()]


# Two queries beside the deals, each over all at once: an order that used several of our codes counts once.
_DEALS = """
WITH stood AS (
    SELECT deal_id, count(*) FILTER (WHERE state IN ('open', 'extended')) AS running,
           count(*) FILTER (WHERE state = 'unlocked') AS complete, count(*) FILTER (WHERE state = 'lapsed') AS late,
           sum(taken) AS taken FROM team GROUP BY 1
), given AS (
    SELECT s.deal_id, count(*) FILTER (WHERE k.state = 'issued') AS codes FROM team_seat s
    JOIN offer_code k ON k.claim_id = s.claim_id GROUP BY 1
), brought AS (
    SELECT deal_id, count(*) AS orders, sum(net_minor) AS worth_minor, sum(discount) AS discount_minor FROM (
        SELECT s.deal_id, o.id, o.net_minor, sum(r.discount_minor) AS discount FROM team_seat s
        JOIN offer_code k ON k.claim_id = s.claim_id
        JOIN redemption r ON r.offer_code_id = k.id AND r.released_at IS NULL
        JOIN shop_order o ON o.id = r.order_id AND o.counts GROUP BY 1, 2, 3) used GROUP BY 1
)
SELECT d.*, coalesce(t.running, 0) AS running, coalesce(t.complete, 0) AS complete, coalesce(t.late, 0) AS late,
       coalesce(t.taken, 0)::int AS taken, coalesce(g.codes, 0) AS codes, coalesce(b.orders, 0) AS orders,
       coalesce(b.worth_minor, 0)::bigint AS worth_minor, coalesce(b.discount_minor, 0)::bigint AS discount_minor
FROM team_deal d LEFT JOIN stood t ON t.deal_id = d.id LEFT JOIN given g ON g.deal_id = d.id
LEFT JOIN brought b ON b.deal_id = d.id {where} ORDER BY d.state = 'closed', d.id DESC
"""
_TEAMS = (
    teams.FOUND
    + """
WHERE CAST(:d AS bigint) IS NULL OR t.deal_id = :d
ORDER BY t.state NOT IN ('open', 'extended'), t.id DESC LIMIT :limit
"""
)
_TOLD = """
SELECT t.id, t.state, t.closed_by, t.reason, t.settled_at,
       count(s.id) FILTER (WHERE s.gets IS NOT NULL AND s.claim_id IS NULL) AS owed,
       count(k.id) FILTER (WHERE k.state = 'failed') AS refused
FROM team t LEFT JOIN team_seat s ON s.team_id = t.id LEFT JOIN offer_code k ON k.claim_id = s.claim_id
WHERE t.id = ANY(:ids) GROUP BY t.id
"""
_SEATS = """
SELECT s.customer_id, c.email, s.taken_at, s.gets, k.code, k.state AS code_state
FROM team_seat s JOIN customer c ON c.id = s.customer_id LEFT JOIN offer_code k ON k.claim_id = s.claim_id
WHERE s.team_id = :t ORDER BY s.id
"""
