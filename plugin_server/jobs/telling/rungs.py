"""Tells the shops where their customers stand, so that themes, filters and other plugins can use it."""

from __future__ import annotations

import logging

from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.db.ladder import rungs
from plugin_server.db.session import tenant
from plugin_server.db.shops import rungs_told, stores
from plugin_server.jobs.queues import awake
from plugin_server.jobs.reading.ingest import Connect
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
AT_ONCE = 5000
"""Accounts in one go: a first reading of a large shop must not keep its server busy for hours."""


def tell_rungs(merchant_id: int, store_id: int) -> None:
    """Job: write the rungs that changed to one shop."""
    services = wiring.services()
    awake(services.redis, tell_rungs, merchant_id, store_id)
    try:
        tell(services, merchant_id, store_id, wiring.connector)
    except ConnectorError as error:
        # The rows still say what the shop has not been told: the next round tries again.
        log.warning("store %s was not told its rungs: %s", store_id, error.sentence)


def tell(services: Services, merchant_id: int, store_id: int, connect: Connect) -> int:
    """Write rungs to the shop until it knows all, or ``AT_ONCE`` are done; gives how many accounts.

    A read-only or frozen store is left alone. Raises ``ConnectorError``; what was told before stays noted.
    """
    with tenant(services.engine, merchant_id) as connection:
        row = stores.get(connection, store_id)
        on = rungs.shop(connection, merchant_id)
    if row["read_only"] or row["state"] != "connected":
        return 0
    names = {rung.key: rung.public(on.locale) for rung in on.ladder.rungs}
    shop, after, done = connect(services, merchant_id, store_id), 0, 0
    while done < AT_ONCE:
        with tenant(services.engine, merchant_id) as connection:
            batch = rungs_told.waiting(connection, store_id, after=after, limit=wiring.told_together(row["platform"]))
        if not batch:
            break
        written = shop.write_rungs({one.external_id: (one.rung, names[one.rung]) for one in batch})
        with tenant(services.engine, merchant_id) as connection:
            rungs_told.told(connection, batch, written.refused, written.changed)
        after, done = batch[-1].identity_id, done + len(batch)
    return done
