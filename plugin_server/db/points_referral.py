"""Points for friends who bought: after the return window, capped by month, and taken back if it falls through.

Whoever gives or takes looks at what is there now, so that looking again changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from campaigns.points.program import ForAction
from plugin_server.db import points_ledger, referrals
from plugin_server.db.points_orders import InForce


def reward_referrals(conn: Connection, merchant_id: int, force: InForce, rule: ForAction | None, now: datetime) -> int:
    """Take back what no longer stands, then give for friends whose window is over; gives how many entries that took.

    Nothing is given without a ``rule`` or while the programme is paused.
    """
    given = {
        "merchant": merchant_id, "since": force.since, "zone": force.timezone, "now": now, "version": force.version,
        "over": now - timedelta(days=force.program.pending_days), "cap": referrals.terms(conn).cap,
    }  # fmt: skip
    points_ledger.hold(conn, list(conn.scalars(text(_WHOSE))))
    made = list(conn.scalars(text(_UNDO), given))
    if rule is not None and not force.paused:
        life = force.program.expires_days
        more = {
            "points": rule.points,
            "most": rule.most_per_year,
            "expires": now + timedelta(days=life) if life else None,
        }
        made += conn.scalars(text(_GIVE), given | more)
    if made:
        points_ledger.allocate(conn, sorted(set(made)), now)
    return len(made)


_WHOSE = "SELECT DISTINCT advocate_id FROM referral UNION SELECT customer_id FROM point_entry WHERE " + (
    "key LIKE 'action:referral:%'"
)
# A key is action:referral:<advocate>:<friend>, and a running number once there was one before.
_HAD = """
had AS (
    SELECT customer_id, split_part(key, ':', 4)::bigint AS friend_id, sum(points)::bigint AS points, count(*) AS n
    FROM point_entry WHERE key LIKE 'action:referral:%' GROUP BY 1, 2
), stands AS (
    SELECT r.advocate_id AS customer_id, r.friend_id, r.converted_at FROM referral r
    WHERE r.converted_at <= :over AND NOT EXISTS (
        SELECT FROM referral_join j WHERE j.friend_id = r.friend_id AND j.state IN ('review', 'refused'))
)
"""
_UNDO = f"""
WITH {_HAD}
INSERT INTO point_entry (merchant_id, customer_id, kind, points, open_points, key, version, reason, happened_at)
SELECT :merchant, h.customer_id, 'reverse', -h.points, h.points,
       format('action:referral:%s:%s:%s', h.customer_id, h.friend_id, h.n), :version, 'referral', :now
FROM had h WHERE h.points > 0 AND NOT EXISTS (
    SELECT FROM stands s WHERE s.customer_id = h.customer_id AND s.friend_id = h.friend_id)
ON CONFLICT (merchant_id, key) DO NOTHING RETURNING customer_id
"""
_GIVE = f"""
WITH {_HAD}, ranked AS (
    SELECT s.*, row_number() OVER (
               PARTITION BY customer_id, to_char(converted_at AT TIME ZONE :zone, 'YYYY')
               ORDER BY converted_at, friend_id) AS in_year, row_number() OVER (
               PARTITION BY customer_id, to_char(converted_at AT TIME ZONE :zone, 'YYYYMM')
               ORDER BY converted_at, friend_id) AS in_month
    FROM stands s WHERE s.converted_at >= :since
)
INSERT INTO point_entry (merchant_id, customer_id, kind, points, open_points, key, version, reason, happened_at,
                         available_at, expires_at)
SELECT :merchant, r.customer_id, 'action', :points, :points,
       concat_ws(':', 'action:referral', r.customer_id, r.friend_id, h.n), :version, 'referral', r.converted_at, :now,
       :expires
FROM ranked r LEFT JOIN had h ON h.customer_id = r.customer_id AND h.friend_id = r.friend_id
WHERE r.in_year <= :most AND r.in_month <= :cap AND coalesce(h.points, 0) = 0
ON CONFLICT (merchant_id, key) DO NOTHING RETURNING customer_id
"""
