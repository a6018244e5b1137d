"""Codes that are over before their time: of members who are none any more, and of rewards whose order fell through.

A ``withdrawn`` code is on nobody's page any more, and ``revoked`` once the shop has deleted it. The points of a reward
come back only then, so that nobody has both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from campaigns.offers.offer import LOYAL
from plugin_server.db.points import ledger as points_ledger


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A code that its shop is still to delete."""

    id: int
    store_id: int
    external_id: str | None


def of_former_members(conn: Connection, customer_id: int | None = None) -> int:
    """Withdraw what only members get and was not used by those who stand on none of its rungs any more, for whatever
    reason: an end by hand, a review, a new ladder. Of one customer, or of all; gives how many.

    What no shop has made yet is given up, and its money goes back to the budget. Whoever keeps a rung that the offer
    names keeps the code.
    """
    return int(conn.scalar(text(_FORMER), {"c": customer_id, "loyal": list(LOYAL)}) or 0)


def of_rewards(conn: Connection, *, merchant_id: int, order_ids: Sequence[int] | None, now: datetime) -> int:
    """Take rewards back whose order fell through (among these orders, all with ``None``); gives how many are concerned.

    An order that comes back takes the points again; what is spent by then stays open as a debt. Looking again changes
    nothing.
    """
    given = {"m": merchant_id, "orders": None if order_ids is None else list(order_ids), "now": now}
    taken = conn.execute(text(_TAKEN_AGAIN), given).all()
    if taken:
        points_ledger.hold(conn, sorted({row.customer_id for row in taken}))
        for row in taken:
            _take_again(conn, row.claim_id, row.entry_id, now)
        points_ledger.allocate(conn, sorted({row.customer_id for row in taken}), now)
    fallen = conn.execute(text(_FALLEN), given).rowcount
    again = conn.scalars(text(_FALLEN_AGAIN), given).all()
    _give_back(conn, again, now)
    return len(taken) + fallen + len(again)


def _take_again(conn: Connection, claim_id: int, entry_id: int, now: datetime) -> None:
    given = {"id": claim_id, "key": f"reward:{claim_id}:{entry_id}", "now": now}
    entry = conn.scalar(text(_DEBIT), given)
    conn.execute(
        text("UPDATE reward_claim SET state = 'issued', entry_id = :entry, settled_at = :now WHERE id = :id"),
        given | {"entry": entry},
    )


def _give_back(conn: Connection, claim_ids: Sequence[int], now: datetime) -> None:
    for entry in conn.scalars(text(_RETURNED), {"ids": list(claim_ids), "now": now}).all():
        points_ledger.give_back(conn, entry, reason="the order with this reward fell through", now=now)


def waiting(conn: Connection) -> bool:
    """Whether there is anything to withdraw, or a shop that can be asked is still to delete any."""
    return bool(conn.scalar(text(_WAITING), {"loyal": list(LOYAL)}))


def due(conn: Connection, limit: int = 100) -> list[Withdrawn]:
    """Codes that one shop is to delete."""
    return [Withdrawn(row.id, row.store_id, row.external_id) for row in conn.execute(text(_DUE), {"n": limit})]


def gone(conn: Connection, codes: Sequence[Withdrawn], now: datetime) -> None:
    """The shop has deleted these: campaigns get their money back, and customers the points of their rewards."""
    given = {"ids": [one.id for one in codes]}
    _give_back(conn, conn.scalars(text(_GONE), given).all(), now)


_UNUSED: Final = "NOT EXISTS (SELECT FROM redemption r WHERE r.offer_code_id = c.id AND r.released_at IS NULL)"
_FELL: Final = f"""
k.id = c.claim_id AND c.merchant_id = :m AND k.entry_id IS NOT NULL AND k.state = 'issued' AND {_UNUSED}
AND EXISTS (SELECT FROM redemption r WHERE r.offer_code_id = c.id
            AND (CAST(:orders AS bigint[]) IS NULL OR r.order_id = ANY(:orders)))
AND NOT EXISTS (SELECT FROM code_leak l WHERE l.offer_code_id = c.id)
"""
"""What a stranger used is looked after by ``code_watch``."""
NO_RUNG: Final = "rung: the customer lost the rung that the offer is for"
LOST: Final = """
c.kind IN ('member_only', 'early_access') AND EXISTS (
    SELECT FROM customer_facts f WHERE f.customer_id = c.customer_id AND f.rung IS NOT NULL
    AND NOT CASE WHEN c.terms ? 'rungs' THEN c.terms -> 'rungs' ? f.rung ELSE f.rung = ANY(:loyal) END)
"""
"""Whether the owner of a code ``c`` stands on none of its rungs."""
_FORMER: Final = f"""
WITH former AS MATERIALIZED (
    SELECT c.id, c.state, c.run_id, c.liability_minor FROM offer_code c
    WHERE {LOST} AND c.state IN ('planned', 'issued', 'promised') AND {_UNUSED}
      AND (CAST(:c AS bigint) IS NULL OR c.customer_id = :c)
    ORDER BY c.id FOR UPDATE
), ended AS (
    UPDATE offer_code c SET error = CASE f.state WHEN 'issued' THEN '' ELSE '{NO_RUNG}' END,
           state = CASE f.state WHEN 'issued' THEN 'withdrawn' WHEN 'planned' THEN 'failed' ELSE 'lapsed' END
    FROM former f WHERE c.id = f.id
), freed AS (
    UPDATE offer_budget b SET issued_minor = b.issued_minor - e.minor
    FROM (SELECT r.campaign_id, sum(f.liability_minor) AS minor FROM former f JOIN campaign_run r ON r.id = f.run_id
          WHERE f.state <> 'issued' GROUP BY 1) e WHERE b.campaign_id = e.campaign_id
), closed AS (
    UPDATE code_leak l SET state = 'closed', reason = 'former' FROM former f
    WHERE l.new_code_id = f.id AND l.state = 'planned'
)
SELECT count(*) FROM former
"""
_FALLEN: Final = f"""
UPDATE offer_code c SET state = 'withdrawn' FROM reward_claim k WHERE c.state = 'issued' AND {_FELL}
"""
_FALLEN_AGAIN: Final = (
    f"SELECT k.id FROM reward_claim k JOIN offer_code c ON c.state = 'revoked' AND {_FELL} ORDER BY 1"
)
_TAKEN_AGAIN: Final = """
SELECT DISTINCT k.id AS claim_id, k.entry_id, k.customer_id FROM reward_claim k JOIN offer_code c ON c.claim_id = k.id
JOIN redemption r ON r.offer_code_id = c.id AND r.released_at IS NULL
WHERE k.merchant_id = :m AND k.state = 'returned'
  AND (CAST(:orders AS bigint[]) IS NULL OR r.order_id = ANY(:orders))
ORDER BY 1
"""
_DEBIT: Final = """
INSERT INTO point_entry (merchant_id, customer_id, kind, points, open_points, key, reason, happened_at)
SELECT merchant_id, customer_id, 'redeem', -points, points, :key, name, :now FROM reward_claim WHERE id = :id
RETURNING id
"""
_RETURNED: Final = """
UPDATE reward_claim SET state = 'returned', settled_at = :now WHERE id = ANY(:ids) AND state = 'issued'
RETURNING entry_id
"""
# What a shop that left, broke or moved still has waits for it, and keeps nobody else's waiting.
_REACHED: Final = """SELECT c.store_id FROM offer_code c JOIN store s ON s.id = c.store_id AND s.state = 'connected'
    WHERE c.state = 'withdrawn' ORDER BY c.id LIMIT 1"""
_WAITING: Final = f"""
SELECT EXISTS ({_REACHED}) OR EXISTS (
    SELECT FROM offer_code c WHERE {LOST} AND c.state IN ('planned', 'issued', 'promised') AND {_UNUSED})
"""
_DUE: Final = f"""
SELECT id, store_id, external_id FROM offer_code WHERE state = 'withdrawn' AND store_id = ({_REACHED})
ORDER BY id LIMIT :n
"""
# An order that came back meanwhile has used its code: that reward is had.
_GONE: Final = f"""
WITH ended AS (
    UPDATE offer_code c SET state = 'revoked' WHERE c.id = ANY(:ids) AND c.state = 'withdrawn'
    RETURNING c.id, c.claim_id, c.run_id, c.liability_minor, {_UNUSED} AS unused
), freed AS (
    UPDATE offer_budget b SET issued_minor = b.issued_minor - e.minor
    FROM (SELECT r.campaign_id, sum(e.liability_minor) AS minor FROM ended e JOIN campaign_run r ON r.id = e.run_id
          WHERE e.unused GROUP BY 1) e WHERE b.campaign_id = e.campaign_id
)
SELECT k.id FROM reward_claim k JOIN ended e ON e.claim_id = k.id WHERE e.unused AND k.entry_id IS NOT NULL
"""
