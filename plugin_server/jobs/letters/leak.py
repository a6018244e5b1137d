"""Tells the owner of a code that a stranger used of the new one: once, and only those who said yes to mails."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from babel.dates import format_date

from campaigns.mail.filters import locale_of
from connectors.mail_types import Mail, Recipient, SendOutcome
from plugin_server.db.offers import code_watch
from plugin_server.db.offers.code_watch import ToTell
from plugin_server.db.session import tenant
from plugin_server.jobs.letters import plain as plain_mail
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending import compose
from plugin_server.jobs.sending.compose import Letterhead
from plugin_server.locales import catalogue
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
    language = plain_mail.spoken(owner.language, head.locale)
    own = compose.links(services.settings.keys, services.settings.public_url, head.merchant_id, owner.customer_id, None)
    form = compose.form_in(language, None, head)
    until = format_date(owner.expires_at.astimezone(ZoneInfo(head.timezone)).date(), "long", locale_of(form))
    name = owner.first_name or str(catalogue(language)["leak_mail.nameless"])
    return plain_mail.plain_mail(
        "leak_mail",
        language,
        {"name": name, "shop": head.from_name, "code": owner.code, "until": until},
        {"card": own.page, "unsubscribe": own.unsubscribe},
        sheet=plain_mail.of_shop(head, services.settings.public_url),
        to=Recipient("", owner.email, owner.first_name, {}, own.unsubscribe),
        category="code",
    )
