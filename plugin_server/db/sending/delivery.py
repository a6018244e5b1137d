"""What mail providers report, applied to messages, suppressions and consent. In any order, any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from campaigns.guards import must_pause
from campaigns.mail.ledger import MessageState, settle
from campaigns.reasons import Reason
from connectors.mail_types import DeliveryEvent, DeliveryKind
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import consents
from plugin_server.db.ladder import known
from plugin_server.db.sending import clicks, fences, messages

GONE: Final = ("bounced address", "invalid", "spam reporting address", "unsubscribed address")
"""Reasons of a provider to drop a mail that hold for every later mail as well."""
TAKEN: Final = (DeliveryKind.PROCESSED, DeliveryKind.DEFERRED)
SAYS_NO: Final = (DeliveryKind.UNSUBSCRIBED, DeliveryKind.COMPLAINED)


def apply(conn: Connection, merchant_id: int, events: Sequence[DeliveryEvent], now: datetime) -> int:
    """Write new reports down and let them act; gives how many were new.

    Messages only move up what reports prove. A report about one message of a request in doubt settles the whole
    request: providers take a request as a whole.
    """
    fresh = _insert(conn, merchant_id, events)
    new = _still_true(conn, list({event.dedupe: event for event in events if event.dedupe in fresh}.values()))
    _confirm_requests(conn, new, now)
    touched = _move(conn, new, now)
    clicks.read(
        conn, [number for event in new if event.kind in clicks.CONCERN and (number := _number(event.message_id))]
    )
    _heed(conn, merchant_id, new, touched, now)
    _stop_where_account_is(conn, new)
    if touched:
        people = sorted({row.customer_id for row in touched.values()})
        known.note_due(conn, merchant_id=merchant_id, customer_ids=people)
    for run_id in {row.run_id for row in touched.values()}:
        reason = must_pause(*messages.health(conn, run_id))
        if reason:
            campaigns.hold(conn, run_id, to="paused", reason=reason)
    return len(fresh)


def _still_true(conn: Connection, events: list[DeliveryEvent]) -> list[DeliveryEvent]:
    """Without reports that a request was taken which was called back since. Whatever arrived stays true."""
    taken = {event.dedupe: made for event in events if event.kind in TAKEN and (made := _uuid(event.attempt_id))}
    recalled = fences.recalled(conn, list(taken.values())) if taken else set()
    return [event for event in events if taken.get(event.dedupe) not in recalled]


def _insert(conn: Connection, merchant_id: int, events: Sequence[DeliveryEvent]) -> set[str]:
    if not events:
        return set()
    rows = conn.execute(
        text(
            "INSERT INTO delivery_event (merchant_id, dedupe, kind, message_id, attempt_id, email, reason, url, "
            "machine, occurred_at) SELECT :m, * FROM unnest(CAST(:dedupe AS text[]), CAST(:kind AS text[]), "
            "CAST(:message AS bigint[]), CAST(:attempt AS uuid[]), CAST(:email AS text[]), CAST(:reason AS text[]), "
            "CAST(:url AS text[]), CAST(:machine AS boolean[]), CAST(:at AS timestamptz[])) "
            "ON CONFLICT (merchant_id, dedupe) DO NOTHING RETURNING dedupe"
        ),
        {
            "m": merchant_id,
            "dedupe": [event.dedupe for event in events],
            "kind": [event.kind.value for event in events],
            "message": [_number(event.message_id) for event in events],
            "attempt": [_uuid(event.attempt_id) for event in events],
            "email": [event.email for event in events],
            "reason": [event.reason for event in events],
            "url": [event.url for event in events],
            "machine": [event.machine for event in events],
            "at": [event.occurred_at for event in events],
        },
    )
    return set(rows.scalars())


def _number(given: str | None) -> int | None:
    return int(given) if given and given.isascii() and given.isdigit() and len(given) < 19 else None


def _uuid(given: str | None) -> UUID | None:
    try:
        return UUID(given) if given else None
    except ValueError:
        return None


def _confirm_requests(conn: Connection, events: Sequence[DeliveryEvent], now: datetime) -> None:
    attempts = list({_uuid(event.attempt_id) for event in events} - {None})
    reported = list({_number(event.message_id) for event in events} - {None})
    confirm(conn, attempts, reported, now, "confirmed by a report")


def confirm(
    conn: Connection, attempts: Sequence[UUID | None], reported: Sequence[int | None], now: datetime, detail: str
) -> None:
    """These requests, or those that held these messages, were taken after all: whoever is in doubt was sent to."""
    confirmed = conn.execute(
        text(
            "UPDATE send_attempt SET state = 'accepted', detail = :detail, settled_at = :now "
            "WHERE (state IN ('sending', 'in_doubt') OR (state = 'not_sent' AND detail LIKE 'in doubt:%')) "
            "AND (id = ANY(:ids) OR id IN "
            "(SELECT attempt_id FROM message WHERE id = ANY(:messages))) RETURNING id"
        ),
        {"now": now, "ids": list(attempts), "messages": list(reported), "detail": detail},
    )
    ids = list(confirmed.scalars())
    if ids:
        conn.execute(
            text(
                "UPDATE message SET state = 'accepted', reason = '', accepted_at = :now, settled_at = NULL "
                "WHERE attempt_id = ANY(:ids) AND (state IN ('sending', 'in_doubt') "
                "OR (state = 'failed' AND reason LIKE 'in doubt:%'))"
            ),
            {"now": now, "ids": ids},
        )


def _move(conn: Connection, events: Sequence[DeliveryEvent], now: datetime) -> dict[int, Any]:
    ids = sorted({found for event in events if (found := _number(event.message_id)) is not None})
    if not ids:
        return {}
    rows = conn.execute(
        text("SELECT id, run_id, customer_id, state, reason FROM message WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"),
        {"ids": ids},
    ).all()
    known = {row.id: row for row in rows}
    state = {row.id: MessageState(row.state) for row in rows}
    reason = {row.id: row.reason for row in rows}
    for event in events:
        number = _number(event.message_id)
        if number not in state or number is None:
            continue
        moved = settle(state[number], event.kind)
        if moved is not state[number]:
            state[number], reason[number] = moved, event.reason
    _write(conn, state, reason, now)
    return known


def _write(conn: Connection, state: dict[int, MessageState], reason: dict[int, str], now: datetime) -> None:
    conn.execute(
        text(
            "UPDATE message m SET state = t.state, reason = t.reason, accepted_at = coalesce(m.accepted_at, :now), "
            "settled_at = CASE WHEN t.state = 'accepted' THEN NULL ELSE CAST(:now AS timestamptz) END "
            "FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[]), CAST(:reasons AS text[])) "
            "AS t(id, state, reason) WHERE m.id = t.id AND m.state <> t.state"
        ),
        {
            "ids": list(state),
            "states": [item.value for item in state.values()],
            "reasons": [reason[number] for number in state],
            "now": now,
        },
    )


def _heed(
    conn: Connection, merchant_id: int, events: Sequence[DeliveryEvent], touched: dict[int, Any], now: datetime
) -> None:
    gone = {event.email: f"{event.kind.value}: {event.reason}".rstrip(": ") for event in events if _for_good(event)}
    consents.suppress(conn, merchant_id, {email: why for email, why in gone.items() if email}, "mail provider", now)
    people = {
        touched[number].customer_id
        for event in events
        if event.kind in SAYS_NO and (number := _number(event.message_id)) in touched
    }
    unnamed = [event.email for event in events if event.kind in SAYS_NO and event.email and not event.message_id]
    if unnamed:
        found = text("SELECT id FROM customer WHERE merged_into IS NULL AND email_norm = ANY(:emails)")
        people |= set(conn.scalars(found, {"emails": [email.strip().lower() for email in unnamed]}))
    if people:
        consents.unsubscribe_many(conn, merchant_id, sorted(people), "mail provider", now, topic="promotions")


def _for_good(event: DeliveryEvent) -> bool:
    dropped = event.kind is DeliveryKind.DROPPED and event.reason.lower().startswith(GONE)
    return dropped or event.kind in (DeliveryKind.BOUNCED, DeliveryKind.COMPLAINED)


def _stop_where_account_is(conn: Connection, events: Sequence[DeliveryEvent]) -> None:
    stopped = [event for event in events if event.kind is DeliveryKind.ACCOUNT and "reactivate" not in event.reason]
    if stopped:
        detail = stopped[-1].reason
        sentence = f"The mail provider stopped the account: {detail}. Ask them, then resume."
        campaigns.hold_all(conn, to="paused", reason=Reason(sentence, "account_stopped", detail=detail))
