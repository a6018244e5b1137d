"""Points for friends who bought: after the return window, capped over thirty days, and taken back if it falls through.

Whoever gives or takes looks at what is there now, so that looking again changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, text

from campaigns.points.program import ForAction
from campaigns.referral import within_cap
from plugin_server.db.friends import referrals
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points.orders import InForce
from plugin_server.db.points.pausing import NOT_PAUSED


def reward_referrals(conn: Connection, merchant_id: int, force: InForce, rule: ForAction | None, now: datetime) -> int:
    """Take back what no longer stands, then give for friends whose window is over; gives how many entries that took.

    Nothing is given without a ``rule``, or for a friend who bought in a pause.
    """
    given = {
        "merchant": merchant_id, "since": force.since, "zone": force.timezone, "now": now, "version": force.version,
        "over": now - timedelta(days=force.program.pending_days),
    }  # fmt: skip
    points_ledger.hold(conn, list(conn.scalars(text(_WHOSE))))
    made = list(conn.scalars(text(_UNDO), given))
    if rule is not None:
        life = force.program.expires_days
        more = {
            "points": rule.points,
            "expires": now + timedelta(days=life) if life else None,
        }
        friends = _due(conn, given, rule.most_per_year)
        made += conn.scalars(text(_GIVE), given | more | {"friends": friends})
    if made:
        points_ledger.allocate(conn, sorted(set(made)), now)
    return len(made)


def _due(conn: Connection, given: dict[str, Any], most: int) -> list[int]:
    """Friends whose advocates are to get something now: within the year's most and the cap of any thirty days."""
    cap, due = referrals.terms(conn).cap, list[int]()
    rows = conn.execute(text(_DUE), given).all()
    for _, group in groupby(rows, key=lambda row: row.customer_id):
        friends = [row for row in group if row.had or row.in_year <= most]
        fits = within_cap([(row.converted_at, row.had) for row in friends], cap)
        due += [row.friend_id for row, fit in zip(friends, fits, strict=True) if fit and not row.had]
    return due


_WHOSE = "SELECT DISTINCT advocate_id FROM referral UNION SELECT customer_id FROM point_entry WHERE " + (
    "key LIKE 'action:referral:%'"
)
# Who was found to be their own friend brought nobody.
# A key is action:referral:<advocate>:<friend>, and a running number once there was one before.
_HAD = """
had AS (
    SELECT customer_id, split_part(key, ':', 4)::bigint AS friend_id, sum(points)::bigint AS points, count(*) AS n
    FROM point_entry WHERE key LIKE 'action:referral:%' GROUP BY 1, 2
), stands AS (
    SELECT coalesce(a.merged_into, a.id) AS customer_id, r.friend_id, r.converted_at FROM referral r
    JOIN customer a ON a.id = r.advocate_id JOIN customer f ON f.id = r.friend_id
    WHERE r.converted_at <= :over AND coalesce(a.merged_into, a.id) <> coalesce(f.merged_into, f.id) AND NOT EXISTS (
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
_DUE = f"""
WITH {_HAD}, ranked AS (
    SELECT s.*, coalesce(h.points, 0) > 0 AS had, row_number() OVER (
               PARTITION BY s.customer_id, to_char(s.converted_at AT TIME ZONE :zone, 'YYYY')
               ORDER BY s.converted_at, s.friend_id) AS in_year
    FROM stands s LEFT JOIN had h ON h.customer_id = s.customer_id AND h.friend_id = s.friend_id
    WHERE s.converted_at >= :since AND {NOT_PAUSED.format(moment="s.converted_at")}
)
SELECT * FROM ranked WHERE customer_id IN (SELECT customer_id FROM ranked WHERE NOT had)
ORDER BY customer_id, converted_at, friend_id
"""
_GIVE = f"""
WITH {_HAD}
INSERT INTO point_entry (merchant_id, customer_id, kind, points, open_points, key, version, reason, happened_at,
                         available_at, expires_at)
SELECT :merchant, s.customer_id, 'action', :points, :points,
       concat_ws(':', 'action:referral', s.customer_id, s.friend_id, h.n), :version, 'referral', s.converted_at, :now,
       :expires
FROM stands s LEFT JOIN had h ON h.customer_id = s.customer_id AND h.friend_id = s.friend_id
WHERE s.friend_id = ANY(:friends) AND coalesce(h.points, 0) = 0
ON CONFLICT (merchant_id, key) DO NOTHING RETURNING customer_id
"""
