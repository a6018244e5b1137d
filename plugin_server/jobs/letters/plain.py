"""Letters of few words, made from phrases: to customers in the shop's name, to owners in ours."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from campaigns.mail.branding import Look
from campaigns.mail.plain import plain_letter
from connectors.mail_types import Mail, Recipient
from plugin_server.db.merchant.people import Person
from plugin_server.jobs.sending.compose import Letterhead
from plugin_server.locales import LANGUAGES, catalogue


@dataclass(frozen=True, slots=True)
class Sheet:
    """Who writes: the names on the letter, and in which look."""

    from_email: str
    from_name: str
    reply_to: str | None = None
    address: str = ""
    look: Look = field(default_factory=Look)


def of_shop(head: Letterhead, public_url: str) -> Sheet:
    """A shop's own, for letters to its customers."""
    address = str(head.shop["address"] or "")
    return Sheet(head.from_email, head.from_name, head.reply_to, address, head.look.at(public_url))


def ours(who: Person) -> tuple[Sheet, Recipient, str]:
    """What we write to a person who works with us: the sheet, the reader and their language."""
    reader = Recipient(message_id="", email=who.email, name=who.name)
    return Sheet(who.sender, "Tangga"), reader, spoken(who.locale, who.merchant_locale)


def spoken(*wishes: str | None) -> str:
    """The first of these languages that we speak; English where we speak none."""
    return next((wish[:2] for wish in wishes if wish and wish[:2] in LANGUAGES), "en")


def plain_mail(
    phrases: str,
    language: str,
    told: Mapping[str, str],
    links: Mapping[str, str],
    *,
    sheet: Sheet,
    to: Recipient,
    category: str,
    text: str = "",
) -> Mail:
    """The letter of ``phrases`` (``subject``, ``text``, ``button``), its ``{names}`` filled by ``told`` and ``links``.

    ``text`` is another text than the phrase's own. A value is never read as a phrase, a link or markup.
    """
    say = catalogue(language)
    subject, written, button = (str(say[f"{phrases}.{part}"]) for part in ("subject", "text", "button"))
    made = plain_letter(subject, text or written, button, language, frozenset(links), sheet.look)
    shop = {"name": sheet.from_name, "address": sheet.address}
    mail = made.render({"shop": shop, "said": {**told, **links}})
    return Mail(
        attempt_id=str(uuid.uuid4()), from_email=sheet.from_email, from_name=sheet.from_name, reply_to=sheet.reply_to,
        subject=mail.subject, html=mail.html, text=mail.text, recipients=(to,), category=category,
    )  # fmt: skip
