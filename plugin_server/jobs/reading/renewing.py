"""Rights that end unless they are used: renewed for shops nobody has called for days."""

from __future__ import annotations

import logging
from datetime import timedelta

from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.db.shops import access, stores
from plugin_server.jobs.queues import awake, wake
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
UNUSED = timedelta(days=6)
"""Looked for every hour, this renews each shop at least weekly; a refresh token lives for 90 days."""
HOLD = 600


def renew_dormant(services: Services) -> int:
    """Wake a worker for every shop whose rights were not renewed for ``UNUSED``; gives how many."""
    found = []
    for merchant_id in merchant_ids(services.engine):
        with tenant(services.engine, merchant_id) as connection:
            found += [(merchant_id, number) for number in access.dormant(connection, services.now() - UNUSED)]
    for merchant_id, store_id in found:
        wake(services.redis, renew, merchant_id, store_id, on="bulk", hold=HOLD)
    return len(found)


def renew(merchant_id: int, store_id: int) -> None:
    """Job: renew the rights at one shop."""
    services = wiring.services()
    awake(services.redis, renew, merchant_id, store_id)
    try:
        renewed(services, merchant_id, store_id)
    except ConnectorError as error:
        # Where only the owner can help, the store's row says so; the rest is tried again in an hour.
        log.warning("the rights at store %s were not renewed: %s", store_id, error.sentence)


def renewed(services: Services, merchant_id: int, store_id: int) -> None:
    """The same with given services. Raises ``ConnectorError``."""
    with tenant(services.engine, merchant_id) as connection:
        url = stores.get(connection, store_id)["url"]
    wiring.token_source(services, merchant_id, store_id, url).renewed(older_than=services.now() - UNUSED)
