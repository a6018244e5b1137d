"""Tells the shops which tags campaigns put on their customers, so that themes, segments and other apps can use them."""

from __future__ import annotations

import logging

from connectors.base import TagChange
from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores, tags_told
from plugin_server.jobs.queues import awake
from plugin_server.jobs.reading.ingest import Connect
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
AT_ONCE = 2000
"""Accounts in one go: each is a request of its own at some shops, and the shop has other work."""


def tell_tags(merchant_id: int, store_id: int) -> None:
    """Job: tell one shop the tags it does not know."""
    services = wiring.services()
    awake(services.redis, tell_tags, merchant_id, store_id)
    try:
        tell(services, merchant_id, store_id, wiring.connector)
    except ConnectorError as error:
        # The rows still say what the shop has not been told: the next round tries again.
        log.warning("store %s was not told its customers' tags: %s", store_id, error.sentence)


def tell(services: Services, merchant_id: int, store_id: int, connect: Connect) -> int:
    """Tell tags until the shop knows all, or ``AT_ONCE`` are done; gives how many accounts were looked at.

    A shop that keeps no tags, a read-only and a frozen one are left alone. Raises ``ConnectorError``.
    """
    with tenant(services.engine, merchant_id) as connection:
        row = stores.get(connection, store_id)
    if row["read_only"] or row["state"] != "connected" or tags_told.CAPABILITY not in row["capabilities"]:
        return 0
    shop, after, done = wiring.beyond(connect(services, merchant_id, store_id)), 0, 0
    while done < AT_ONCE:
        with tenant(services.engine, merchant_id) as connection:
            batch = tags_told.waiting(connection, store_id, after=after, limit=wiring.told_together(row["platform"]))
        if not batch:
            break
        written = shop.write_tags({one.external_id: _change(one) for one in batch})
        with tenant(services.engine, merchant_id) as connection:
            tags_told.told(connection, batch, written.refused, written.changed)
        after, done = batch[-1].identity_id, done + len(batch)
    return done


def _change(one: tags_told.Untold) -> TagChange:
    return TagChange(
        add=tuple(tag for tag, put in one.due.items() if put),
        remove=tuple(tag for tag, put in one.due.items() if not put),
        all=one.tags,
    )
