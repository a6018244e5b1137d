"""The send ledger: claim, act, settle. A row is the truth of every mail, written before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from campaigns.guard_terms import FrequencyCap
from campaigns.guards import Act, Candidate, Verdict, judge, room_again
from campaigns.mail.fence import Hold
from plugin_server.db.campaigning import merged
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.sending.waiting import Place, read_on


def plan(conn: Connection, run: Run, now: datetime) -> int:
    """One message for each treated member, once. Whose code could not be made gets none, and the message says why.

    A step of a series that only makes codes has none.
    """
    if not run.campaign.message:
        return 0
    given = {
        "run": run.id,
        "offer": run.campaign.offer is not None,
        "offering": [variant for variant, told in run.campaign.told_apart.items() if told.offer is not None],
        "there": list(GIVEN),
        "priority": run.campaign.guards.priority,
    }
    parts, since = merged.parts(conn, run.id)
    given |= {"now": now, "twin": merged.TWIN, "merged": since}
    plan = _PLAN_STEP if run.step else _PLAN
    return sum(conn.execute(text(plan.format(lacks=_LACKS, **asdict(part))), given).rowcount for part in parts)


GIVEN: Final = ("issued", "promised", "kept")
"""States of a code with which its mail may go: the shop has it, or it is a promise that needs none there."""
_PLAN: Final = """
INSERT INTO message (merchant_id, run_id, customer_id, step, priority, email, language, variant, state, reason,
    planned_at, settled_at)
SELECT m.merchant_id, m.run_id, CASE WHEN stands THEN {who} ELSE m.customer_id END, 0, :priority, m.email,
       m.language, m.variant, CASE WHEN lacking OR NOT stands THEN 'skipped' ELSE 'planned' END,
       CASE WHEN NOT stands THEN :twin WHEN lacking
            THEN 'no_code: ' || coalesce(nullif(c.error, ''), 'the shop has not made the code') ELSE '' END,
       :now,
       CASE WHEN lacking OR NOT stands THEN CAST(:now AS timestamptz) END
FROM audience_member m {joined}
LEFT JOIN offer_code c ON c.run_id = m.run_id AND c.customer_id = {who} AND c.generation = 0
CROSS JOIN LATERAL (SELECT m.variant = ANY(:offering) AND (c.state = ANY(:there)) IS NOT TRUE AS lacking,
    {stands} AS stands) l
WHERE m.run_id = :run AND m.arm = 'treated' {chosen}
ORDER BY m.customer_id
ON CONFLICT (run_id, customer_id, step) DO NOTHING
"""
"""In the order of customers, not of whatever join was chosen: a request then looks up neighbours, page by page."""


_LACKS: Final = "CAST(:offer AS boolean) AND ((c.state = ANY(:there)) IS NOT TRUE OR c.expires_at <= :now)"
_PLAN_STEP: Final = """
INSERT INTO message (merchant_id, run_id, customer_id, step, priority, email, language, state, reason, planned_at,
    settled_at)
SELECT m.merchant_id, m.run_id, CASE WHEN stands THEN {who} ELSE m.customer_id END, 0, :priority,
       coalesce(m.email, ''), m.language,
       CASE WHEN {lacks} OR NOT stands THEN 'skipped' ELSE 'planned' END,
       CASE WHEN NOT stands THEN :twin WHEN {lacks} THEN 'no_code: ' || coalesce(nullif(c.error, ''),
            CASE WHEN c.state = ANY(:there) THEN 'it is over' ELSE 'there is none' END) ELSE '' END,
       :now, CASE WHEN {lacks} OR NOT stands THEN CAST(:now AS timestamptz) END
FROM audience_member m {joined} LEFT JOIN offer_code c ON c.id = m.offer_code_id
CROSS JOIN LATERAL (SELECT {stands} AS stands) l
WHERE m.run_id = :run AND m.arm = 'stepped' {chosen}
ORDER BY m.customer_id
ON CONFLICT (run_id, customer_id, step) DO NOTHING
"""
"""People bring the code of an earlier step along."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that may go out now, with what its rendering needs."""

    message_id: int
    customer_id: int
    email: str
    language: str
    first_name: str
    last_name: str
    rung: str | None
    store_id: int | None
    code: str | None
    expires_at: datetime | None
    member_number: str | None = None
    points: int = 0
    offer_url: str | None = None
    offer_value: Decimal | None = None
    variant: str = ""
    packed: bool = False
    way_back: str | None = field(default=None, repr=False)
    country: str | None = None
    supply: tuple[str, date] | None = None
    """What of theirs runs out, and when; for mails that tell it."""


def turn(conn: Connection, merchant_id: int) -> None:
    """Wait for this merchant's turn, and keep it to the end of the transaction; asking again costs nothing."""
    conn.execute(text("SELECT pg_advisory_xact_lock(7410, CAST(:m AS int))"), {"m": merchant_id % 2**31})


def due(
    conn: Connection,
    run: Run,
    *,
    limit: int,
    now: datetime,
    deadline: datetime,
    points: bool = False,
    cart: bool = False,
    leaves: datetime | None = None,
    place: Place | None = None,
) -> tuple[list[Claimed], int]:
    """Up to ``limit`` due messages of one language and variant that may go now, and how many were looked at.

    They stay locked. Consent, suppression, frequency cap and quiet hours are asked again here: those not allowed are
    skipped or put off with their reason. ``leaves`` is when mails that are sent now go out, where that is later.
    ``points`` asks for balances too, for mails that print them, ``cart`` for the way back to unpaid baskets. ``place``
    is where to read on, and is moved; at its end it begins anew. Merchants' turns are taken one by one, so that the cap
    holds. Whoever asks writes ``begin_with`` or ``prepare`` in the same transaction, or nothing has happened.
    """
    turn(conn, run.merchant_id)
    guards, cap = run.campaign.guards, run.campaign.guards.frequency_cap
    given = {
        "run": run.id,
        "now": now,
        "limit": limit,
        "topic": run.campaign.audience.topic,
        "since": now - timedelta(days=cap.days if cap else 0),
        "cap": cap.messages if cap else 0,
        "priority": guards.priority,
        "points": points,
        "cart": cart,
    }
    rows = read_on(conn, given, place or Place(), earlier_step=bool(run.step))
    zone = str(conn.scalar(text("SELECT timezone FROM merchant"))) if rows else "UTC"
    at = leaves or now
    offering = {variant for variant, told in run.campaign.told_apart.items() if told.offer is not None}

    def verdict(row: Any) -> Verdict:
        lacks = _lacks(row, at) if row.variant in offering else ""
        return judge(_candidate(row, cap, now, lacks), guards, now=at, deadline=deadline, shop_zone=zone)

    # Of two who are one by now and had a mail each, one goes, under the name that stays.
    verdicts = [(row, Verdict(Act.SKIP, merged.TWIN) if row.merged else verdict(row)) for row in rows]
    _set_aside(conn, [(row.id, said) for row, said in verdicts if said.act is not Act.SEND], now)
    own = bool(getattr(run.campaign.offer, "by_rung", None))
    return [_claimed(row, own_value=own) for row, said in verdicts if said.act is Act.SEND], len(rows)


def _lacks(row: Any, at: datetime) -> str:
    """What became of a code since its mail was planned: taken back, or over while it waited; "" where it stands."""
    if not row.has_offer:
        return "it was taken back"
    return "it is over" if row.expires_at <= at else ""


def _candidate(row: Any, cap: FrequencyCap | None, now: datetime, lacks: str) -> Candidate:
    return Candidate(
        lacks=lacks,
        consent=row.consent,
        suppressed=row.suppressed,
        email=row.email_norm,
        erased=row.erased,
        timezone=row.timezone,
        talking=row.talking,
        capped_until=room_again(cap, row.taken or [], row.ahead or 0, now),
    )


def _claimed(row: Any, *, own_value: bool = False) -> Claimed:
    return Claimed(
        message_id=row.id,
        customer_id=row.customer_id,
        email=row.email,
        language=row.language,
        first_name=row.first_name,
        last_name=row.last_name,
        rung=row.rung,
        store_id=row.store_id,
        code=row.code,
        expires_at=row.expires_at,
        member_number=row.member_number,
        points=row.points,
        offer_url=row.offer_url,
        packed=row.offer_way == "pack",
        offer_value=row.offer_value if own_value else None,
        variant=row.variant,
        way_back=row.way_back,
        country=row.country,
    )


NAMED: Final = "m.id = ANY(CAST(:ids AS bigint[]))"
STATE: Final = "m.state || ''"
"""The state, said so that no index of messages in some state answers it. Where statistics take those for few, such an
index would be read whole with each request, and what earlier requests left in it too."""


def own(values: str, kind: str) -> str:
    """SQL for a named message's own among ``values``, which stand in the order of ``:ids``. With a join in its place
    the database might begin with the messages instead of the names."""
    return f"(CAST(:{values} AS {kind}[]))[array_position(CAST(:ids AS bigint[]), m.id)]"


def _set_aside(conn: Connection, verdicts: Sequence[tuple[int, Verdict]], now: datetime) -> None:
    if not verdicts:
        return
    conn.execute(
        text(
            f"UPDATE message m SET state = CASE WHEN {own('untils', 'timestamptz')} IS NULL THEN 'skipped' "
            f"ELSE 'planned' END, reason = {own('reasons', 'text')}, not_before = {own('untils', 'timestamptz')}, "
            f"settled_at = CASE WHEN {own('untils', 'timestamptz')} IS NULL THEN CAST(:now AS timestamptz) END "
            f"WHERE {NAMED} AND {STATE} = 'planned'"
        ),
        {
            "ids": [number for number, _ in verdicts],
            "reasons": [verdict.reason for _, verdict in verdicts],
            "untils": [verdict.until for _, verdict in verdicts],
            "now": now,
        },
    )


def unsendable(conn: Connection, reasons: dict[int, str], now: datetime) -> None:
    """Give up due messages that cannot be rendered, each with its reason."""
    if reasons:
        conn.execute(
            text(
                f"UPDATE message m SET state = 'failed', reason = {own('reasons', 'text')}, settled_at = :now "
                f"WHERE {NAMED} AND {STATE} = 'planned'"
            ),
            {"ids": list(reasons), "reasons": list(reasons.values()), "now": now},
        )


def refuse(conn: Connection, attempt_id: UUID, refused: dict[int, str], now: datetime) -> None:
    """Give up messages under way that the provider will never take, each with its reason."""
    if refused:
        conn.execute(
            text(
                f"UPDATE message m SET state = 'failed', reason = {own('reasons', 'text')}, settled_at = :now "
                f"WHERE {NAMED} AND m.attempt_id = :attempt AND {STATE} IN ('claimed', 'sending', 'in_doubt')"
            ),
            {"ids": list(refused), "reasons": list(refused.values()), "attempt": attempt_id, "now": now},
        )


def prepare(
    conn: Connection, run: Run, attempt_id: UUID, backend: str, readers: Sequence[Claimed], now: datetime
) -> None:
    """Claim due messages for a request that is made later: ``begin`` comes before it, or ``release`` instead."""
    _attempt(conn, run, attempt_id, backend, len(readers), now)
    _take(conn, attempt_id, readers, "claimed", now)


def begin_with(
    conn: Connection,
    run: Run,
    attempt_id: UUID,
    backend: str,
    readers: Sequence[Claimed],
    *,
    body_hash: str,
    now: datetime,
    hold: Hold | None = None,
) -> bool:
    """``prepare`` and ``begin`` in one step, for messages ``due`` in this transaction: claimed and sending at once."""
    _attempt(conn, run, attempt_id, backend, len(readers), now)
    if not _may_send(conn, attempt_id, len(readers), body_hash, now, hold):
        conn.execute(text("DELETE FROM send_attempt WHERE id = :id AND state = 'prepared'"), {"id": attempt_id})
        return False
    _take(conn, attempt_id, readers, "sending", now)
    return True


def _attempt(conn: Connection, run: Run, attempt_id: UUID, backend: str, recipients: int, now: datetime) -> None:
    row = {"id": attempt_id, "merchant": run.merchant_id, "run": run.id, "backend": backend, "n": recipients}
    conn.execute(
        text(
            "INSERT INTO send_attempt (id, merchant_id, run_id, backend, recipients, prepared_at) "
            "VALUES (:id, :merchant, :run, :backend, :n, :now)"
        ),
        row | {"now": now},
    )


def _take(conn: Connection, attempt_id: UUID, readers: Sequence[Claimed], state: str, now: datetime) -> None:
    conn.execute(
        text(
            f"UPDATE message m SET state = :state, reason = '', not_before = NULL, claimed_at = :now, "
            f"attempt_id = :attempt, email = {own('emails', 'text')} WHERE {NAMED} AND {STATE} = 'planned'"
        ),
        {
            "ids": [reader.message_id for reader in readers],
            "emails": [reader.email for reader in readers],
            "attempt": attempt_id,
            "state": state,
            "now": now,
        },
    )


def begin(
    conn: Connection, *, attempt_id: UUID, recipients: int, body_hash: str, now: datetime, hold: Hold | None = None
) -> bool:
    """Write ``sending`` down before the request is made. False where it must not be: stopped, frozen, or taken back.

    Whoever gets True, and nobody else, makes the request.
    """
    if not _may_send(conn, attempt_id, recipients, body_hash, now, hold):
        return False
    moved = conn.execute(
        text(f"UPDATE message m SET state = 'sending' WHERE attempt_id = :id AND {STATE} = 'claimed'"),
        {"id": attempt_id},
    ).rowcount
    if moved != recipients:
        # Somebody else settled a member meanwhile; the request was rendered for all of them, so it must not go out.
        conn.execute(
            text(f"UPDATE message m SET state = 'claimed' WHERE attempt_id = :id AND {STATE} = 'sending'"),
            {"id": attempt_id},
        )
        conn.execute(
            text("UPDATE send_attempt SET state = 'prepared', sending_at = NULL WHERE id = :id"), {"id": attempt_id}
        )
        return False
    return True


def _may_send(
    conn: Connection, attempt_id: UUID, recipients: int, body_hash: str, now: datetime, hold: Hold | None
) -> bool:
    changed = conn.execute(
        text(
            "UPDATE send_attempt a SET state = 'sending', sending_at = :now, body_hash = :hash, recipients = :n, "
            "batch_id = :batch, send_at = :send_at "
            "WHERE a.id = :id AND a.state || '' = 'prepared' "
            "AND EXISTS (SELECT FROM campaign_run r WHERE r.id = a.run_id AND r.state = 'sending') "
            "AND NOT EXISTS (SELECT FROM store s WHERE s.state = 'frozen')"
        ),
        {
            "id": attempt_id,
            "now": now,
            "hash": body_hash,
            "n": recipients,
            "batch": hold.batch_id if hold else None,
            "send_at": hold.send_at if hold else None,
        },
    )
    return changed.rowcount == 1
