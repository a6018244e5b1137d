"""Asks somebody who signed up to confirm it from their mailbox. No promotion, and sent once for each sign-up."""

from __future__ import annotations

from sqlalchemy import text

from connectors.mail_types import Recipient
from plugin_server import wiring
from plugin_server.db.customers import topics
from plugin_server.db.session import tenant
from plugin_server.jobs.letters import plain as plain_mail
from plugin_server.jobs.queues import awake
from plugin_server.jobs.sending import compose
from plugin_server.vault import CustomerLink, customer_token, team_token
from plugin_server.wiring import Services

SIGN_UP = "confirm_mail"
FRIEND = "friend_mail"
APPROVED = "approved_mail"
TEAM = "team_mail"


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


def send_approved(merchant_id: int, customer_id: int) -> None:
    """Job: tells a friend whom a person looked at that the code they asked for stands on their page."""
    services = wiring.services()
    awake(services.redis, send_approved, merchant_id, customer_id)
    send(services, merchant_id, customer_id, phrases=APPROVED, to="")


def send_team(merchant_id: int, customer_id: int, team_id: int) -> None:
    """Job: the same for somebody who asked for a seat in a team; their click takes it."""
    services = wiring.services()
    awake(services.redis, send_team, merchant_id, customer_id, team_id)
    page = f"team/{team_token(services.settings.keys, merchant_id, team_id)}"
    send(services, merchant_id, customer_id, phrases=TEAM, to=page)


def send(
    services: Services, merchant_id: int, customer_id: int, *, phrases: str = SIGN_UP, to: str = "confirm"
) -> bool:
    """The same with given services; False where nothing waits to be confirmed or the address must not be mailed.

    ``phrases`` is where the words are, ``to`` the page with the button.
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
    token = customer_token(services.settings.keys, CustomerLink(merchant_id, customer_id))
    mail = plain_mail.plain_mail(
        phrases,
        plain_mail.spoken(person.language, head.locale),
        {"shop": head.from_name},
        {"address": f"{services.settings.public_url}/c/{token}/{to}".rstrip("/")},
        sheet=plain_mail.of_shop(head, services.settings.public_url),
        to=Recipient(message_id="", email=person.email, name=person.first_name),
        category="confirmation",
    )
    wiring.mail_backend(services, merchant_id).send(mail)
    return True
