"""Weighs the pictures of a campaign's mails, away from the page that asks: other people's servers may be slow."""

from __future__ import annotations

from plugin_server import wiring
from plugin_server.db import figures
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Saved
from plugin_server.db.session import tenant
from plugin_server.jobs.queues import awake, wake
from plugin_server.jobs.sending import lint
from plugin_server.wiring import Services

HOLD = 300


def known(services: Services, merchant_id: int, saved: Saved) -> dict[str, int]:
    """Address → bytes as found last; a worker looks where nobody has for this version. Writes nothing itself."""
    with tenant(services.engine, merchant_id) as conn:
        kept = figures.kept(conn, _name(saved), services.now())
    if kept:
        return dict(kept.document)
    wake(services.redis, weigh, merchant_id, saved.campaign.key, on="bulk", hold=HOLD)
    return {}


def weigh(merchant_id: int, key: str) -> None:
    """Job: ``look``."""
    services = wiring.services()
    awake(services.redis, weigh, merchant_id, key)
    look(services, merchant_id, key)


def look(services: Services, merchant_id: int, key: str) -> dict[str, int]:
    """Ask for the weights and keep them for a day. No transaction is open while servers are asked."""
    with tenant(services.engine, merchant_id) as conn:
        saved = campaigns.get(conn, key)
        addresses = lint.pictures(conn, services.settings, saved.campaign, services.now()) if saved else []
    if saved is None:
        return {}
    found = wiring.weigh_pictures(services, addresses)
    with tenant(services.engine, merchant_id) as conn:
        figures.keep(conn, merchant_id=merchant_id, name=_name(saved), make=lambda _: found, now=services.now())
    return found


def _name(saved: Saved) -> str:
    return f"pictures:{saved.campaign.key}:{saved.version}"
