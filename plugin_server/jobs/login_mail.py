"""Sends a log-in link. A job of its own, so that the answer to the form takes equally long for every address."""

from __future__ import annotations

import uuid

from markupsafe import escape

from connectors.mail_types import Mail, Recipient
from plugin_server import wiring
from plugin_server.db import people
from plugin_server.db.session import tenant
from plugin_server.jobs.queues import awake
from plugin_server.locales import LANGUAGES, catalogue
from plugin_server.wiring import Services


def send_login(merchant_id: int, user_id: int) -> None:
    """Make a link for this person and mail it. Nobody (0, 0) gets nothing."""
    services = wiring.services()
    awake(services.redis, send_login, merchant_id, user_id)
    if merchant_id:
        send(services, merchant_id, user_id)


def send(services: Services, merchant_id: int, user_id: int) -> None:
    """The same with given services. A mail that may have gone out is not sent again: the person asks anew."""
    with tenant(services.engine, merchant_id) as connection:
        who = people.person(connection, user_id)
        if who is None:
            return
        token = people.issue_link(connection, merchant_id, user_id, services.now())
    wiring.mail_backend(services).send(_mail(who, f"{services.settings.public_url}/login/{token}"))


def _mail(who: people.Person, address: str) -> Mail:
    language = next((wish for wish in (who.locale, who.merchant_locale) if wish in LANGUAGES), "en")
    say = {key: str(phrase) for key, phrase in catalogue(language).items() if key.startswith("login_mail.")}
    text = say["login_mail.text"].format(shop=who.merchant_name, address=address)
    html = "".join(f"<p>{line}</p>" for line in _escaped(text, address).split("\n\n"))
    return Mail(
        attempt_id=str(uuid.uuid4()),
        from_email=who.sender,
        from_name=who.merchant_name,
        reply_to=None,
        subject=say["login_mail.subject"].format(shop=who.merchant_name),
        html=f'<!doctype html><html lang="{language}"><body>{html}</body></html>',
        text=text,
        recipients=(Recipient(message_id="", email=who.email, name=who.name),),
        category="login",
    )


def _escaped(text: str, address: str) -> str:
    return str(escape(text)).replace(str(escape(address)), f'<a href="{escape(address)}">{escape(address)}</a>')
