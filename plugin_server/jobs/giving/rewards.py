"""Makes the codes of rewards that customers took for points."""

from __future__ import annotations

import logging

from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.db.points import rewards
from plugin_server.db.session import tenant
from plugin_server.jobs.queues import awake
from plugin_server.jobs.reading.ingest import Connect
from plugin_server.wiring import Services

log = logging.getLogger(__name__)


def make_rewards(merchant_id: int) -> None:
    """Job: make all codes that wait. A shop that does not answer is asked again by the sweeper."""
    services = wiring.services()
    awake(services.redis, make_rewards, merchant_id)
    made(services, merchant_id, wiring.connector)


def made(services: Services, merchant_id: int, connect: Connect) -> int:
    """``make_rewards`` with given services; gives how many codes the shops made.

    Codes are derived from the claim and asked to *exist*: dying between the shop and our row makes none twice. A shop
    that does not answer keeps no other's waiting.
    """
    count, away = 0, list[int]()
    while True:
        with tenant(services.engine, merchant_id) as conn:
            batch = rewards.waiting(conn, away=away)
        if not batch:
            return count
        try:
            results = connect(services, merchant_id, batch[0].store_id).create_codes([one.spec for one in batch])
        except (ConnectorError, LookupError, ValueError) as error:
            # The claims stay planned; the page says that the code is on its way.
            log.warning("rewards of store %s wait: %s", batch[0].store_id, error)
            away.append(batch[0].store_id)
            continue
        with tenant(services.engine, merchant_id) as conn:
            for one, result in zip(batch, results, strict=True):
                rewards.settle(conn, one, result, services.now())
        done = sum(1 for result in results if result.permanent or (result.external_id and not result.error))
        count += sum(1 for result in results if result.external_id and not result.error)
        if done < len(results):
            away.append(batch[0].store_id)
