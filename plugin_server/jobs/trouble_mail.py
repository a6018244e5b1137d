"""Tells the owners of a business by mail what is wrong with a shop, once, where nobody but them can mend it."""

from __future__ import annotations

import uuid
from typing import Any

from markupsafe import escape
from sqlalchemy import Row

from connectors.mail_types import Mail, Recipient
from plugin_server import wiring
from plugin_server.db import access, people
from plugin_server.db.people import Person
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.locales import LANGUAGES, catalogue
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
            wiring.mail_backend(services).send(_mail(who, store, address))
            sent += 1
    return sent


def _mail(who: Person, store: Row[Any], address: str) -> Mail:
    language = next((wish for wish in (who.locale, who.merchant_locale) if wish in LANGUAGES), "en")
    phrases = {key: str(phrase) for key, phrase in catalogue(language).items()}
    sentence = phrases.get(f"trouble.{store.trouble}") or said(store.state_reason, language)
    text = phrases["trouble_mail.text"].format(store=store.name, sentence=sentence, address=address)
    link = f'<a href="{escape(address)}">{escape(address)}</a>'
    html = "".join(f"<p>{str(escape(part)).replace(str(escape(address)), link)}</p>" for part in text.split("\n\n"))
    return Mail(
        attempt_id=str(uuid.uuid4()),
        from_email=who.sender,
        from_name="Tangga",
        reply_to=None,
        subject=phrases["trouble_mail.subject"].format(store=store.name),
        html=f'<!doctype html><html lang="{language}"><body>{html}</body></html>',
        text=text,
        recipients=(Recipient(message_id="", email=who.email, name=who.name),),
        category="trouble",
    )
