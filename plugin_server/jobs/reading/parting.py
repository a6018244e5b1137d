"""Parting with a shop: nothing is read or sent at once; then our webhooks there go, and what opened it is forgotten.

What came from the shop stays until its owner deletes it. A shop that does not answer is parted with all the same: it
stops delivering by itself, and the audit log says what was left behind.
"""

from __future__ import annotations

import logging

from redis.exceptions import RedisError

from connectors.errors import ConnectorError
from plugin_server import shop_access, wiring
from plugin_server.db.merchant import audit_log
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, stores
from plugin_server.jobs.queues import awake, wake
from plugin_server.jobs.reading.ingest import Connect
from plugin_server.jobs.reading.reconcile import webhook_url
from plugin_server.wiring import Services

log = logging.getLogger(__name__)

SENTENCE = shop_access.FINAL[access.PARTED]


def begin(services: Services, merchant_id: int, store_id: int, *, by: str) -> bool:
    """Part with the shop as far as we are concerned; a worker does the rest. False where that was done already.

    Raises ``UnknownStore``.
    """
    with tenant(services.engine, merchant_id) as connection:
        row = stores.get(connection, store_id)
        begun = stores.part(connection, store_id, SENTENCE)
        if begun:
            audit_log.record(connection, merchant_id, actor=by, action="store_parted", subject=row["url"])
    if begun:
        try:
            wake(services.redis, part_store, merchant_id, store_id, on="urgent")
        except RedisError as error:
            log.warning("no wake-up call for store %s: %s; the sweeper will", store_id, error)
    return begun


def part_store(merchant_id: int, store_id: int) -> None:
    """Job: remove our webhooks from the shop and forget its keys."""
    services = wiring.services()
    awake(services.redis, part_store, merchant_id, store_id)
    parted(services, merchant_id, store_id, wiring.connector)


def parted(services: Services, merchant_id: int, store_id: int, connect: Connect) -> str:
    """The same with given services; gives why webhooks had to be left behind, empty where none were."""
    with tenant(services.engine, merchant_id) as connection:
        if store_id not in access.parting(connection):
            return ""
        row = stores.get(connection, store_id)
    left = _without_webhooks(services, merchant_id, store_id, row["platform"], connect)
    with tenant(services.engine, merchant_id) as connection:
        # Looked at once more: the owner may have connected the shop again meanwhile.
        if store_id in access.parting(connection):
            access.keep_known(connection, merchant_id=merchant_id, store_id=store_id, now=services.now())
            access.leave(connection, store_id, SENTENCE, services.now(), None, code=access.PARTED)
            if left:
                audit_log.record(
                    connection, merchant_id, actor="worker", action="webhooks_left", subject=row["url"],
                    detail={"why": left},
                )  # fmt: skip
    return left


def resume(services: Services, merchant_id: int) -> None:
    """Wake the partings that a crash left half done; for the sweeper."""
    with tenant(services.engine, merchant_id) as connection:
        waiting = access.parting(connection)
    for store_id in waiting:
        wake(services.redis, part_store, merchant_id, store_id, on="urgent")


def _without_webhooks(services: Services, merchant_id: int, store_id: int, platform: str, connect: Connect) -> str:
    try:
        shop = connect(services, merchant_id, store_id)
        shop.remove_webhooks(url=webhook_url(services, platform, store_id))
    except (ConnectorError, ValueError) as error:
        # ValueError: none of the keys opens what is sealed, so nobody can ask the shop any more.
        log.warning("the webhooks of store %s stay: %s", store_id, error)
        return str(error)
    return ""
