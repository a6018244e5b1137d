"""Mails from customers: from the inbox onto their threads; and our answers, each handed over once."""

from __future__ import annotations

import uuid
from html import escape
from typing import Any

from sqlalchemy import Connection, Row

from campaigns.mail.replies import fresh
from connectors.addresses import BadAddress, wire_reference
from connectors.errors import BadPayload
from connectors.mail_types import Mail, Recipient, SendOutcome
from plugin_server import wiring
from plugin_server.db.customers import conversations
from plugin_server.db.session import tenant
from plugin_server.db.shops import inbox
from plugin_server.jobs.queues import awake
from plugin_server.jobs.sending import compose
from plugin_server.reply_token import Answered, read_reply_token
from plugin_server.wiring import Services


def drain_replies(merchant_id: int) -> None:
    """Job: work off what came in, one by one: each may be large."""
    services = wiring.services()
    awake(services.redis, drain_replies, merchant_id)
    while drain(services, merchant_id):
        pass


def drain(services: Services, merchant_id: int) -> int:
    """One mail of the inbox; gives how many there were."""
    with tenant(services.engine, merchant_id) as conn:
        rows = inbox.claim(conn, provider=wiring.MAIL_REPLIES, limit=1, now=services.now())
    for row in rows:
        with tenant(services.engine, merchant_id) as conn:
            state, note = _take(services, conn, merchant_id, row)
            inbox.settle(conn, [row.id], state, note, now=services.now())
    return len(rows)


def _take(services: Services, conn: Connection, merchant_id: int, row: Row[Any]) -> tuple[str, str]:
    try:
        reply = wiring.mail_reply(bytes(row.body), content_type=str(row.headers.get("content-type", "")))
    except BadPayload as error:
        return "failed", str(error)
    if reply.automatic:
        return "ignored", "written by a machine"
    if "@" not in reply.from_email:
        return "ignored", "it names no sender"
    keys = services.settings.keys
    answered = (read_reply_token(keys, merchant_id, address) for address in reply.to)
    known = conversations.take(
        conn, merchant_id, reply, fresh(reply.text, reply.html), services.now(), next(filter(None, answered), None)
    )
    return ("done", f"thread {known}") if known else ("done", "known already")


def send_answer(merchant_id: int, message_id: int) -> None:
    """Job: one answer."""
    services = wiring.services()
    awake(services.redis, send_answer, merchant_id, message_id)
    send(services, merchant_id, message_id)


def send(services: Services, merchant_id: int, message_id: int) -> str:
    """The same with given services; gives the state it reached. ``sending`` is written down before: sent once."""
    with tenant(services.engine, merchant_id) as conn:
        row = conversations.begin(conn, message_id)
        head = compose.letterhead(conn)
    if row is None:
        return ""
    subject = row.subject if row.subject.lower().startswith("re:") else f"Re: {row.subject}"
    mail = Mail(
        attempt_id=str(uuid.uuid4()),
        from_email=head.from_email,
        from_name=head.from_name,
        reply_to=compose.reply_to(services.settings.keys, head, Answered("t", row.thread)),
        subject=subject,
        html=f"<!doctype html><html><body><p>{escape(row.text).replace(chr(10), '<br>')}</p></body></html>",
        text=row.text,
        recipients=(Recipient(message_id=f"answer-{message_id}", email=row.email),),
        category="answer",
        in_reply_to=_usable(row.reference),
    )
    result = wiring.mail_backend(services, merchant_id).send(mail)
    refused = next(iter(result.refused.values()), "")
    states = {SendOutcome.ACCEPTED: "sent", SendOutcome.NOT_SENT: "failed", SendOutcome.IN_DOUBT: "in_doubt"}
    state = "failed" if refused else states[result.outcome]
    with tenant(services.engine, merchant_id) as conn:
        conversations.settle(conn, message_id, state, refused or result.detail)
    return state


def _usable(reference: str | None) -> str:
    # Some programs write ids that no header may hold; then the answer stands by itself.
    try:
        return wire_reference(reference or "")
    except BadAddress:
        return ""
