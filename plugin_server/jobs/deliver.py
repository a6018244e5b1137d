"""Sending: claim, render, write down, hand over once, settle."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from campaigns.mail.compose import Batch
from campaigns.mail.liquid import TemplateError
from campaigns.reasons import Reason
from connectors.types import Mail, Recipient, SendOutcome, SendResult
from plugin_server.db import campaigns, ledger
from plugin_server.db.campaigns import Run
from plugin_server.db.ledger import Claimed
from plugin_server.db.session import tenant
from plugin_server.jobs import compose
from plugin_server.jobs.compose import Letterhead
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services

BATCH: Final = 500
"""Recipients of one request: providers take 1000, but this many at most are in doubt together."""
SHELF_LIFE: Final = timedelta(days=7)


def deadline(run: Run) -> datetime:
    """After this a mail of the run would be stale: its offer is over, or a week has gone by."""
    offer = run.campaign.offer
    return run.due_at + (min(SHELF_LIFE, timedelta(days=offer.valid_days)) if offer else SHELF_LIFE)


def deliver(services: Services, world: Outside, run: Run) -> bool:
    """Send what is due, request by request; True when nothing is due any more, False where the run was put on hold."""
    while True:
        attempt_id = uuid4()
        with tenant(services.engine, run.merchant_id) as conn:
            if campaigns.run(conn, run.id).state != "sending":
                return False
            claimed, looked_at = ledger.claim(
                conn,
                run,
                attempt_id=attempt_id,
                backend=world.backend,
                limit=BATCH,
                now=services.now(),
                deadline=deadline(run),
            )
        if not looked_at:
            return True
        if claimed and not _send_claimed(services, world, run, attempt_id, claimed):
            return False


def _send_claimed(services: Services, world: Outside, run: Run, attempt_id: UUID, claimed: list[Claimed]) -> bool:
    try:
        mail, rest = _render(services, run, attempt_id, claimed)
    except TemplateError as error:
        language = claimed[0].language
        sentence = f"The mail in {language} cannot be rendered: {error}"
        return _stop(services, run, attempt_id, Reason(sentence, "cannot_render", language=language, detail=str(error)))
    if mail.recipients and not _hand_over(services, world, run, mail):
        _release(services, run, attempt_id)
        return False
    return _send_alone(services, world, run, attempt_id, rest) if rest else True


def _render(
    services: Services, run: Run, attempt_id: UUID, claimed: list[Claimed]
) -> tuple[Mail, list[tuple[Recipient, str, str, str]]]:
    """The bulk request, and those whose mail must go by itself. Whoever's mail cannot be rendered is settled here."""
    language = claimed[0].language
    with tenant(services.engine, run.merchant_id) as conn:
        head = compose.letterhead(conn)
        common = compose.shared(conn, run.campaign, head, run.occasion, language)
    message = compose.compiled(run.campaign, language)
    recipients, people = {}, []
    for reader in claimed:
        own = compose.links(
            services.settings.keys, services.settings.public_url, run.merchant_id, reader.customer_id, reader.message_id
        )
        name, id_ = f"{reader.first_name} {reader.last_name}".strip(), str(reader.message_id)
        recipients[id_] = Recipient(id_, reader.email, name, {}, own.unsubscribe)
        people.append((id_, compose.personal(reader, own, head, offered=run.campaign.offer is not None)))
    batch = message.batch(common, people, salt=attempt_id.hex)
    failed, alone = dict(batch.failed), []
    for id_, theirs in people:
        if id_ in batch.alone:
            try:
                whole = message.render(common, theirs)
                alone.append((recipients[id_], whole.subject, whole.html, whole.text))
            except TemplateError as error:
                failed[id_] = str(error)
    with tenant(services.engine, run.merchant_id) as conn:
        reasons = {int(id_): f"cannot be rendered: {why}" for id_, why in failed.items()}
        ledger.refuse(conn, attempt_id, reasons, services.now())
    return _bulk(run, head, attempt_id, batch, recipients), alone


def _bulk(run: Run, head: Letterhead, attempt_id: UUID, batch: Batch, recipients: dict[str, Recipient]) -> Mail:
    going = tuple(
        Recipient(known.message_id, known.email, known.name, fragments, known.unsubscribe_url)
        for id_, fragments in batch.fragments.items()
        for known in (recipients[id_],)
    )
    return _mail(run, head, attempt_id, (batch.subject, batch.html, batch.text), going)


def _mail(
    run: Run, head: Letterhead, attempt_id: UUID, parts: tuple[str, str, str], recipients: tuple[Recipient, ...]
) -> Mail:
    return Mail(
        attempt_id=str(attempt_id),
        from_email=head.from_email,
        from_name=head.from_name,
        reply_to=head.reply_to,
        subject=parts[0],
        html=parts[1],
        text=parts[2],
        recipients=recipients,
        category=run.campaign.key,
    )


def _send_alone(
    services: Services, world: Outside, run: Run, of: UUID, rest: list[tuple[Recipient, str, str, str]]
) -> bool:
    with tenant(services.engine, run.merchant_id) as conn:
        head = compose.letterhead(conn)
    for recipient, subject, html, text in rest:
        attempt_id = uuid4()
        with tenant(services.engine, run.merchant_id) as conn:
            ledger.part(conn, of=of, attempt_id=attempt_id, message_ids=[int(recipient.message_id)], now=services.now())
        mail = _mail(run, head, attempt_id, (subject, html, text), (recipient,))
        if not _hand_over(services, world, run, mail):
            _release(services, run, of)
            return False
    _release(services, run, of)
    return True


def _hand_over(services: Services, world: Outside, run: Run, mail: Mail) -> bool:
    """Make one request, once, with ``sending`` committed before it. False where the run must not go on now."""
    attempt_id = UUID(mail.attempt_id)
    body_hash = hashlib.sha256(f"{mail.subject}\0{mail.html}\0{mail.text}".encode()).hexdigest()
    with tenant(services.engine, run.merchant_id) as conn:
        begun = ledger.begin(
            conn, attempt_id=attempt_id, recipients=len(mail.recipients), body_hash=body_hash, now=services.now()
        )
    if not begun:
        _release(services, run, attempt_id)
        return False
    result = world.mail.send(mail)
    with tenant(services.engine, run.merchant_id) as conn:
        ledger.settle(conn, attempt_id, result, services.now())
        return _go_on(services, conn, run, result)


def _go_on(services: Services, conn: Connection, run: Run, result: SendResult) -> bool:
    if result.stop:
        sentence = f"The mail provider refuses to send: {result.detail}"
        campaigns.hold(conn, run.id, to="paused", reason=Reason(sentence, "provider_refuses", detail=result.detail))
        return False
    if result.outcome is SendOutcome.NOT_SENT and not result.refused:
        pause = timedelta(seconds=result.retry_after or ledger.BACKOFF.total_seconds())
        reason = Reason(f"The mail provider: {result.detail}", "provider_waits", detail=result.detail)
        campaigns.wait(conn, run.id, until=services.now() + pause, reason=reason)
        return False
    return True


def _stop(services: Services, run: Run, attempt_id: UUID, reason: str) -> bool:
    _release(services, run, attempt_id)
    with tenant(services.engine, run.merchant_id) as conn:
        campaigns.hold(conn, run.id, to="paused", reason=reason)
    return False


def _release(services: Services, run: Run, attempt_id: UUID) -> None:
    with tenant(services.engine, run.merchant_id) as conn:
        ledger.release(conn, attempt_id, now=services.now(), reason="taken back before it was sent")
