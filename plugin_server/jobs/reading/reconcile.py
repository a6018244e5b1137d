"""The nightly look over everything: what webhooks lost is repaired, and how much it was is said."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import WebhookState
from connectors.errors import ConnectorError
from connectors.hosts import undeliverable
from plugin_server import wiring
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, store_page, stores
from plugin_server.db.shops.sync import AlreadyRunning, give_up, to_resume
from plugin_server.jobs.queues import awake, wake
from plugin_server.jobs.reading.ingest import Connect
from plugin_server.jobs.reading.sync import Frozen, read_store, sync_store
from plugin_server.vault import unseal
from plugin_server.wiring import Services


def reconcile(merchant_id: int) -> None:
    """Compare all of a merchant's stores with what we have, and revive their webhooks."""
    services = wiring.services()
    awake(services.redis, reconcile, merchant_id)
    reconciled(services, merchant_id, wiring.connector)


def reconciled(services: Services, merchant_id: int, connect: Connect) -> dict[int, str]:
    """``reconcile`` with given services; gives {store id: sentence} of the stores that could not be read."""
    troubles: dict[int, str] = {}
    with tenant(services.engine, merchant_id) as connection:
        known = [row for row in stores.listed(connection) if row["credentials"] and row["state"] != "disconnected"]
        stopped = {row["id"] for row in known if (of := access.of(connection, row["id"])) and of.trouble}
    for row in (row for row in known if row["id"] not in stopped):
        try:
            read_store(services, merchant_id, row["id"], "reconcile", connect)
            revive(services, merchant_id, row["id"], connect)
        except (AlreadyRunning, Frozen, ConnectorError) as error:
            troubles[row["id"]] = str(error)
    return troubles


def revive(services: Services, merchant_id: int, store_id: int, connect: Connect) -> list[dict[str, str]]:
    """Make the store's webhooks exist and be active; gives ``[{"topic", "state"}]``, empty for a read-only store.

    How each stood before and stands now is kept for the store's page, and so is why it could not be seen or mended.
    """
    with tenant(services.engine, merchant_id) as connection:
        row, rights = stores.get(connection, store_id), access.of(connection, store_id)
    if row["read_only"] or not row["webhook_secrets"] or row["state"] == "disconnected":
        return []
    if rights is not None and rights.installed:
        # The settings of the app itself subscribe for every shop that installs it; what needs a right that only some
        # shops grant is asked of each.
        if not (wiring.OF_SOME_SHOPS & set(row["capabilities"])):
            return []
        asked = wiring.beyond(connect(services, merchant_id, store_id))
        made = asked.ensure_optional_webhooks(url=webhook_url(services, row["platform"], store_id))
        return [{"topic": state.topic, "state": state.state} for state in made]
    secret = next(iter(unseal(services.settings.keys, bytes(row["webhook_secrets"]))["secrets"]), "")
    if not wiring.provable(services.settings, row["platform"], secret):
        return []
    before: list[WebhookState] | None = None
    try:
        shop, url = connect(services, merchant_id, store_id), webhook_url(services, row["platform"], store_id)
        before = shop.webhook_states(url=url)
        states = shop.ensure_webhooks(url=url, secret=secret)
    except ConnectorError as error:
        _seen(services, merchant_id, store_id, before, before, error.sentence)
        raise
    # A shop calls such a webhook active and never delivers; orders come by reading alone.
    open_to_all = services.settings.allow_private_hosts or row["platform"] == wiring.EMBEDDING
    _seen(services, merchant_id, store_id, before, states, "" if open_to_all else undeliverable(url))
    return [{"topic": state.topic, "state": state.state} for state in states]


def _seen(
    services: Services,
    merchant_id: int,
    store_id: int,
    before: Sequence[WebhookState] | None,
    after: Sequence[WebhookState] | None,
    trouble: str,
) -> None:
    was = {one.topic: one.state for one in before or ()}
    found = None
    if after is not None:
        found = [{"topic": one.topic, "was": was.get(one.topic, "missing"), "state": one.state} for one in after]
    with tenant(services.engine, merchant_id) as connection:
        store_page.webhooks_seen(connection, store_id, found, trouble, services.now())


def webhook_url(services: Services, platform: str, store_id: int) -> str:
    """Where a store's webhooks come in."""
    return f"{services.settings.public_url}{wiring.webhook_path(platform, store_id)}"


def resume(services: Services, merchant_id: int) -> int:
    """Wake the readings that wait or were killed, but not those killed too often; gives how many. For the sweeper."""
    with tenant(services.engine, merchant_id) as connection:
        give_up(connection, services.now())
        found = to_resume(connection)
    for store_id, kind in found:
        wake(services.redis, sync_store, merchant_id, store_id, kind, on="bulk")
    return len(found)
