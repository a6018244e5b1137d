"""Shows our runs on the shops' own marketing pages, with their numbers day by day."""

from __future__ import annotations

import logging

from connectors.errors import ConnectorError
from connectors.marketing_types import MarketingActivity
from plugin_server import wiring
from plugin_server.db.session import tenant
from plugin_server.db.shops import marketing, stores
from plugin_server.jobs.queues import awake
from plugin_server.jobs.reading.ingest import Connect
from plugin_server.wiring import Services

log = logging.getLogger(__name__)


def tell_marketing(merchant_id: int, store_id: int) -> None:
    """Job: tell one shop of the runs it does not know, and of their latest days."""
    services = wiring.services()
    awake(services.redis, tell_marketing, merchant_id, store_id)
    tell(services, merchant_id, store_id, wiring.connector)


def tell(services: Services, merchant_id: int, store_id: int, connect: Connect) -> int:
    """The same with given services; gives how many runs the shop was told of.

    A shop without the right for it, a read-only and a frozen one are left alone. What fails waits in its row.
    """
    with tenant(services.engine, merchant_id) as conn:
        row = stores.get(conn, store_id)
        if row["read_only"] or row["state"] != "connected" or marketing.CAPABILITY not in row["capabilities"]:
            return 0
        marketing.plan(conn, merchant_id=merchant_id, store_id=store_id, now=services.now())
    count = 0
    while True:
        with tenant(services.engine, merchant_id) as conn:
            one = marketing.claim(conn, store_id, services.now())
            days = marketing.days(conn, one, services.now()) if one else []
        if one is None:
            return count
        activity = MarketingActivity(
            key=one.key, title=one.title, url=f"{services.settings.public_url}/campaigns/{one.campaign}",
            utm_campaign=one.utm, started_at=one.started_at, ended_at=one.ends_at if one.over else None,
            active=not one.over,
        )  # fmt: skip
        try:
            shop = wiring.beyond(connect(services, merchant_id, store_id))
            external = shop.show_activity(activity)
            shop.report_activity(one.key, days)
        except ConnectorError as error:
            log.warning("store %s was not told of run %s: %s", store_id, one.run_id, error.sentence)
            with tenant(services.engine, merchant_id) as conn:
                marketing.failed(conn, one, error, services.now())
            continue
        with tenant(services.engine, merchant_id) as conn:
            marketing.told(conn, one, external, services.now())
        count += 1
