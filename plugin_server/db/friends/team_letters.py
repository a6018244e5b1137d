"""Letters to members of teams: claimed before they are sent, settled with what came of it, never twice on a guess.

What a member's own seat has brought about (complete, late) is told at once, as a shop tells that a parcel is on its
way. A reminder asks for something: it keeps the quiet hours, waits for its place among the mails of campaigns by the
usual cap, and for the end of an open conversation; what would come after the team's deadline is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, Row, text

from campaigns.guard_terms import Guards
from campaigns.guards import Act, Candidate, Verdict, judge, room_again
from connectors.mail_types import SendOutcome, SendResult
from plugin_server.db.sending.doubts import FLYING

LOST: Final = timedelta(minutes=2)
"""Longer than a provider is waited for: whoever was sending this is dead."""
PAUSE: Final = timedelta(minutes=1)


def claim(conn: Connection, now: datetime, *, limit: int = 20) -> list[Row[Any]]:
    """Letters that may go now, marked as being sent: commit before you send them.

    Whoever took back their consent, cannot be mailed, is gone, or would be reminded too late is skipped with the
    reason. A letter with a code waits until the shop has made it.
    """
    guards = Guards()
    cap = guards.frequency_cap
    since = now - timedelta(days=cap.days if cap else 0)
    rows = conn.execute(text(_WAITING), {"now": now, "limit": limit, "since": since}).all()
    going = []
    for row in rows:
        reason = _hindrance(row, now)
        verdict = _reminding(row, guards, now) if row.kind == "reminder" and not reason else None
        if verdict and verdict.act is Act.DEFER:
            conn.execute(text(_DEFER), {"id": row.id, "reason": verdict.reason, "until": verdict.until})
            continue
        reason = verdict.reason if verdict and verdict.act is Act.SKIP else reason
        told = {"id": row.id, "now": now, "reason": reason, "attempt": row.attempt_id or str(uuid4())}
        conn.execute(text(_SKIP if reason else _SENDING), told)
        if not reason:
            going.append(row)
    return list(conn.execute(text(_CLAIMED), {"ids": [row.id for row in going]})) if going else []


def _hindrance(row: Row[Any], now: datetime) -> str:
    if row.erased_at is not None or not row.email:
        return "gone"
    if row.suppressed:
        return "suppressed"
    if row.consent != "subscribed":
        return "no_consent"
    if row.kind == "reminder" and (row.team_state not in ("open", "extended") or now >= row.deadline):
        return "too_late"
    return "no_code" if row.code_state == "failed" else ""


def _reminding(row: Row[Any], guards: Guards, now: datetime) -> Verdict:
    seen = Candidate(
        consent=row.consent,
        suppressed=None,
        email=row.email,
        erased=False,
        timezone=row.timezone,
        capped_until=room_again(guards.frequency_cap, row.taken or [], 0, now),
        talking=row.talking,
    )
    return judge(seen, guards, now=now, deadline=row.deadline, shop_zone=row.shop_zone)


def settle(conn: Connection, letter_id: int, result: SendResult, now: datetime) -> None:
    """Write down what the mail provider answered to one letter."""
    told = {"id": letter_id, "now": now, "detail": next(iter(result.refused.values()), result.detail)[:300]}
    if result.refused or result.outcome is SendOutcome.ACCEPTED:
        conn.execute(text(_SETTLE), told | {"state": "failed" if result.refused else "sent"})
    elif result.outcome is SendOutcome.IN_DOUBT:
        conn.execute(text(_SETTLE), told | {"state": "in_doubt"})
    else:
        wait = timedelta(seconds=result.retry_after) if result.retry_after else PAUSE
        conn.execute(text(_LATER), told | {"until": now + wait})


def give_up(conn: Connection, letter_id: int, why: str, now: datetime) -> None:
    """A letter that cannot be rendered."""
    conn.execute(text(_SETTLE), {"id": letter_id, "state": "failed", "detail": why[:300], "now": now})


def free(conn: Connection, now: datetime, *, repeatable: bool) -> int:
    """End the doubt about letters whose sender died: again where handing over twice leaves one mail, else given up."""
    told = {"before": now - LOST, "state": "planned" if repeatable else "in_doubt", "now": now}
    return conn.execute(text(_FREE), told).rowcount


def tally(conn: Connection, team_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """By team: how many letters are in which state."""
    counted: dict[int, dict[str, int]] = {}
    for row in conn.execute(text(_TALLY), {"ids": list(team_ids)}):
        counted.setdefault(row.team_id, {})[row.state] = row.n
    return counted


_CONSENT = """(SELECT o.state FROM consent o WHERE o.customer_id = c.id AND o.channel = 'email'
    AND o.topic = 'promotions' ORDER BY o.occurred_at DESC, o.id DESC LIMIT 1)"""
_WAITING = f"""
SELECT l.id, l.kind, l.attempt_id, c.email, c.erased_at, t.state AS team_state, t.deadline, k.state AS code_state,
       c.timezone, m.timezone AS shop_zone, lately.taken,
       EXISTS (SELECT FROM conversation v WHERE v.customer_id = c.id AND v.state = 'open') AS talking,
       {_CONSENT} AS consent, EXISTS (SELECT FROM suppression p WHERE p.email_norm = c.email_norm) AS suppressed
FROM team_letter l JOIN team t ON t.id = l.team_id JOIN customer c ON c.id = l.customer_id
LEFT JOIN team_seat s ON s.team_id = l.team_id AND s.customer_id = l.customer_id
LEFT JOIN offer_code k ON k.claim_id = s.claim_id
JOIN merchant m ON m.id = l.merchant_id
LEFT JOIN LATERAL (
    SELECT array_agg(coalesce(a.accepted_at, a.claimed_at) ORDER BY coalesce(a.accepted_at, a.claimed_at) DESC) AS taken
    FROM message a WHERE l.kind = 'reminder' AND a.customer_id = c.id
      AND (a.accepted_at > :since OR (a.state IN {FLYING} AND a.claimed_at > :since))
) lately ON true
WHERE l.state = 'planned' AND (l.not_before IS NULL OR l.not_before <= :now)
  AND (l.kind = 'reminder' OR s.gets IS NULL OR k.state IN ('issued', 'failed'))
ORDER BY l.id LIMIT :limit FOR UPDATE OF l SKIP LOCKED
"""
_SKIP = "UPDATE team_letter SET state = 'skipped', reason = :reason, settled_at = :now WHERE id = :id"
_DEFER = "UPDATE team_letter SET reason = :reason, not_before = :until WHERE id = :id"
_SENDING = "UPDATE team_letter SET state = 'sending', attempt_id = :attempt, sending_at = :now WHERE id = :id"
_CLAIMED = """
SELECT l.id, l.kind, l.team_id, l.customer_id, l.attempt_id, c.email, c.first_name, c.last_name, c.language,
       c.member_number, f.rung, s.gets, k.code, k.expires_at, k.kind AS code_kind, k.value, k.minimum_minor, k.currency,
       t.taken, t.seats
FROM team_letter l JOIN team t ON t.id = l.team_id JOIN customer c ON c.id = l.customer_id
LEFT JOIN customer_facts f ON f.customer_id = c.id
LEFT JOIN team_seat s ON s.team_id = l.team_id AND s.customer_id = l.customer_id
LEFT JOIN offer_code k ON k.claim_id = s.claim_id AND k.state = 'issued'
WHERE l.id = ANY(:ids) ORDER BY l.id
"""
_SETTLE = """
UPDATE team_letter SET state = :state, reason = :detail, settled_at = :now WHERE id = :id AND state = 'sending'
"""
_LATER = """
UPDATE team_letter SET state = 'planned', reason = :detail, not_before = :until WHERE id = :id AND state = 'sending'
"""
_FREE = """
UPDATE team_letter SET state = :state, reason = 'its worker was lost while sending',
    settled_at = CASE WHEN :state = 'in_doubt' THEN CAST(:now AS timestamptz) END
WHERE state = 'sending' AND sending_at < :before
"""
_TALLY = "SELECT team_id, state, count(*) AS n FROM team_letter WHERE team_id = ANY(:ids) GROUP BY 1, 2"
