"""Sends a log-in link. A job of its own, so that the answer to the form takes equally long for every address."""

from __future__ import annotations

from dataclasses import replace

from plugin_server import wiring
from plugin_server.db.merchant import people
from plugin_server.db.session import tenant
from plugin_server.jobs.letters import plain as plain_mail
from plugin_server.jobs.queues import awake
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
    sheet, reader, language = plain_mail.ours(who)
    mail = plain_mail.plain_mail(
        "login_mail",
        language,
        {"shop": who.merchant_name},
        {"address": f"{services.settings.public_url}/login/{token}"},
        sheet=replace(sheet, from_name=who.merchant_name),
        to=reader,
        category="login",
    )
    wiring.mail_backend(services, merchant_id).send(mail)
