"""The end of an attempt in the send ledger: what its outcome does to each of its messages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from connectors.mail_types import SendOutcome, SendResult
from plugin_server.db.sending.doubts import doubt, doubt_some
from plugin_server.db.sending.ledger import NAMED, STATE, own, refuse

MAX_TRIES: Final = 5
BACKOFF: Final = timedelta(seconds=60)
PATIENCE: Final = (0, 5, 15, 60, 240, 480)
"""Minutes at least between the tries of one mail that a server neither takes nor refuses: half a day, which lets
greylisting pass, and then it is given up so that it holds nothing up."""


def release(conn: Connection, attempt_id: UUID, *, now: datetime, reason: str) -> int:
    """Take back a prepared attempt: nothing has left the house, its messages are planned again."""
    closed = conn.execute(
        text(
            "UPDATE send_attempt SET state = 'not_sent', detail = :reason, settled_at = :now "
            "WHERE id = :id AND state = 'prepared'"
        ),
        {"id": attempt_id, "reason": reason, "now": now},
    ).rowcount
    if not closed:
        return 0
    return conn.execute(
        text(
            "UPDATE message m SET state = 'planned', attempt_id = NULL, claimed_at = NULL, reason = :reason "
            f"WHERE attempt_id = :id AND {STATE} = 'claimed'"
        ),
        {"id": attempt_id, "reason": reason},
    ).rowcount


def settle(conn: Connection, attempt_id: UUID, result: SendResult, now: datetime) -> None:
    """Write down what the provider answered. An answer that comes after the sweeper gave up still counts.

    Recipients named in the answer get the fate it names; the outcome holds for the others alone. With one in doubt the
    attempt stays open, so that the sweeper ends the doubt.
    """
    state = {SendOutcome.ACCEPTED: "accepted", SendOutcome.NOT_SENT: "not_sent", SendOutcome.IN_DOUBT: "in_doubt"}
    doubtful = {int(number): reason for number, reason in result.doubtful.items()}
    conn.execute(
        text(
            "UPDATE send_attempt SET state = :state, detail = :detail, provider_reference = :ref, "
            "settled_at = CASE WHEN :state = 'in_doubt' THEN NULL ELSE CAST(:now AS timestamptz) END "
            "WHERE id = :id AND state || '' IN ('sending', 'in_doubt')"
        ),
        {
            "id": attempt_id,
            "state": "in_doubt" if doubtful else state[result.outcome],
            "detail": result.detail,
            "ref": result.provider_reference,
            "now": now,
        },
    )
    refuse(conn, attempt_id, {int(number): reason for number, reason in result.refused.items()}, now)
    doubt_some(conn, attempt_id, doubtful)
    _put_back(conn, attempt_id, result, now)
    if result.outcome is SendOutcome.ACCEPTED:
        _accept(conn, attempt_id, list(doubtful), result.provider_reference, now)
    elif result.outcome is SendOutcome.NOT_SENT:
        _give_back(conn, attempt_id, list(doubtful), result, now)
    else:
        doubt(conn, attempt_id, f"in doubt: {result.detail or 'the provider gave no clear answer'}")


def _accept(conn: Connection, attempt_id: UUID, but: list[int], reference: str | None, now: datetime) -> None:
    conn.execute(
        text(
            "UPDATE message m SET state = 'accepted', reason = '', accepted_at = :now, "
            "provider_reference = coalesce(:ref, provider_reference) WHERE attempt_id = :id "
            f"AND {STATE} IN ('sending', 'in_doubt') AND id <> ALL(CAST(:but AS bigint[]))"
        ),
        {"id": attempt_id, "but": but, "ref": reference, "now": now},
    )


def _put_back(conn: Connection, attempt_id: UUID, result: SendResult, now: datetime) -> None:
    # Those whose turn it was not have spent no try; where the server asks for patience they wait. Whoever met the no
    # waits longer each time, behind the others, and is given up in the end.
    if not result.unsent:
        return
    patience = result.retry_after
    conn.execute(
        text(_PUT_BACK),
        {
            "attempt": attempt_id,
            "ids": [int(number) for number in result.unsent],
            "reasons": list(result.unsent.values()),
            "tried": [number in result.tried for number in result.unsent],
            "until": now + timedelta(seconds=patience) if patience is not None else None,
            "minutes": list(PATIENCE),
            "now": now,
        },
    )


_TRIED: Final = own("tried", "boolean")
_OVER: Final = f"({_TRIED} AND m.tries >= cardinality(CAST(:minutes AS int[])))"
_PUT_BACK: Final = f"""
UPDATE message m SET attempt_id = NULL, claimed_at = NULL, tries = m.tries + CAST({_TRIED} AS int),
    state = CASE WHEN {_OVER} THEN 'failed' ELSE 'planned' END,
    settled_at = CASE WHEN {_OVER} THEN CAST(:now AS timestamptz) END,
    not_before = CASE WHEN {_OVER} THEN NULL
        WHEN {_TRIED} THEN greatest(CAST(:until AS timestamptz),
            CAST(:now AS timestamptz) + (CAST(:minutes AS int[]))[m.tries + 1] * interval '1 minute')
        ELSE CAST(:until AS timestamptz) END,
    reason = CASE WHEN {_OVER}
        THEN 'given_up: the mail server did not take it in ' || m.tries + 1 || ' tries: ' || {own("reasons", "text")}
        ELSE 'not sent: ' || {own("reasons", "text")} END
WHERE {NAMED} AND m.attempt_id = :attempt AND {STATE} IN ('sending', 'in_doubt')
"""


def _give_back(conn: Connection, attempt_id: UUID, but: list[int], result: SendResult, now: datetime) -> None:
    # With recipients named, the rest is fine and goes again at once; patience and account trouble count as no try.
    waits = result.retry_after is not None or result.stop or bool(result.refused)
    pause = timedelta(seconds=result.retry_after) if result.retry_after is not None else BACKOFF
    conn.execute(
        text(
            "UPDATE message m SET tries = tries + :try, attempt_id = NULL, claimed_at = NULL, reason = :reason, "
            "state = CASE WHEN :try > 0 AND tries + :try >= :max THEN 'failed' ELSE 'planned' END, settled_at = "
            "CASE WHEN :try > 0 AND tries + :try >= :max THEN CAST(:now AS timestamptz) END, not_before = :until "
            f"WHERE attempt_id = :id AND {STATE} IN ('sending', 'in_doubt') AND id <> ALL(CAST(:but AS bigint[]))"
        ),
        {
            "id": attempt_id,
            "but": but,
            "try": 0 if waits else 1,
            "max": MAX_TRIES,
            "reason": f"not sent: {result.detail}" if result.detail else "not sent",
            "now": now,
            "until": None if result.refused else now + pause,
        },
    )
