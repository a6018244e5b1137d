"""Cashback that was promised: paid once its order can no longer be returned, or lapsed where none came in time.

The promise is a row of ``offer_code`` without a code in the shop. It is kept by the first order of its customer in its
shop and days that comes to the minimum, and an order keeps one promise only, the oldest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from campaigns.offers.margin import back_of
from campaigns.points.program import Reward
from connectors.types import Money, minor_units
from plugin_server.db.merchant import audit_log
from plugin_server.db.offers import credits
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points import rewards
from plugin_server.db.points.orders import in_force
from plugin_server.db.shops import goods

BATCH: Final = 500
GRACE: Final = timedelta(days=3)
"""Orders may reach us late; a promise is not given up before."""
NAMES: Final = {"en": "Cashback of your order", "id": "Uang kembali pesanan Anda", "nl": "Cashback van je bestelling"}


def settle(conn: Connection, *, merchant_id: int, secret: str, now: datetime) -> dict[str, int]:
    """Pay what is due now and give up what ended; gives how many were ``paid``, ``refused`` and ``lapsed``.

    Looking again pays nothing twice: an order's payment has one cause, and merchants are taken one at a time. What no
    shop can pay now stays promised and is looked at again.
    """
    conn.execute(text("SELECT pg_advisory_xact_lock(7412, CAST(:m AS int))"), {"m": merchant_id % 2**31})
    made, after = Counter[str](), 0
    while rows := conn.execute(text(_DUE), {"now": now, "after": after, "limit": BATCH}).all():
        after = rows[-1].id
        for row in rows:
            made[_pay(conn, merchant_id, row, secret, now)] += 1
    lapsed = conn.execute(text(_LAPSE), {"long_ago": now - GRACE}).scalar_one()
    return {"paid": made["kept"], "refused": made["failed"], "lapsed": int(lapsed)}


def _pay(conn: Connection, merchant_id: int, row: Row[Any], secret: str, now: datetime) -> str:
    order = conn.execute(text(_ORDER), {"id": row.id}).one_or_none()
    if order is None or order.ready_at > now:
        return "promised"  # its order was taken by an older promise of the same batch
    minor = _worth(conn, row, order.worth)
    state, error = "promised", ""
    try:
        if minor <= 0:
            return "promised"
        state = "kept" if _by_way(conn, merchant_id, row, order.id, minor, secret, now) else "promised"
    except credits.CreditRefused as refusal:
        state, error = "failed", str(refusal)
    if state != "promised":
        conn.execute(text(_SETTLE), {"id": row.id, "state": state, "error": error, "order": order.id, "paid": minor})
        money = Money(minor, row.currency).as_json()
        audit_log.record(
            conn, merchant_id, actor="system", action=f"cashback_{state}", subject=f"customer {row.customer_id}",
            detail={"code": row.id, "order": order.id, "way": row.terms.get("way"), "error": error, **money},
        )  # fmt: skip
    return state


def _worth(conn: Connection, row: Row[Any], worth: int) -> int:
    """What comes back of an order, in steps of what its shop counts in."""
    return _back(row.terms, worth, goods.step(conn, row.store_id, minor_units(Decimal(1), row.currency)))


def _back(terms: Mapping[str, Any], worth: int, step: int) -> int:
    percent = None if terms.get("percent") is None else Decimal(terms["percent"])
    minor = back_of(percent, terms.get("amount_minor"), terms.get("most_minor"), worth)
    return minor // step * step


def _by_way(
    conn: Connection, merchant_id: int, row: Row[Any], order_id: int, minor: int, secret: str, now: datetime
) -> bool:
    """Pay by store credit, points or a later code; False where nobody can yet. Raises ``CreditRefused``."""
    cause, amount, days = f"cashback:{order_id}", Money(minor, row.currency).amount, int(row.terms["keep_days"])
    if row.terms["way"] == "credit":
        credits.plan(
            conn, merchant_id=merchant_id, customer_id=row.customer_id, store_id=row.store_id, amount=amount,
            reason=NAMES["en"], cause=cause, by="system", now=now, days=days,
        )  # fmt: skip
        return True
    if row.terms["way"] == "points":
        force = in_force(conn)
        points = 0 if force is None else int(amount / force.program.point_value)
        ends = now + timedelta(days=days)
        if points:
            points_ledger.give(
                conn, row.customer_id, points, kind="action", key=cause, reason="cashback", now=now, expires_at=ends
            )
        return points > 0
    reward = Reward(key="cashback", name=NAMES, points=1, kind="fixed", value=amount, valid_days=days)
    claim = rewards.present(
        conn, merchant_id=merchant_id, customer_id=row.customer_id, reward=reward, secret=secret, now=now
    )
    return claim is not None


def owed(conn: Connection) -> dict[int, int]:
    """What orders have earned and nobody has paid yet, by order, in minor units: they may still be returned."""
    found, kept, steps = dict[int, int](), set[int](), dict[int, int]()
    for row in conn.execute(text(_OWED)):
        if row.id not in kept and row.order_id not in found:
            kept.add(row.id)
            if row.store_id not in steps:
                steps[row.store_id] = goods.step(conn, row.store_id, minor_units(Decimal(1), row.currency))
            found[row.order_id] = _back(row.terms, row.worth, steps[row.store_id])
    return found


# What is left of an order's goods; shipping that went back is in its refunds.
_GOODS: Final = """(o.net_minor - greatest(o.shipping_minor - (
    SELECT coalesce(sum(b.shipping_minor), 0) FROM order_refund b WHERE b.order_id = o.id), 0))"""
# Orders that keep a promise: of its customer and shop, after it was made and before it ended, worth its minimum.
_KEEPS: Final = f"""
o.customer_id = c.customer_id AND o.store_id = c.store_id AND o.currency = c.currency AND o.counts AND NOT o.test
AND o.placed_at > r.due_at AND o.placed_at <= c.expires_at
AND {_GOODS} >= greatest(c.minimum_minor, 1)
AND NOT EXISTS (SELECT FROM offer_code k WHERE k.kind = 'cashback' AND k.state IN ('kept', 'failed')
                AND k.customer_id = c.customer_id AND k.terms ->> 'order' = o.id::text)
"""
_READY: Final = "o.placed_at + (c.terms ->> 'wait_days')::int * interval '1 day'"
_DUE: Final = f"""
SELECT c.id, c.customer_id, c.store_id, c.currency, c.terms FROM offer_code c JOIN campaign_run r ON r.id = c.run_id
WHERE c.state = 'promised' AND c.kind = 'cashback' AND c.id > :after
  AND EXISTS (SELECT FROM shop_order o WHERE {_KEEPS} AND {_READY} <= :now)
ORDER BY c.id LIMIT :limit
"""
_ORDER: Final = f"""
SELECT o.id, {_GOODS} AS worth, {_READY} AS ready_at
FROM offer_code c JOIN campaign_run r ON r.id = c.run_id JOIN shop_order o ON {_KEEPS}
WHERE c.id = :id ORDER BY o.placed_at, o.id LIMIT 1
"""
_OWED: Final = f"""
SELECT c.id, c.store_id, c.currency, c.terms, o.id AS order_id, {_GOODS} AS worth
FROM offer_code c JOIN campaign_run r ON r.id = c.run_id JOIN shop_order o ON {_KEEPS}
WHERE c.state = 'promised' AND c.kind = 'cashback' ORDER BY c.id, o.placed_at, o.id
"""
_SETTLE: Final = """
UPDATE offer_code SET state = :state, error = :error,
       terms = terms || jsonb_build_object('order', CAST(:order AS text), 'paid_minor', CAST(:paid AS bigint))
WHERE id = :id AND state = 'promised'
"""
_LAPSE: Final = f"""
WITH lapsed AS (
    UPDATE offer_code c SET state = 'lapsed', error = 'no order came in time' FROM campaign_run r
    WHERE r.id = c.run_id AND c.state = 'promised' AND c.kind = 'cashback' AND c.expires_at < :long_ago
      AND NOT EXISTS (SELECT FROM shop_order o WHERE {_KEEPS})
    RETURNING r.campaign_id, c.liability_minor
), freed AS (
    UPDATE offer_budget b SET issued_minor = b.issued_minor - l.minor
    FROM (SELECT campaign_id, sum(liability_minor) AS minor FROM lapsed GROUP BY campaign_id) l
    WHERE b.campaign_id = l.campaign_id
)
SELECT count(*) FROM lapsed
"""
