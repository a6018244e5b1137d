"""Sends a campaign's mail to the person who asks, as a sample reader would get it: no code works, no link does."""

from __future__ import annotations

import uuid

from campaigns.series_parts import letters
from connectors.mail_types import Mail, Recipient
from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import people
from plugin_server.db.session import tenant
from plugin_server.jobs.queues import awake
from plugin_server.jobs.sending import compose, samples
from plugin_server.wiring import Services


def send_test(merchant_id: int, user_id: int, key: str) -> None:
    """Job: one mail for each language of the campaign, and of each step of a series."""
    services = wiring.services()
    awake(services.redis, send_test, merchant_id, user_id, key)
    send(services, merchant_id, user_id, key)


def send(services: Services, merchant_id: int, user_id: int, key: str) -> int:
    """The same with given services; gives how many mails were handed over. Raises ``TemplateError``."""
    with tenant(services.engine, merchant_id) as conn:
        who, saved = people.person(conn, user_id), campaigns.get(conn, key)
        if who is None or saved is None:
            return 0
        head = compose.letterhead(conn)
        mails = [
            (
                language,
                samples.preview_mail(
                    conn, letter, public_url=services.settings.public_url, now=services.now(), language=language
                ),
            )
            for _, letter in letters(saved.campaign)
            for language in letter.message
        ]
    for language, mail in mails:
        wiring.mail_backend(services, merchant_id).send(
            Mail(
                attempt_id=str(uuid.uuid4()),
                from_email=head.from_email,
                from_name=head.from_name,
                reply_to=head.reply_to,
                subject=f"[{language.upper()}] {mail.subject}",
                html=mail.html,
                text=mail.text,
                recipients=(Recipient(message_id=f"test-{uuid.uuid4()}", email=who.email, name=who.name),),
                category="test",
            )
        )
    return len(mails)
