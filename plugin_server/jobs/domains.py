"""Looks up what the name servers say of every sender's domain: every day, and when an owner asks."""

from __future__ import annotations

from plugin_server import wiring
from plugin_server.db import sender
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.queues import awake, wake
from plugin_server.wiring import Services


def look_up_all(services: Services) -> None:
    """Wake one look-up for each merchant whose mails leave by a provider."""
    if services.settings.mail_backend != "folder":
        for merchant_id in merchant_ids(services.engine):
            wake(services.redis, look_up_domain, merchant_id, on="bulk", hold=600)


def look_up_domain(merchant_id: int) -> None:
    """Job: one merchant's domain. No transaction is open while the name servers are asked."""
    services = wiring.services()
    awake(services.redis, look_up_domain, merchant_id)
    with tenant(services.engine, merchant_id) as conn:
        name = sender.domain(conn)
    found = wiring.domain_standing(services, name)
    with tenant(services.engine, merchant_id) as conn:
        sender.save_domain(conn, name, found, services.now())
