"""Takes leaked and withdrawn codes back in the shops, and makes new ones for the owners of leaked ones."""

from __future__ import annotations

import logging

from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.db.offers import code_watch, withdrawn
from plugin_server.db.session import tenant
from plugin_server.jobs.letters import leak as leak_mail
from plugin_server.jobs.outside import Outside, outside
from plugin_server.jobs.queues import awake
from plugin_server.wiring import Services

log = logging.getLogger(__name__)


def watch_codes(merchant_id: int) -> None:
    """Job: ``watch``. A shop that does not answer is asked again by the sweeper."""
    services = wiring.services()
    awake(services.redis, watch_codes, merchant_id)
    watch(services, outside(services, merchant_id), merchant_id)


def watch(services: Services, world: Outside, merchant_id: int) -> None:
    """Every step looks at what is there and can be taken again, by two at once too: shops are asked that a code be
    gone, or exist, and only the first of two writes down what became of it."""
    for step in (_withdraw, _revoke, _make):
        # A shop that is away for one of them must not keep another's leaked codes open.
        try:
            step(services, world, merchant_id)
        except (ConnectorError, LookupError, ValueError) as error:
            log.warning("codes of merchant %s wait: %s", merchant_id, error)
    leak_mail.tell(services, world, merchant_id)


def _withdraw(services: Services, world: Outside, merchant_id: int) -> None:
    with tenant(services.engine, merchant_id) as conn:
        withdrawn.of_former_members(conn)
    while True:
        with tenant(services.engine, merchant_id) as conn:
            codes = withdrawn.due(conn)
        if not codes:
            return
        world.store(codes[0].store_id).revoke_codes([one.external_id for one in codes if one.external_id])
        with tenant(services.engine, merchant_id) as conn:
            withdrawn.gone(conn, codes, services.now())


def _revoke(services: Services, world: Outside, merchant_id: int) -> None:
    while True:
        with tenant(services.engine, merchant_id) as conn:
            leaks = code_watch.found(conn, services.now())
        if not leaks:
            return
        world.store(leaks[0].store_id).revoke_codes([one.external_id for one in leaks if one.external_id])
        with tenant(services.engine, merchant_id) as conn:
            code_watch.revoked(conn, leaks)


def _make(services: Services, world: Outside, merchant_id: int) -> None:
    secret = services.settings.keys[0]
    more = True
    while more:
        with tenant(services.engine, merchant_id) as conn:
            more = code_watch.plan_next(conn, secret=secret, now=services.now())
    while True:
        with tenant(services.engine, merchant_id) as conn:
            batch = code_watch.planned(conn)
        if not batch:
            return
        made = world.store(batch[0].store_id).create_codes([one.spec for one in batch if one.spec])
        with tenant(services.engine, merchant_id) as conn:
            for one, result in zip(batch, made, strict=True):
                code_watch.settle(conn, one, result, services.now())
        if any(not result.permanent and (result.error or not result.external_id) for result in made):
            return
