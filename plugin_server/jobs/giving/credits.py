"""Gives the store credit that was planned, once each."""

from __future__ import annotations

import logging

from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.db.offers import credits as intents
from plugin_server.db.session import tenant
from plugin_server.jobs.queues import awake
from plugin_server.jobs.reading.ingest import Connect
from plugin_server.wiring import Services

log = logging.getLogger(__name__)


def give_credits(merchant_id: int) -> None:
    """Job: give all credit that is due. What a shop does not answer is taken up again by the sweeper."""
    services = wiring.services()
    awake(services.redis, give_credits, merchant_id)
    give(services, merchant_id, wiring.connector)


def give(services: Services, merchant_id: int, connect: Connect) -> int:
    """The same with given services; gives how many credits the shops booked.

    The claim is committed before the call. The connector reads the account before it books, so that a claim whose
    worker died, or whose answer was lost, finds its own booking instead of making a second one.
    """
    count = 0
    while True:
        with tenant(services.engine, merchant_id) as conn:
            one = intents.claim(conn, services.now())
        if one is None:
            return count
        try:
            booked = wiring.beyond(connect(services, merchant_id, one.store_id)).give_credit(one.intent)
        except ConnectorError as error:
            log.warning("credit %s of store %s: %s", one.id, one.store_id, error.sentence)
            with tenant(services.engine, merchant_id) as conn:
                intents.failed(conn, one, error, services.now())
            continue
        with tenant(services.engine, merchant_id) as conn:
            intents.given(conn, one, booked, services.now())
        count += 1
