"""Calls requests back that wait at the provider: those in doubt, and those of runs that somebody halted."""

from __future__ import annotations

import logging

from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.db.sending import fences
from plugin_server.db.session import tenant
from plugin_server.jobs.outside import Outside, outside
from plugin_server.jobs.queues import awake
from plugin_server.wiring import Services

log = logging.getLogger(__name__)


def call_back(merchant_id: int) -> None:
    """Job: whatever is to be called back now. What fails is tried again by the sweeper while there is time."""
    services = wiring.services()
    awake(services.redis, call_back, merchant_id)
    call_all_back(services, outside(services, merchant_id), merchant_id)


def call_all_back(services: Services, world: Outside, merchant_id: int) -> int:
    """The same with given services; gives how many messages came back. No transaction is open while it asks.

    Whoever dies between the provider's yes and ours asks again, and hears the same.
    """
    if world.fence is None:
        return 0
    with tenant(services.engine, merchant_id) as conn:
        waiting = fences.to_call_back(conn, services.now())
    moved = 0
    for held in waiting:
        try:
            world.fence.call_back(held.batch_id)
        except ConnectorError as error:
            log.warning("a request of run %s cannot be called back: %s", held.run_id, error)
            continue
        with tenant(services.engine, merchant_id) as conn:
            moved += fences.called_back(conn, held, services.now())
    return moved
