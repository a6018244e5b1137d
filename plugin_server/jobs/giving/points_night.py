"""The nightly round of points and cashback: lots that end, what customers did, promises whose return window ended."""

from __future__ import annotations

from plugin_server import wiring
from plugin_server.db.friends import friend_promises, referrals
from plugin_server.db.offers import cashback
from plugin_server.db.points import actions as points_actions
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points import orders as points_orders
from plugin_server.db.session import tenant
from plugin_server.jobs.queues import awake
from plugin_server.wiring import Services


def points_of(merchant_id: int) -> None:
    """Job: one merchant's round."""
    services = wiring.services()
    awake(services.redis, points_of, merchant_id)
    rounded(services, merchant_id)


def rounded(services: Services, merchant_id: int) -> dict[str, int]:
    """End lots, look at every order once more, and give points for actions; gives how many entries each made."""
    now = services.now()
    with tenant(services.engine, merchant_id) as conn:
        cashback.settle(conn, merchant_id=merchant_id, secret=services.settings.keys[0], now=now)
        friend_promises.settle(conn, merchant_id, secret=services.settings.keys[0], now=now)
        referrals.look_again(conn, merchant_id, secret=services.settings.keys[0], now=now)
        if points_orders.in_force(conn) is None:
            return {"ended": 0, "orders": 0, "actions": 0}
        ended = points_ledger.expire(conn, None, now)
        orders = points_orders.settle(conn, merchant_id=merchant_id, order_ids=None, now=now)
        actions = points_actions.reward_actions(conn, merchant_id=merchant_id, now=now)
    return {"ended": ended, "orders": orders, "actions": actions}
