"""Tells the owners of a business by mail what is wrong with a shop, once, where nobody but them can mend it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from connectors.mail_types import Mail
from plugin_server import wiring
from plugin_server.db.merchant import people
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.db.shops import access
from plugin_server.jobs.letters import plain as plain_mail
from plugin_server.locales import catalogue
from plugin_server.locales.sentences import said
from plugin_server.wiring import Services


def tell_all(services: Services) -> int:
    """Look through all merchants for stores in trouble; gives how many mails went out."""
    return sum(tell(services, merchant_id) for merchant_id in merchant_ids(services.engine))


def tell(services: Services, merchant_id: int) -> int:
    """Mail every owner about every store in trouble that nobody was told of; gives how many mails went out."""
    sent = 0
    with tenant(services.engine, merchant_id) as connection:
        waiting = access.untold(connection)
        owners = people.owners(connection) if waiting else []
    for store in waiting:
        with tenant(services.engine, merchant_id) as connection:
            ours = access.claim_telling(connection, store.store_id, services.now())
        if not ours:
            continue
        address = f"{services.settings.public_url}/stores/{store.store_id}"
        for who in owners:
            wiring.mail_backend(services, merchant_id).send(_mail(who, store, address))
            sent += 1
    return sent


def _mail(who: Person, store: Row[Any], address: str) -> Mail:
    sheet, reader, language = plain_mail.ours(who)
    phrases = catalogue(language)
    sentence = str(phrases.get(f"trouble.{store.trouble}") or said(store.state_reason, language))
    told, links = {"store": store.name, "sentence": sentence}, {"address": address}
    return plain_mail.plain_mail("trouble_mail", language, told, links, sheet=sheet, to=reader, category="trouble")
