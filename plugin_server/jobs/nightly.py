"""What is done for every shop and merchant on a rhythm. Workers do it; this only wakes them."""

from __future__ import annotations

from sqlalchemy import text

from connectors.errors import LOCKED_OUT
from plugin_server import wiring
from plugin_server.db.ladder import forecast, known, outlook
from plugin_server.db.merchant import merchants
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.db.shops import marketing, tags_told
from plugin_server.db.shops.sync import given_up
from plugin_server.jobs import climb
from plugin_server.jobs.giving import points_night
from plugin_server.jobs.queues import awake, wake
from plugin_server.jobs.reading import reconcile, sync
from plugin_server.jobs.telling import consents as tell_consents
from plugin_server.jobs.telling import marketing as tell_marketing
from plugin_server.jobs.telling import rungs as tell_rungs
from plugin_server.jobs.telling import tags as tell_tags
from plugin_server.wiring import Services

HOLD = 600
"""Seconds for which a waiting call keeps equal ones away."""
RETRY = 3600
"""Seconds after which a first forecast that failed is tried again."""


def sync_all(services: Services) -> None:
    """Read what is new from every connected shop: webhooks get lost. Readings that die every time are left alone."""
    for merchant_id, store_id in _shops(services, readable=True):
        wake(services.redis, sync.sync_store, merchant_id, store_id, "incremental", on="bulk", hold=HOLD)


def reconcile_all(services: Services) -> None:
    """Compare every shop's orders with ours, and mend what differs."""
    for merchant_id in merchant_ids(services.engine):
        wake(services.redis, reconcile.reconcile, merchant_id, on="bulk", hold=HOLD)


def check_webhooks(services: Services) -> None:
    """Look whether the shops still send us their webhooks, and revive those that are disabled."""
    for merchant_id, store_id in _shops(services):
        wake(services.redis, check_webhooks_of, merchant_id, store_id, on="bulk", hold=HOLD)


def check_webhooks_of(merchant_id: int, store_id: int) -> None:
    """Job: one shop's webhooks."""
    services = wiring.services()
    awake(services.redis, check_webhooks_of, merchant_id, store_id)
    reconcile.revive(services, merchant_id, store_id, wiring.connector)


def tell_all_rungs(services: Services) -> None:
    """Tell every shop the rungs that changed."""
    for merchant_id, store_id in _shops(services):
        wake(services.redis, tell_rungs.tell_rungs, merchant_id, store_id, on="bulk", hold=HOLD)


def tell_all_consents(services: Services) -> None:
    """Tell every shop what its customers answered to our mails."""
    for merchant_id, store_id in _shops(services):
        wake(services.redis, tell_consents.tell_consents, merchant_id, store_id, on="bulk", hold=HOLD)


def tell_all_tags(services: Services) -> None:
    """Tell every shop that keeps tags which ones campaigns put on its customers."""
    for merchant_id, store_id in _shops(services, able=tags_told.CAPABILITY):
        wake(services.redis, tell_tags.tell_tags, merchant_id, store_id, on="bulk", hold=HOLD)


def tell_all_marketing(services: Services) -> None:
    """Show our runs on the marketing page of every shop that has one."""
    for merchant_id, store_id in _shops(services, able=marketing.CAPABILITY):
        wake(services.redis, tell_marketing.tell_marketing, merchant_id, store_id, on="bulk", hold=HOLD)


def climb_all(services: Services) -> None:
    """Re-read every rung: some are lost by the mere passing of time."""
    for merchant_id in merchant_ids(services.engine):
        wake(services.redis, climb_merchant, merchant_id, on="bulk", hold=HOLD)


def catch_up_all(services: Services) -> None:
    """Read the habits and contact anew of whoever bought or answered since the last look; forecast a new shop."""
    for merchant_id in merchant_ids(services.engine):
        with tenant(services.engine, merchant_id) as conn:
            due = known.any_due(conn)
            unforetold = outlook.owed(conn, merchant_id=merchant_id, now=services.now())
        if due:
            wake(services.redis, climb.catch_up, merchant_id, on="bulk", hold=HOLD)
        if unforetold:
            wake(services.redis, forecast_first, merchant_id, on="bulk", hold=RETRY)


def climb_merchant(merchant_id: int) -> None:
    """Job: all customers of a merchant, placed anew."""
    services = wiring.services()
    awake(services.redis, climb_merchant, merchant_id)
    climb.recomputed(services, merchant_id)


def forecast_all(services: Services) -> None:
    """Fit every merchant's forecast anew."""
    for merchant_id in merchant_ids(services.engine):
        wake_forecast(services, merchant_id)


def wake_forecast(services: Services, merchant_id: int) -> None:
    """Have a merchant's forecast made soon."""
    wake(services.redis, forecast_merchant, merchant_id, on="bulk", hold=HOLD)


def forecast_merchant(merchant_id: int) -> None:
    """Job: the models of a merchant, checked against its latest orders."""
    services = wiring.services()
    awake(services.redis, forecast_merchant, merchant_id)
    forecast_of(services, merchant_id)


def forecast_first(merchant_id: int) -> None:
    """Job: the same for a shop that has none yet. The call is held until it succeeds: it is noticed each minute."""
    services = wiring.services()
    with tenant(services.engine, merchant_id) as conn:
        owed = outlook.owed(conn, merchant_id=merchant_id, now=services.now())
    if owed:
        forecast_of(services, merchant_id)
    awake(services.redis, forecast_first, merchant_id)


def forecast_of(services: Services, merchant_id: int) -> None:
    """The same with given services. While all orders are being read nothing is made: it follows when they are there."""
    with tenant(services.engine, merchant_id) as conn:
        if outlook.half_read(conn, merchant_id):
            return
        shop, now = merchants.get(conn), services.now()
        found, made, ids, of = forecast.fitted(conn, merchant=shop, until=None, now=now)
        forecast.keep(conn, merchant_id=merchant_id, document=found, now=now)
        outlook.everybody(conn, document=found, made=made, ids=ids, of=of, now=now)


def points_all(services: Services) -> None:
    """End points whose day has come, and give those for birthdays, reviews and friends."""
    for merchant_id in merchant_ids(services.engine):
        wake(services.redis, points_night.points_of, merchant_id, on="bulk", hold=HOLD)


def _shops(services: Services, able: str | None = None, *, readable: bool = False) -> list[tuple[int, int]]:
    found = []
    for merchant_id in merchant_ids(services.engine):
        with tenant(services.engine, merchant_id) as conn:
            ids = conn.scalars(
                text(
                    "SELECT id FROM store s WHERE platform <> 'csv' AND state <> 'disconnected' AND NOT EXISTS "
                    "(SELECT FROM store_access a WHERE a.store_id = s.id AND a.trouble <> '' "
                    "AND a.trouble <> ALL(:locked)) "
                    "AND (CAST(:able AS text) IS NULL OR :able = ANY(capabilities)) ORDER BY id"
                ),
                {"able": able, "locked": list(LOCKED_OUT)},  # these may end by themselves: asked again
            )
            lost = given_up(conn) if readable else set()
            found += [(merchant_id, store_id) for store_id in ids if store_id not in lost]
    return found
