"""Asks somebody who signed up to confirm it from their mailbox. No promotion, and sent once for each sign-up."""

from __future__ import annotations

import uuid

from markupsafe import escape
from sqlalchemy import text

from connectors.mail_types import Mail, Recipient
from plugin_server import wiring
from plugin_server.db import topics
from plugin_server.db.session import tenant
from plugin_server.jobs import compose
from plugin_server.jobs.queues import awake
from plugin_server.locales import LANGUAGES, catalogue
from plugin_server.vault import CustomerLink, customer_token, team_token
from plugin_server.wiring import Services

SIGN_UP = ("confirm_mail.subject", "confirm_mail.text")
FRIEND = ("friend_mail.subject", "friend_mail.text")
TEAM = ("team_mail.subject", "team_mail.text")


def send_confirmation(merchant_id: int, customer_id: int) -> None:
    """Job: the one mail."""
    services = wiring.services()
    awake(services.redis, send_confirmation, merchant_id, customer_id)
    send(services, merchant_id, customer_id)


def send_friend(merchant_id: int, customer_id: int) -> None:
    """Job: the same for a friend, whose confirmation asks for the friend's price as well."""
    services = wiring.services()
    awake(services.redis, send_friend, merchant_id, customer_id)
    send(services, merchant_id, customer_id, phrases=FRIEND, to="friend")


def send_team(merchant_id: int, customer_id: int, team_id: int) -> None:
    """Job: the same for somebody who asked for a seat in a team; their click takes it."""
    services = wiring.services()
    awake(services.redis, send_team, merchant_id, customer_id, team_id)
    page = f"team/{team_token(services.settings.keys, merchant_id, team_id)}"
    send(services, merchant_id, customer_id, phrases=TEAM, to=page)


def send(
    services: Services, merchant_id: int, customer_id: int, *, phrases: tuple[str, str] = SIGN_UP, to: str = "confirm"
) -> bool:
    """The same with given services; False where nothing waits to be confirmed or the address must not be mailed.

    ``phrases`` are the keys of subject and text, ``to`` the page with the button.
    """
    with tenant(services.engine, merchant_id) as conn:
        head = compose.letterhead(conn)
        person = conn.execute(
            text(
                "SELECT email, language, first_name FROM customer c WHERE id = :id AND merged_into IS NULL "
                "AND email IS NOT NULL AND NOT EXISTS (SELECT FROM suppression s WHERE s.email_norm = c.email_norm)"
            ),
            {"id": customer_id},
        ).one_or_none()
        if person is None or not (to != "confirm" or "pending" in topics.said(conn, customer_id).values()):
            return False
    language = next((wish for wish in ((person.language or "")[:2], head.locale) if wish in LANGUAGES), "en")
    token = customer_token(services.settings.keys, CustomerLink(merchant_id, customer_id))
    address = f"{services.settings.public_url}/c/{token}/{to}"
    subject, written = (str(catalogue(language)[key]) for key in phrases)
    written = written.format(shop=head.from_name, address=address)
    lines = str(escape(written)).replace(str(escape(address)), f'<a href="{escape(address)}">{escape(address)}</a>')
    html = "".join(f"<p>{line}</p>" for line in lines.split("\n\n"))
    wiring.mail_backend(services).send(
        Mail(
            attempt_id=str(uuid.uuid4()),
            from_email=head.from_email,
            from_name=head.from_name,
            reply_to=head.reply_to,
            subject=subject.format(shop=head.from_name),
            html=f'<!doctype html><html lang="{language}"><body>{html}</body></html>',
            text=written,
            recipients=(Recipient(message_id="", email=person.email, name=person.first_name),),
            category="confirmation",
        )
    )
    return True
