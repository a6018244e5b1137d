"""The ledger of points: lots, debits, and which lot each debit took from.

Whoever writes here holds the customers' rows first (``hold``). The sum of a customer's entries is what they own: open
lots less open debts. A debit takes from spendable lots first, the one that ends first on top, then from pending ones;
what no lot covers stays open as a debt and is taken from the next lot that comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

MOST = 1_000_000_000
"""Points that one entry by hand may move."""


class NotEnough(ValueError):
    """The customer has fewer points to spend; the sentence says how many."""


def hold(conn: Connection, customer_ids: Sequence[int]) -> None:
    """Let nobody else change these customers' points until the transaction ends."""
    conn.execute(
        text("SELECT id FROM customer WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"), {"ids": list(customer_ids)}
    )


def expire(conn: Connection, customer_ids: Sequence[int] | None, now: datetime) -> int:
    """End the lots whose day has come (of everybody with ``None``); gives how many lots ended."""
    ended = conn.execute(text(_EXPIRE), {"ids": _ids(customer_ids), "now": now}).rowcount
    return int(ended)


def spendable(conn: Connection, customer_id: int, now: datetime) -> int:
    """Points that can be spent now; below zero where a refund took back what was spent already."""
    found: int = conn.scalar(text(_SPENDABLE), {"id": customer_id, "now": now}) or 0
    return found


def take(
    conn: Connection, customer_id: int, points: int, *, kind: str, key: str | None, reason: str, now: datetime
) -> int:
    """Debit ``points`` from what can be spent; gives the entry's id. Raises ``NotEnough`` and writes nothing then."""
    hold(conn, [customer_id])
    expire(conn, [customer_id], now)
    has = spendable(conn, customer_id, now)
    if has < points:
        raise NotEnough(f"There are {has} points to spend, {points} are needed.")
    entry: int = conn.execute(
        text(_TAKE),
        {"id": customer_id, "points": points, "kind": kind, "key": key, "reason": reason, "now": now},
    ).scalar_one()
    allocate(conn, [customer_id], now)
    return entry


def give(
    conn: Connection,
    customer_id: int,
    points: int,
    *,
    kind: str,
    key: str,
    reason: str,
    now: datetime,
    expires_at: datetime | None,
) -> bool:
    """Credit ``points``, spendable at once; False where ``key`` was credited already."""
    hold(conn, [customer_id])
    made = conn.execute(
        text(_GIVE),
        {
            "id": customer_id, "points": points, "kind": kind, "key": key,
            "reason": reason, "now": now, "expires": expires_at,
        },
    ).rowcount  # fmt: skip
    allocate(conn, [customer_id], now)
    return bool(made)


def give_back(conn: Connection, debit_id: int, *, reason: str, now: datetime) -> int:
    """Undo a debit: a lot for each it took from, with that lot's end but a month at least; gives how many points.

    What no lot has covered yet is no debt any more. Giving back twice gives back once.
    """
    owner = conn.scalar(text("SELECT customer_id FROM point_entry WHERE id = :id"), {"id": debit_id})
    if owner is None:
        return 0
    hold(conn, [owner])
    returned = conn.execute(text(_GIVE_BACK), {"id": debit_id, "reason": reason, "now": now}).scalars().all()
    allocate(conn, [owner], now)
    return sum(returned)


def allocate(conn: Connection, customer_ids: Sequence[int], now: datetime) -> None:
    """Let open debts take from open lots: those of the same order first, then as the module's text says."""
    for pairing in (_OWN_LOTS, _ANY_LOTS):
        conn.execute(text(_ALLOCATE.format(pairing=pairing)), {"ids": list(customer_ids), "now": now})


def _ids(customer_ids: Sequence[int] | None) -> list[int] | None:
    return None if customer_ids is None else list(customer_ids)


_ALIVE = "(e.expires_at IS NULL OR e.expires_at > :now)"
_THESE = "(CAST(:ids AS bigint[]) IS NULL OR e.customer_id = ANY(:ids))"

_SPENDABLE = f"""
SELECT sum(CASE WHEN e.points > 0 THEN e.open_points ELSE -e.open_points END)::bigint FROM point_entry e
WHERE e.customer_id = :id AND e.open_points > 0 AND (e.points < 0 OR (e.available_at <= :now AND {_ALIVE}))
"""
_TAKE = """
INSERT INTO point_entry (merchant_id, customer_id, kind, points, open_points, key, reason, happened_at)
SELECT merchant_id, id, :kind, -:points, :points, :key, :reason, :now FROM customer WHERE id = :id RETURNING id
"""
_GIVE = """
INSERT INTO point_entry
    (merchant_id, customer_id, kind, points, open_points, key, reason, happened_at, available_at, expires_at)
SELECT merchant_id, id, :kind, :points, :points, :key, :reason, :now, :now, :expires FROM customer WHERE id = :id
ON CONFLICT (merchant_id, key) DO NOTHING
"""
_GIVE_BACK = """
INSERT INTO point_entry
    (merchant_id, customer_id, kind, points, open_points, key, about_id, reason, happened_at, available_at, expires_at)
SELECT d.merchant_id, d.customer_id, 'restore', part.points, part.points,
       format('restore:%s:%s', d.id, part.lot_id), d.id, :reason, :now, :now, part.ends
FROM point_entry d CROSS JOIN LATERAL (SELECT CAST(:now AS timestamptz) + interval '30 days') AS month(ends)
CROSS JOIN LATERAL (
    SELECT u.points, u.lot_id, CASE WHEN l.expires_at IS NOT NULL THEN greatest(l.expires_at, month.ends) END
    FROM point_use u JOIN point_entry l ON l.id = u.lot_id WHERE u.debit_id = d.id
    UNION ALL SELECT d.open_points, 0, month.ends WHERE d.open_points > 0
) AS part(points, lot_id, ends)
WHERE d.id = :id AND NOT EXISTS (
    SELECT FROM point_entry r WHERE r.customer_id = d.customer_id AND r.about_id = d.id AND r.kind = 'restore')
ON CONFLICT (merchant_id, key) DO NOTHING RETURNING points
"""
_EXPIRE = f"""
WITH due AS MATERIALIZED (
    SELECT e.id, e.merchant_id, e.customer_id, e.open_points AS n, e.expires_at FROM point_entry e
    WHERE e.points > 0 AND e.open_points > 0 AND e.expires_at <= :now AND {_THESE}
    ORDER BY e.id FOR UPDATE
), made AS (
    INSERT INTO point_entry (merchant_id, customer_id, kind, points, open_points, key, about_id, happened_at)
    SELECT merchant_id, customer_id, 'expire', -n, 0, format('expire:%s', id), id, expires_at FROM due
    RETURNING id, merchant_id, about_id, -points AS n
), noted AS (
    INSERT INTO point_use (merchant_id, debit_id, lot_id, points) SELECT merchant_id, id, about_id, n FROM made
)
UPDATE point_entry e SET open_points = 0 FROM due WHERE e.id = due.id
"""
# A statement sees the table as it was before it, so that a lot that ended earlier in this transaction is closed here.
_OPEN = f"""
    SELECT e.id, e.merchant_id, e.customer_id, e.order_id, e.points, e.open_points AS n, e.available_at, e.expires_at
    FROM point_entry e WHERE e.open_points > 0 AND {_THESE} AND (e.points < 0 OR {_ALIVE})
      AND EXISTS (SELECT FROM point_entry d WHERE d.customer_id = e.customer_id AND d.points < 0 AND d.open_points > 0)
"""
_OVERLAP = """
    SELECT l.merchant_id, d.id AS debit_id, l.id AS lot_id,
           least(l.upto, d.upto) - greatest(l.upto - l.n, d.upto - d.n) AS n
    FROM lot l JOIN debt d ON {same} WHERE l.upto - l.n < d.upto AND d.upto - d.n < l.upto
"""
_OWN_LOTS = f"""
lot AS (SELECT *, sum(n) OVER (PARTITION BY customer_id, order_id ORDER BY expires_at NULLS LAST, id) AS upto
        FROM open WHERE points > 0 AND order_id IS NOT NULL),
debt AS (SELECT *, sum(n) OVER (PARTITION BY customer_id, order_id ORDER BY id) AS upto
         FROM open WHERE points < 0 AND order_id IS NOT NULL),
pair AS ({_OVERLAP.format(same="d.customer_id = l.customer_id AND d.order_id = l.order_id")})
"""
_ANY_LOTS = f"""
lot AS (SELECT *, sum(n) OVER (PARTITION BY customer_id ORDER BY available_at > :now, expires_at NULLS LAST, id) AS upto
        FROM open WHERE points > 0),
debt AS (SELECT *, sum(n) OVER (PARTITION BY customer_id ORDER BY id) AS upto FROM open WHERE points < 0),
pair AS ({_OVERLAP.format(same="d.customer_id = l.customer_id")})
"""
_ALLOCATE = f"""
WITH open AS MATERIALIZED ({_OPEN}), {{pairing}}, noted AS (
    INSERT INTO point_use (merchant_id, debit_id, lot_id, points)
    SELECT merchant_id, debit_id, lot_id, n FROM pair
    ON CONFLICT (debit_id, lot_id) DO UPDATE SET points = point_use.points + excluded.points
), moved AS (
    SELECT id, sum(n) AS n FROM (SELECT debit_id AS id, n FROM pair UNION ALL SELECT lot_id, n FROM pair) AS both_sides
    GROUP BY id
)
UPDATE point_entry e SET open_points = e.open_points - moved.n FROM moved WHERE e.id = moved.id
"""


def entries(conn: Connection, customer_id: int, limit: int = 500) -> list[dict[str, Any]]:
    """A customer's ledger, newest first, with the lots each debit took from."""
    rows = conn.execute(text(_ENTRIES), {"id": customer_id, "limit": limit}).mappings()
    return [dict(row) for row in rows]


_ENTRIES = """
SELECT e.id, e.kind, e.points, e.open_points, e.happened_at, e.available_at, e.expires_at, e.reason, e.version,
       o.number AS order_number,
       coalesce((SELECT jsonb_agg(jsonb_build_object('lot', u.lot_id, 'points', u.points) ORDER BY u.lot_id)
                 FROM point_use u WHERE u.debit_id = e.id), '[]') AS taken_from
FROM point_entry e LEFT JOIN shop_order o ON o.id = e.order_id
WHERE e.customer_id = :id ORDER BY e.happened_at DESC, e.id DESC LIMIT :limit
"""
