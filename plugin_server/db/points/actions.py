"""Points for what customers do beside buying: joining, birthdays, reviews, friends who bought, telling. Once each."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from campaigns.points.program import actions_of
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points import referral as points_referral
from plugin_server.db.points.orders import in_force
from plugin_server.db.points.pausing import NOT_PAUSED


def reward_actions(conn: Connection, *, merchant_id: int, now: datetime) -> int:
    """Give points for every action since the programme began that has none yet; gives how many entries that took.

    Each happening has a key of its own, so that looking again gives nothing twice; ``most_per_year`` bounds an action
    per customer and calendar year of the merchant's zone. What is done in a pause gives nothing; friends
    who bought have a return window to wait for.
    """
    force = in_force(conn)
    if force is None:
        return 0
    rules = actions_of(force.program)
    friends = points_referral.reward_referrals(conn, merchant_id, force, rules.pop("referral", None), now)
    made: list[int] = []
    life = force.program.expires_days
    for action, rule in rules.items():
        given = {
            "merchant": merchant_id, "since": force.since, "zone": force.timezone, "now": now, "action": action,
            "points": rule.points, "most": rule.most_per_year, "version": force.version,
            "expires": now + timedelta(days=life) if life else None,
        }  # fmt: skip
        made += conn.execute(text(_GIVE.format(happened=_HAPPENED[action], not_paused=_EARNED)), given).scalars()
    if made:
        whose = sorted(set(made))
        points_ledger.hold(conn, whose)
        points_ledger.allocate(conn, whose, now)
    return friends + len(made)


def promised(conn: Connection, customer_id: int, action: str) -> int:
    """Points that this customer would get for an ``action`` given once; 0 where they have them or none are given, and
    where they did it before the programme, or in a pause of it."""
    force = in_force(conn)
    rule = actions_of(force.program).get(action) if force and not force.paused else None
    if force is None or rule is None:
        return 0
    given = {"customer": customer_id, "action": action, "question": action.removesuffix("_told"), "since": force.since}
    has = conn.scalar(text(_HAS), given)
    return 0 if has else rule.points


_HAS = f"""
SELECT EXISTS (SELECT FROM point_entry WHERE customer_id = :customer AND kind = 'action' AND reason = :action)
    OR EXISTS (SELECT FROM (
        SELECT a.merchant_id, min(a.first_at) AS at FROM survey_answer a
        WHERE a.customer_id = :customer AND a.question = :question
          AND (a.choices <> '{{}}' OR :question <> 'preferences')
        GROUP BY a.merchant_id) f
    WHERE f.at < :since OR NOT ({NOT_PAUSED.format(moment="f.at").replace(":merchant", "f.merchant_id")}))
"""
# What happened: customer_id, a name that is the happening's own, the day it counts for, and when it was done.
_HAPPENED = {
    "joined": """
        SELECT c.id AS customer_id, 'once' AS name, CAST(:now AS timestamptz) AS at, c.created_at AS done
        FROM customer c
        WHERE c.has_account AND c.merged_into IS NULL AND c.erased_at IS NULL AND c.created_at >= :since""",
    "birthday": """
        SELECT c.id AS customer_id, to_char(day.today, 'YYYY') AS name, CAST(:now AS timestamptz) AS at,
               CAST(:now AS timestamptz) AS done
        FROM customer c CROSS JOIN (SELECT (CAST(:now AS timestamptz) AT TIME ZONE :zone)::date AS today) AS day
        WHERE c.birthday IS NOT NULL AND c.merged_into IS NULL AND c.erased_at IS NULL
          AND (to_char(c.birthday, 'MMDD') = to_char(day.today, 'MMDD')
               OR (to_char(c.birthday, 'MMDD') = '0229' AND to_char(day.today, 'MMDD') = '0228'
                   AND extract(day FROM (date_trunc('year', day.today) + interval '1 month 28 days')) = 1))
          AND EXISTS (SELECT FROM shop_order o WHERE o.customer_id = c.id AND o.counts)""",
    "review": """
        SELECT t.customer_id, format('%s:%s', coalesce(t.store_id, 0), t.external_id) AS name, t.written_at AS at,
               t.written_at AS done
        FROM testimonial t WHERE t.customer_id IS NOT NULL AND t.approved AND t.written_at >= :since""",
    "birthday_told": """
        SELECT a.customer_id, 'once' AS name, min(a.first_at) AS at, min(a.first_at) AS done
        FROM survey_answer a
        WHERE a.question = 'birthday' GROUP BY a.customer_id HAVING min(a.first_at) >= :since""",
    "preferences_told": """
        SELECT a.customer_id, 'once' AS name, min(a.first_at) AS at, min(a.first_at) AS done
        FROM survey_answer a
        WHERE a.question = 'preferences' AND a.choices <> '{}'
        GROUP BY a.customer_id HAVING min(a.first_at) >= :since""",
}
_EARNED = NOT_PAUSED.format(moment="h.done")
_GIVE = """
WITH happened AS ({happened}), ranked AS (
    SELECT h.*, row_number() OVER (
        PARTITION BY h.customer_id, to_char(h.at AT TIME ZONE :zone, 'YYYY') ORDER BY h.at, h.name) AS place
    FROM happened h WHERE {not_paused}
)
INSERT INTO point_entry (merchant_id, customer_id, kind, points, open_points, key, version, reason, happened_at,
                         available_at, expires_at)
SELECT :merchant, r.customer_id, 'action', :points, :points,
       format('action:%s:%s:%s', CAST(:action AS text), r.customer_id, r.name),
       :version, CAST(:action AS text), r.at, :now, :expires
FROM ranked r WHERE r.place <= :most
ON CONFLICT (merchant_id, key) DO NOTHING RETURNING customer_id
"""
