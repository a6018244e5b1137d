"""Tells the shops what customers answered to our mails, so that no other app of theirs writes to who said no."""

from __future__ import annotations

import logging

from connectors.errors import ConnectorError
from connectors.types import ConsentChange
from plugin_server import wiring
from plugin_server.db.session import tenant
from plugin_server.db.shops import consents_told, stores
from plugin_server.jobs.queues import awake
from plugin_server.jobs.reading.ingest import Connect
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
BATCH = 100
AT_ONCE = 20
"""Batches in one go: each answer is a request of its own, and the shop has other work."""
CAPABILITY = "consent"


def tell_consents(merchant_id: int, store_id: int) -> None:
    """Job: tell one shop the answers it does not know."""
    services = wiring.services()
    awake(services.redis, tell_consents, merchant_id, store_id)
    try:
        tell(services, merchant_id, store_id, wiring.connector)
    except ConnectorError as error:
        # The rows still say what the shop has not been told: the next round tries again.
        log.warning("store %s was not told its customers' answers: %s", store_id, error.sentence)


def tell(services: Services, merchant_id: int, store_id: int, connect: Connect) -> int:
    """Tell answers until the shop knows all, or ``AT_ONCE`` batches are done; gives how many were looked at.

    A shop that keeps no consent, a read-only and a frozen one are left alone. Raises ``ConnectorError``.
    """
    with tenant(services.engine, merchant_id) as connection:
        row = stores.get(connection, store_id)
    if row["read_only"] or row["state"] != "connected" or CAPABILITY not in row["capabilities"]:
        return 0
    shop, after, done = wiring.beyond(connect(services, merchant_id, store_id)), 0, 0
    for _ in range(AT_ONCE):
        with tenant(services.engine, merchant_id) as connection:
            batch = consents_told.waiting(connection, store_id, after=after, limit=BATCH)
        if not batch:
            break
        refused = shop.write_consents(
            [ConsentChange(one.external_id, one.email, one.state, one.at, one.confirmed) for one in batch]
        )
        with tenant(services.engine, merchant_id) as connection:
            consents_told.told(connection, batch, refused)
        after, done = batch[-1].identity_id, done + len(batch)
    return done
