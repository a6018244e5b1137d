"""Sending: claim, render, write down, hand over once, settle."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from campaigns.mail.compose import Batch
from campaigns.mail.fence import HELD, Hold, held
from campaigns.mail.liquid import TemplateError
from campaigns.mail.pace import Pace
from campaigns.offers.offer import stands
from campaigns.reasons import Reason
from campaigns.schema import Campaign
from connectors.errors import ConnectorError
from connectors.mail_types import Mail, Recipient, SendOutcome, SendResult
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.sending import ledger, sender
from plugin_server.db.sending import outcome as ledger_outcome
from plugin_server.db.sending.ledger import Claimed
from plugin_server.db.sending.waiting import Place
from plugin_server.db.session import lookups, tenant
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending import compose, stocking, supplied
from plugin_server.jobs.sending.compose import Letterhead, Tags
from plugin_server.jobs.series.leaving import staying
from plugin_server.reply_token import Answered, reply_token
from plugin_server.wiring import Services

BATCH: Final = 500
"""Recipients of one request: providers take 1000, but this many at most are in doubt together."""
SALT: Final = 12
"""Letters of the attempt's id that mark personal parts: enough not to be guessed, and they are in every tag."""
FRESH: Final = timedelta(minutes=1)
SHELF_LIFE: Final = timedelta(days=7)


def deadline(run: Run) -> datetime:
    """After this a mail of the run would be stale: its offer is over, or a week has gone by."""
    # The same for all variants, or one would be written to for longer than another.
    lasts = [timedelta(days=stands(told.offer)) for told in run.campaign.told_apart.values() if told.offer]
    return run.due_at + min([SHELF_LIFE, *lasts])


@dataclass(slots=True)
class _Desk:
    """What the requests of one run have in common, read anew every minute: people change their settings."""

    services: Services
    world: Outside
    run: Run
    _head: Letterhead | None = None
    _common: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _pace: Pace | None = None
    _tags: Tags | None = None
    _read_at: datetime | None = None
    _batch: str = ""
    _told: dict[tuple[str, str], Campaign] = field(default_factory=dict)
    place: Place = field(default_factory=Place)

    @property
    def fenced(self) -> bool:
        """Whether requests of this run wait at the provider, so that they can be called back."""
        return self.run.campaign.guards.fenced and self.world.fence is not None

    def fence(self) -> None:
        """Have a batch of the provider at hand. Asks the provider, outside of any transaction; ``ConnectorError``."""
        if self.fenced and self.world.fence and not self._batch:
            self._batch = self.world.fence.open()

    def hold(self, now: datetime) -> Hold | None:
        """The fence of the request that is made now: each has one of its own."""
        batch, self._batch = self._batch, ""
        return held(batch, now) if batch else None

    def head(self, conn: Connection) -> Letterhead:
        """Who writes."""
        now = self.services.now()
        if self._head is None or self._read_at is None or now - self._read_at >= FRESH:
            self._head, self._read_at, self._common, self._pace = compose.letterhead(conn), now, {}, None
            self._told = {}
            self._tags = compose.tags_of(conn, self.run, self._head)
        return self._head

    def told(self, conn: Connection, variant: str, form: str) -> Campaign:
        """What readers of a variant are told, with the goods that are sold now, priced in the form of one language."""
        self.head(conn)
        if (variant, form) not in self._told:
            try:
                self._told[variant, form] = stocking.stocked(conn, self.run.campaign.told(variant), form=form)
            except TemplateError as error:
                raise _CannotRender(Reason(str(error), "no_goods")) from error
        return self._told[variant, form]

    def pace(self, conn: Connection) -> Pace:
        """How fast it may go."""
        self.head(conn)
        if self._pace is None:
            self._pace = sender.pace(conn)
        return self._pace

    @property
    def tags(self) -> Tags | None:
        """What links into shops carry; read with the head."""
        return self._tags

    def common(self, conn: Connection, language: str, variant: str) -> dict[str, Any]:
        """Variables that are equal for all readers of a language and variant."""
        head, key = self.head(conn), (language, variant)
        if key not in self._common:
            told = self.run.campaign.told(variant)
            self._common[key] = compose.shared(conn, told, head, self.run.occasion, language)
        return self._common[key]


@dataclass(frozen=True, slots=True)
class _Alone:
    """A mail that goes by itself, its message claimed under an attempt of its own."""

    attempt_id: UUID
    mail: Mail


@dataclass(frozen=True, slots=True)
class _Ready:
    """What one look at the ledger gave: how many messages were looked at, and the requests that are to be made."""

    looked_at: int
    bulk: Mail | None = None
    alone: tuple[_Alone, ...] = ()


def deliver(services: Services, world: Outside, run: Run) -> bool:
    """Send what is due, request by request; True when nothing is due any more, False where the run was put on hold."""
    desk = _Desk(services, world, run)
    while True:
        try:
            desk.fence()
            with lookups(services.engine, run.merchant_id) as conn:
                ready = _prepare(desk, conn, services.now())
        except _CannotRender as error:
            return _stop(services, run, error.reason)
        except ConnectorError as error:
            return _no_fence(services, run, error)
        if ready is None:
            return False
        if not ready.looked_at:
            return True
        if not _send(desk, ready):
            return False


def _send(desk: _Desk, ready: _Ready) -> bool:
    goes_on = ready.bulk is None or _hand_over(desk, ready.bulk)
    for one in ready.alone:
        goes_on = goes_on and _send_alone(desk, one)
        if not goes_on:
            _release(desk.services, desk.run, one.attempt_id)
    return goes_on


def _send_alone(desk: _Desk, one: _Alone) -> bool:
    try:
        desk.fence()
    except ConnectorError as error:
        return _no_fence(desk.services, desk.run, error)
    hold = desk.hold(desk.services.now())
    return _begin(desk, one, hold) and _hand_over(desk, _behind(one.mail, hold))


def _behind(mail: Mail, hold: Hold | None) -> Mail:
    return replace(mail, batch_id=hold.batch_id, send_at=hold.send_at) if hold else mail


def _no_fence(services: Services, run: Run, error: ConnectorError) -> bool:
    """The provider gives no fence: the run waits for one, or for the person who grants us the right to it."""
    with tenant(services.engine, run.merchant_id) as conn:
        if error.permanent:
            sentence = f"The mail provider refuses to send: {error.sentence}"
            reason = Reason(sentence, "provider_refuses", detail=error.sentence)
            campaigns.hold(conn, run.id, to="paused", reason=reason)
        else:
            pause = timedelta(seconds=error.retry_after or ledger_outcome.BACKOFF.total_seconds())
            reason = Reason(f"The mail provider: {error.sentence}", "provider_waits", detail=error.sentence)
            campaigns.wait(conn, run.id, until=services.now() + pause, reason=reason)
    return False


class _CannotRender(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def _prepare(desk: _Desk, conn: Connection, now: datetime) -> _Ready | None:
    """Take due messages, render them and write ``sending`` down, all in one transaction; None where sending must rest.

    Rendering asks nobody outside and takes milliseconds, so the rows may stay locked meanwhile.
    """
    run, backend = desk.run, desk.world.backend
    ledger.turn(conn, run.merchant_id)
    room = sender.room_now(conn, desk.pace(conn), now, min(BATCH, desk.world.at_once))
    if room.until and room.reason:
        campaigns.wait(conn, run.id, until=room.until, reason=room.reason)
        return None
    leaves = now + HELD if desk.fenced else now
    readers, looked_at = ledger.due(
        conn,
        run,
        limit=room.mails,
        now=now,
        deadline=deadline(run),
        points=compose.prints(run.campaign, "points"),
        cart=compose.prints(run.campaign, "cart"),
        leaves=leaves,
        place=desk.place,
    )
    if run.step and readers:
        readers = staying(conn, run, readers, now)
    if not readers:
        return _Ready(looked_at)
    readers = _of_one_form(readers, desk.head(conn))
    if compose.prints(run.campaign, "supply"):
        readers = supplied.told(conn, run, readers, desk.head(conn).timezone, now)
    attempt_id, by_id = uuid4(), {str(reader.message_id): reader for reader in readers}
    bulk, whole, failed = _render(desk, conn, attempt_id, readers)
    ledger.unsendable(conn, {int(id_): f"cannot be rendered: {why}" for id_, why in failed.items()}, now)
    if bulk.recipients:
        going = [by_id[recipient.message_id] for recipient in bulk.recipients]
        bulk = _behind(bulk, hold := desk.hold(now))
        if not ledger.begin_with(conn, run, attempt_id, backend, going, body_hash=_hash(bulk), now=now, hold=hold):
            return None
    alone = []
    for mail in whole:
        ledger.prepare(conn, run, UUID(mail.attempt_id), backend, [by_id[mail.recipients[0].message_id]], now)
        alone.append(_Alone(UUID(mail.attempt_id), mail))
    return _Ready(looked_at, bulk if bulk.recipients else None, tuple(alone))


def _of_one_form(readers: list[Claimed], head: Letterhead) -> list[Claimed]:
    """Those who write days and money as most of them do: one request has one form. The others stay due, and come next
    time around."""
    forms = [compose.form(reader, head) for reader in readers]
    usual = Counter(forms).most_common(1)[0][0]
    return [reader for reader, form in zip(readers, forms, strict=True) if form == usual]


def _render(
    desk: _Desk, conn: Connection, attempt_id: UUID, readers: list[Claimed]
) -> tuple[Mail, list[Mail], dict[str, str]]:
    """The bulk request, mails that must go by themselves, and whose mail cannot be rendered (message id → why)."""
    run, language, settings = desk.run, readers[0].language, desk.services.settings
    head, common = desk.head(conn), desk.common(conn, language, readers[0].variant)
    form = compose.form(readers[0], head)
    told = desk.told(conn, readers[0].variant, form)
    recipients, people = {}, []
    for reader in readers:
        own = compose.links(settings.keys, settings.public_url, run.merchant_id, reader.customer_id, reader.message_id)
        name, id_ = f"{reader.first_name} {reader.last_name}".strip(), str(reader.message_id)
        recipients[id_] = Recipient(id_, reader.email, name, {}, own.unsubscribe)
        people.append((id_, compose.personal(reader, own, head, offered=told.offer is not None)))
    salt = attempt_id.hex[:SALT]
    try:
        message = compose.compiled(told, language, desk.tags, head.look.at(settings.public_url), form)
        batch = message.batch(common, people, salt=salt)
    except TemplateError as error:
        sentence = f"The mail in {language} cannot be rendered: {error}"
        raise _CannotRender(Reason(sentence, "cannot_render", language=language, detail=str(error))) from error
    failed, whole = dict(batch.failed), []
    for id_, theirs in people:
        if id_ in batch.alone:
            try:
                one = message.render(common, theirs)
                back = compose.reply_to(settings.keys, head, Answered("m", int(id_)))
                whole.append(_mail(run, head, uuid4(), (one.subject, one.html, one.text), (recipients[id_],), back))
            except TemplateError as error:
                failed[id_] = str(error)
    back = _replies(settings.keys, head, batch, f"-{salt}r_")
    return _bulk(run, head, attempt_id, batch, recipients, back), whole, failed


def _replies(keys: Sequence[str], head: Letterhead, batch: Batch, tag: str) -> str:
    """The address for replies with everybody's own token as one more fragment; the merchant's own without a domain."""
    if not head.reply_domain:
        return head.reply_to
    for id_, fragments in batch.fragments.items():
        fragments[tag] = reply_token(keys, head.merchant_id, Answered("m", int(id_)))
    return f"{tag}@{head.reply_domain}"


def _bulk(
    run: Run, head: Letterhead, attempt_id: UUID, batch: Batch, recipients: dict[str, Recipient], back: str
) -> Mail:
    going = tuple(
        Recipient(known.message_id, known.email, known.name, fragments, known.unsubscribe_url)
        for id_, fragments in batch.fragments.items()
        for known in (recipients[id_],)
    )
    return _mail(run, head, attempt_id, (batch.subject, batch.html, batch.text), going, back)


def _mail(
    run: Run,
    head: Letterhead,
    attempt_id: UUID,
    parts: tuple[str, str, str],
    recipients: tuple[Recipient, ...],
    back: str,
) -> Mail:
    return Mail(
        attempt_id=str(attempt_id),
        from_email=head.from_email,
        from_name=head.from_name,
        reply_to=back,
        subject=parts[0],
        html=parts[1],
        text=parts[2],
        recipients=recipients,
        category=run.campaign.key,
        tracked=head.tracked,
    )


def _hash(mail: Mail) -> str:
    return hashlib.sha256(f"{mail.subject}\0{mail.html}\0{mail.text}".encode()).hexdigest()


def _begin(desk: _Desk, one: _Alone, hold: Hold | None) -> bool:
    with lookups(desk.services.engine, desk.run.merchant_id) as conn:
        return ledger.begin(
            conn, attempt_id=one.attempt_id, recipients=1, body_hash=_hash(one.mail), now=desk.services.now(), hold=hold
        )


def _hand_over(desk: _Desk, mail: Mail) -> bool:
    """Make one request, once; ``sending`` was committed before. False where the run must not go on now."""
    result = desk.world.mail.send(mail)
    with lookups(desk.services.engine, desk.run.merchant_id) as conn:
        ledger_outcome.settle(conn, UUID(mail.attempt_id), result, desk.services.now())
        return _go_on(desk.services, conn, desk.run, result)


def _go_on(services: Services, conn: Connection, run: Run, result: SendResult) -> bool:
    if result.stop:
        sentence = f"The mail provider refuses to send: {result.detail}"
        campaigns.hold(conn, run.id, to="paused", reason=Reason(sentence, "provider_refuses", detail=result.detail))
        return False
    if result.outcome is SendOutcome.NOT_SENT and not result.refused:
        pause = timedelta(seconds=result.retry_after or ledger_outcome.BACKOFF.total_seconds())
        reason = Reason(f"The mail provider: {result.detail}", "provider_waits", detail=result.detail)
        campaigns.wait(conn, run.id, until=services.now() + pause, reason=reason)
        return False
    return True


def _stop(services: Services, run: Run, reason: str) -> bool:
    with tenant(services.engine, run.merchant_id) as conn:
        campaigns.hold(conn, run.id, to="paused", reason=reason)
    return False


def _release(services: Services, run: Run, attempt_id: UUID) -> None:
    with lookups(services.engine, run.merchant_id) as conn:
        ledger_outcome.release(conn, attempt_id, now=services.now(), reason="taken back before it was sent")
