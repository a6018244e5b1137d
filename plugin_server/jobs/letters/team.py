"""Sends what members of teams are told: claimed, rendered, handed over once, settled."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy import Connection, Row

from campaigns.mail.compose import RenderedMail
from campaigns.mail.filters import locale_of
from campaigns.mail.liquid import TemplateError
from campaigns.mail.team_letters import team_letter, worth
from connectors.mail_types import Mail, Recipient
from connectors.types import Money
from plugin_server.db.campaigning import campaigns
from plugin_server.db.friends import team_letters, teams
from plugin_server.db.friends.teams import Found
from plugin_server.db.sending.ledger import Claimed
from plugin_server.db.session import tenant
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending import compose
from plugin_server.jobs.sending.compose import Letterhead
from plugin_server.locales import LANGUAGES
from plugin_server.vault import team_token
from plugin_server.wiring import Services


def send_letters(services: Services, world: Outside, merchant_id: int) -> int:
    """Send all letters that may go now; gives how many were handed over. A frozen store keeps all of them back."""
    sent = 0
    with tenant(services.engine, merchant_id) as conn:
        team_letters.free(conn, services.now(), repeatable=world.repeatable)
    while True:
        with tenant(services.engine, merchant_id) as conn:
            if campaigns.frozen_store(conn):
                return sent
            head, claimed = compose.letterhead(conn), team_letters.claim(conn, services.now())
            mails = [(row.id, _rendered(services, conn, head, row)) for row in claimed]
        if not mails:
            return sent
        for letter_id, mail in mails:
            if isinstance(mail, str):
                with tenant(services.engine, merchant_id) as conn:
                    team_letters.give_up(conn, letter_id, mail, services.now())
                continue
            result = world.mail.send(mail)
            sent += 1
            with tenant(services.engine, merchant_id) as conn:
                team_letters.settle(conn, letter_id, result, services.now())


def _rendered(services: Services, conn: Connection, head: Letterhead, row: Row[Any]) -> Mail | str:
    """The mail of a claimed letter; a sentence where it cannot be rendered."""
    team = teams.found(conn, row.team_id)
    language = next((wish for wish in ((row.language or "")[:2], head.locale) if wish in LANGUAGES), "en")
    own = compose.links(services.settings.keys, services.settings.public_url, head.merchant_id, row.customer_id, None)
    if team is None:
        return "The team is gone."
    try:
        made = _render(services, head, row, team, language, own)
    except TemplateError as error:
        return str(error)
    name = f"{row.first_name} {row.last_name}".strip()
    return Mail(
        attempt_id=row.attempt_id, from_email=head.from_email, from_name=head.from_name, reply_to=head.reply_to,
        subject=made.subject, html=made.html, text=made.text,
        recipients=(Recipient("", row.email, name, unsubscribe_url=own.unsubscribe),), category="team",
    )  # fmt: skip


def _render(
    services: Services, head: Letterhead, row: Row[Any], team: Found, language: str, own: compose.Links
) -> RenderedMail:
    reader = Claimed(
        0, row.customer_id, row.email, language, row.first_name, row.last_name, row.rung, None, row.code,
        row.expires_at, row.member_number,
    )  # fmt: skip
    theirs = compose.personal(reader, own, head, offered=bool(row.code))
    theirs["links"] |= {"team": f"{services.settings.public_url}/d/{_token(services, head, team)}"}
    if row.code:
        theirs["offer"] |= _offer(row, language)
    told = {
        "deal": team.deal, "founder": team.founder, "seats": team.now.seats, "left": team.now.left,
        "until": _until(team.now.deadline, compose.form_in(language, None, head), head.timezone),
    }  # fmt: skip
    common = {"shop": head.shop, "rungs": compose.steps(head.ladder, language), "team": told}
    return team_letter(_which(row, team), language).render(common, theirs)


def _which(row: Row[Any], team: Found) -> str:
    if row.kind == "reminder":
        return "reminder_order" if team.now.left == 0 else "reminder"
    return "consoled" if row.kind == "lapsed" and row.code else str(row.kind)


def _token(services: Services, head: Letterhead, team: Found) -> str:
    return team_token(services.settings.keys, head.merchant_id, team.id)


def _offer(row: Row[Any], language: str) -> dict[str, Any]:
    what = worth(row.code_kind, row.value, row.currency, language)
    made = {"what": what, "title": what[0].upper() + what[1:], "currency": row.currency}
    minimum = Money(row.minimum_minor, row.currency).amount
    return made | ({"minimum": format(minimum.normalize(), "f")} if minimum else {})


def _until(moment: datetime, form: str, timezone: str) -> str:
    """As in ``form_of``: month first and hours to twelve where it has a country, such as ``en-US``."""
    pattern = "MMM d, y, h:mm a" if "-" in form else "d MMM y, HH:mm"
    return format_datetime(moment, format=pattern, tzinfo=ZoneInfo(timezone), locale=locale_of(form))
