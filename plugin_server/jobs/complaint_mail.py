"""Tells the owners of a business by mail, once, that a customer gave a low score and waits for an answer."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from markupsafe import escape
from sqlalchemy import Row

from connectors.mail_types import Mail, Recipient
from plugin_server import wiring
from plugin_server.db import answers, people
from plugin_server.db.people import Person
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.queues import awake
from plugin_server.locales import LANGUAGES, catalogue
from plugin_server.wiring import Services


def tell_complaints(merchant_id: int) -> None:
    """Job: ``tell``."""
    services = wiring.services()
    awake(services.redis, tell_complaints, merchant_id)
    tell(services, merchant_id)


def tell_all(services: Services) -> int:
    """The complaints of all merchants that nobody was told of; gives how many mails went out."""
    return sum(tell(services, merchant_id) for merchant_id in merchant_ids(services.engine))


def tell(services: Services, merchant_id: int) -> int:
    """Mail every owner about the complaints that nobody was told of, all in one mail; gives how many mails went out.

    A complaint is told at most once: it waits in the conversations whether or not the mail arrives.
    """
    with tenant(services.engine, merchant_id) as connection:
        found = answers.claim_untold(connection, services.now())
        owners = people.owners(connection) if found else []
    for who in owners:
        wiring.mail_backend(services).send(_mail(who, found, services.settings.public_url))
    return len(owners)


def _mail(who: Person, found: Sequence[Row[Any]], public_url: str) -> Mail:
    language = next((wish for wish in (who.locale, who.merchant_locale) if wish in LANGUAGES), "en")
    say = {key: str(phrase) for key, phrase in catalogue(language).items() if key.startswith("complaint_mail.")}
    lines = [
        say["complaint_mail.line"].format(score=one.score, address=f"{public_url}/conversations/{one.thread}")
        for one in found
        if one.thread
    ]
    text = "\n\n".join([say["complaint_mail.text"], *lines])
    html = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
    return Mail(
        attempt_id=str(uuid.uuid4()),
        from_email=who.sender,
        from_name="Tangga",
        reply_to=None,
        subject=say["complaint_mail.subject"],
        html=f'<!doctype html><html lang="{language}"><body>{html}</body></html>',
        text=text,
        recipients=(Recipient(message_id="", email=who.email, name=who.name),),
        category="complaint",
    )
