"""The sender's domain: what the name servers say of it, and making the mail provider vouch for it."""

from __future__ import annotations

from connectors.base import MailDomains
from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.db.sending import sender, vouching
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.queues import awake, wake
from plugin_server.wiring import Services


def look_up_all(services: Services) -> None:
    """Wake one look-up for each merchant whose mails leave by a provider."""
    for merchant_id in merchant_ids(services.engine):
        if wiring.mail_way(services, merchant_id).backend != "folder":
            wake(services.redis, look_up_domain, merchant_id, on="bulk", hold=600)


def look_up_domain(merchant_id: int) -> None:
    """Job: one merchant's domain, and the provider again where it still waits for entries."""
    services = wiring.services()
    awake(services.redis, look_up_domain, merchant_id)
    look_up(services, merchant_id)
    with tenant(services.engine, merchant_id) as conn:
        known = vouching.of(conn).vouch
    domains = wiring.mail_domains(services, merchant_id)
    if domains and known and not known.valid:
        vouch(services, domains, merchant_id)


def look_up(services: Services, merchant_id: int) -> None:
    """Keep what the name servers say. No transaction is open while they are asked."""
    with tenant(services.engine, merchant_id) as conn:
        name, answered = sender.domain(conn), sender.replies(conn).domain
    by = wiring.mail_way(services, merchant_id)
    found = wiring.domain_standing(by, name)
    arrive = wiring.replies_arrive(by, answered) if answered else None
    with tenant(services.engine, merchant_id) as conn:
        sender.save_domain(conn, name, found, services.now())
        if answered:
            sender.save_replies_seen(conn, answered, arrive, services.now())


def vouch_for(merchant_id: int) -> None:
    """Job: begin, or have the provider look anew."""
    services = wiring.services()
    awake(services.redis, vouch_for, merchant_id)
    domains = wiring.mail_domains(services, merchant_id)
    if domains and vouch(services, domains, merchant_id):
        look_up(services, merchant_id)


def vouch(services: Services, domains: MailDomains, merchant_id: int) -> bool:
    """The same with a given provider; True where it signs mail in the domain's name now."""
    with tenant(services.engine, merchant_id) as conn:
        name, known = sender.domain(conn), vouching.of(conn).vouch
        if reason := sender.refused(conn, name, services.settings.public_url):
            vouching.failed(conn, reason, services.now())
            return False
    # Of several businesses each enters an entry of its own, so that one cannot be proven by what another entered.
    mark = f"tg{merchant_id}" if len(merchant_ids(services.engine)) > 1 else ""
    try:
        found = domains.check(known.external_id) if known else domains.begin(name, mark)
    except ConnectorError as error:
        with tenant(services.engine, merchant_id) as conn:
            vouching.failed(conn, error.sentence, services.now())
        return False
    with tenant(services.engine, merchant_id) as conn:
        vouching.told(conn, found, services.now())
    return found.valid
