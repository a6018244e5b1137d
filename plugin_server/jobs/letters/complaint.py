"""Tells the owners of a business by mail, once, that a customer gave a low score and waits for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from connectors.mail_types import Mail
from plugin_server import wiring
from plugin_server.db.customers import answers
from plugin_server.db.merchant import people
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.letters import plain as plain_mail
from plugin_server.jobs.queues import awake
from plugin_server.locales import catalogue
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
        wiring.mail_backend(services, merchant_id).send(_mail(who, found, services.settings.public_url))
    return len(owners)


def _mail(who: Person, found: Sequence[Row[Any]], public_url: str) -> Mail:
    sheet, reader, language = plain_mail.ours(who)
    say, waiting = catalogue(language), [one for one in found if one.thread]
    told = {f"score{place}": str(one.score) for place, one in enumerate(waiting)}
    links = {f"address{place}": f"{public_url}/conversations/{one.thread}" for place, one in enumerate(waiting)}
    # One address becomes the button; several are links behind their scores.
    before = "\n\n" if len(waiting) == 1 else ": "
    line = str(say["complaint_mail.line"]).format(score="{score%d}") + before + "{address%d}"
    lines = [line % (at, at) for at in range(len(waiting))]
    written = "\n\n".join([str(say["complaint_mail.text"]), *lines])
    return plain_mail.plain_mail(
        "complaint_mail", language, told, links, sheet=sheet, to=reader, category="complaint", text=written
    )
