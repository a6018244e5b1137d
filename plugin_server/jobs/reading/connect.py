"""From a key pair to a shop that is read: stored first, looked at afterwards, so that no answer waits for the shop."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from redis.exceptions import RedisError
from sqlalchemy import Connection

from connectors.errors import ConnectorError
from connectors.shopify.auth import Grant
from plugin_server import shop_access, wiring
from plugin_server.db.merchant import audit_log
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, store_page, stores, sync
from plugin_server.jobs.queues import awake, wake
from plugin_server.jobs.reading.ingest import Connect
from plugin_server.jobs.reading.reconcile import revive
from plugin_server.jobs.reading.sync import sync_store
from plugin_server.vault import seal
from plugin_server.wiring import Services

log = logging.getLogger(__name__)


def connect_store(
    connection: Connection,
    keys: Sequence[str],
    merchant_id: int,
    *,
    url: str,
    platform: str,
    credentials: dict[str, str],
    read_only: bool | None,
    by: str,
    now: datetime,
    name: str = "",
) -> int:
    """Store the shop with sealed credentials; gives its id. A shop known at this address gets the new ones instead,
    also one that was disconnected: it goes on with all that it had.

    A shop signs its deliveries with a fresh secret of its own, one of an app's with the secret of that app.
    ``read_only`` None: a known shop stays as it was, a new one may be written to.
    """
    sealed = seal(keys, credentials)
    if known := stores.renew(connection, platform=platform, url=url, read_only=read_only):
        access.keep(connection, merchant_id=merchant_id, store_id=known, sealed=sealed, terms=_LASTING, now=now)
        audit_log.record(connection, merchant_id, actor=by, action="store_reconnected", subject=url)
        return known
    signs_with = [] if platform == wiring.EMBEDDING else [secrets.token_urlsafe(32)]
    store_id = stores.add(
        connection,
        merchant_id=merchant_id,
        platform=platform,
        name=name or urlsplit(url).hostname or url,
        url=url,
        credentials=sealed,
        webhook_secrets=seal(keys, {"secrets": signs_with}),
        read_only=bool(read_only),
    )
    audit_log.record(connection, merchant_id, actor=by, action="store_connected", subject=url)
    return store_id


_LASTING = access.Terms((), None, None)
"""Of keys that last until somebody revokes them."""


class TakenElsewhere(RuntimeError):
    """The shop's app is connected to another business of this installation."""


def let_in(services: Services, merchant_id: int, *, url: str, grant: Grant, by: str) -> int:
    """Keep what a shop grants our app, for a new store or one that comes back; gives the store's id.

    What was to be purged stays. Raises ``TakenElsewhere``.
    """
    known = access.stores_at(services.engine, wiring.EMBEDDING, url)
    if any(other != merchant_id and installed_at(services, other, number) for other, number in known):
        raise TakenElsewhere(url)
    ours = next((number for other, number in known if other == merchant_id), None)
    with tenant(services.engine, merchant_id) as connection:
        if ours is None:
            store_id = stores.add(
                connection,
                merchant_id=merchant_id,
                platform=wiring.EMBEDDING,
                name=urlsplit(url).hostname or url,
                url=url,
                webhook_secrets=seal(services.settings.keys, {"secrets": []}),
            )
        else:
            store_id = ours
            # A secret of an app of the owner's own signs no delivery of ours.
            stores.signs_with(connection, store_id, seal(services.settings.keys, {"secrets": []}))
        action = "store_connected" if ours is None else "store_reconnected"
        audit_log.record(connection, merchant_id, actor=by, action=action, subject=url)
    shop_access.keep(wiring.vault(services), merchant_id, store_id, grant, installed=True)
    return store_id


def installed_at(services: Services, merchant_id: int, store_id: int) -> bool:
    """True where our app is in this shop now, and not only a token that somebody pasted."""
    with tenant(services.engine, merchant_id) as connection:
        found = access.of(connection, store_id)
    return found is not None and found.installed and found.uninstalled_at is None


def settle(services: Services, merchant_id: int, store_id: int) -> None:
    """Ask a worker to look at the shop and read it; without a queue, the nightly round will."""
    with tenant(services.engine, merchant_id) as connection:
        sync.promise(connection, merchant_id=merchant_id, store_id=store_id, now=services.now())
    try:
        wake(services.redis, settle_store, merchant_id, store_id, on="urgent")
    except RedisError as error:
        log.warning("no wake-up call for store %s: %s", store_id, error)


def settle_store(merchant_id: int, store_id: int) -> None:
    """Job: check the connection, make our webhooks exist, read everything."""
    services = wiring.services()
    awake(services.redis, settle_store, merchant_id, store_id)
    if settled(services, merchant_id, store_id, wiring.connector):
        wake(services.redis, sync_store, merchant_id, store_id, "full", on="bulk")
        return
    with tenant(services.engine, merchant_id) as connection:
        sync.forgo(connection, store_id)


def settled(services: Services, merchant_id: int, store_id: int, connect: Connect) -> bool:
    """Check the connection and our webhooks and write down what was found; True where the shop can be read."""
    shop = connect(services, merchant_id, store_id)
    findings = shop.checks()
    with tenant(services.engine, merchant_id) as connection:
        stores.checked(connection, store_id, findings, services.now())
    try:
        told = shop.info()
        with tenant(services.engine, merchant_id) as connection:
            frozen = stores.told(connection, store_id, told, services.now())
            store_page.call_it(connection, store_id, told.name)
        revive(services, merchant_id, store_id, connect)
    except ConnectorError as error:
        # What is wrong stands in the findings, with its mend; the owner presses the button again.
        log.warning("store %s cannot be read: %s", store_id, error.sentence)
        return False
    return frozen is None
