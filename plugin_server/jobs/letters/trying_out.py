"""A mail to whoever looks after the mail account, by which they see that mails leave and arrive."""

from __future__ import annotations

from dataclasses import replace

from connectors.mail_types import SendResult
from plugin_server import wiring
from plugin_server.db.merchant.people import Person
from plugin_server.jobs.letters import plain as plain_mail
from plugin_server.wiring import Services


def send(services: Services, who: Person) -> SendResult:
    """Hand it over while the person waits, in bounded time, from the sender that campaigns have."""
    sheet, reader, language = plain_mail.ours(who)
    mail = plain_mail.plain_mail(
        "tryout_mail",
        language,
        {"shop": who.merchant_name, "sender": sheet.from_email},
        {"address": f"{services.settings.public_url}/mail/health"},
        sheet=replace(sheet, from_name=who.merchant_name),
        to=reader,
        category="test",
    )
    return wiring.try_mail(services, who.merchant_id, mail)
