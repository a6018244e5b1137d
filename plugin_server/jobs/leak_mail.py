"""Tells the owner of a code that a stranger used of the new one: once, and only those who said yes to mails."""

from __future__ import annotations

import uuid
from zoneinfo import ZoneInfo

from markupsafe import escape

from connectors.mail_types import Mail, Recipient, SendOutcome
from plugin_server.db import code_watch
from plugin_server.db.code_watch import ToTell
from plugin_server.db.session import tenant
from plugin_server.jobs import compose
from plugin_server.jobs.compose import Letterhead
from plugin_server.jobs.outside import Outside
from plugin_server.locales import LANGUAGES, catalogue
from plugin_server.wiring import Services


def tell(services: Services, world: Outside, merchant_id: int) -> int:
    """Write to owners of new codes who said yes to mails, each at most once; gives how many mails left."""
    with tenant(services.engine, merchant_id) as conn:
        owners = code_watch.claim_untold(conn, services.now())
        head = compose.letterhead(conn)
    sent = 0
    for owner in owners:
        result = world.mail.send(_mail(services, head, owner))
        if result.outcome is SendOutcome.NOT_SENT and not result.refused:
            with tenant(services.engine, merchant_id) as conn:
                code_watch.untold(conn, owner.leak_id)
        else:
            sent += 1
    return sent


def _mail(services: Services, head: Letterhead, owner: ToTell) -> Mail:
    language = next((wish for wish in ((owner.language or "")[:2], head.locale) if wish in LANGUAGES), "en")
    own = compose.links(services.settings.keys, services.settings.public_url, head.merchant_id, owner.customer_id, None)
    say = {key: str(phrase) for key, phrase in catalogue(language).items() if key.startswith("leak_mail.")}
    until = owner.expires_at.astimezone(ZoneInfo(head.timezone)).date().isoformat()
    told = {"name": owner.first_name, "shop": head.from_name, "code": owner.code, "until": until}
    told |= {"card": own.page, "unsubscribe": own.unsubscribe, "address": head.shop["address"]}
    written = say["leak_mail.text"].format(**told)
    html = "".join(f"<p>{_linked(part, own.page, own.unsubscribe)}</p>" for part in written.split("\n\n"))
    return Mail(
        attempt_id=str(uuid.uuid4()),
        from_email=head.from_email,
        from_name=head.from_name,
        reply_to=head.reply_to,
        subject=say["leak_mail.subject"].format(**told),
        html=f'<!doctype html><html lang="{language}"><body>{html}</body></html>',
        text=written,
        recipients=(Recipient("", owner.email, owner.first_name, {}, own.unsubscribe),),
        category="code",
    )


def _linked(part: str, *addresses: str) -> str:
    shown = str(escape(part))
    for address in sorted((str(escape(one)) for one in addresses), key=len, reverse=True):
        if shown.rstrip().endswith(address):
            return shown.replace(address, f'<a href="{address}">{address}</a>')
    return shown
