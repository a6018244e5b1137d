"""Seats: taken one after the other, however many ask at once; and what follows when a team is full or late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.offers.team import Answer, Gift, Step, TeamRefused, after, answer, due, extended, gift_of
from campaigns.points.program import Reward
from campaigns.referral import mailbox
from plugin_server.db.friends import teams
from plugin_server.db.friends.bought_before import bought_before
from plugin_server.db.friends.teams import PERSON, Found, found
from plugin_server.db.merchant import audit_log
from plugin_server.db.points import rewards

BATCH: Final = 50


@dataclass(frozen=True, slots=True)
class Joined:
    """What a person heard who asked for a seat, and the team as it stands now."""

    answer: Answer
    team: Found


def join(
    conn: Connection, merchant_id: int, team_id: int, customer_id: int, *, secret: str, now: datetime
) -> Joined | None:
    """Give a customer whose mailbox answered a seat; None where team or customer is gone. Twice is once.

    The rows of all teams concerned are held, lowest number first: the seats are counted one after the other.
    """
    person = conn.execute(text(PERSON), {"id": customer_id}).one_or_none()
    if person is None or not person.email:
        return None
    told = {"t": team_id, "c": person.id, "box": mailbox(person.email), "now": now}
    others = conn.scalars(text(_OTHERS), told).all()
    conn.execute(text(_HOLD), {"ids": [team_id, *others]})
    team = found(conn, team_id)
    if team is None:
        return None
    seat, left = _seat(conn, told)
    bought = team.terms.who != "anyone" and bought_before(conn, person.id, told["box"])
    said = answer(team.now, team.terms.who, now=now, seat=seat, bought=bought)
    if said is Answer.TAKEN and not _sit(conn, merchant_id, told, team, left):
        said = Answer.ELSEWHERE
    if said is Answer.TAKEN:
        settle(conn, merchant_id, team_id, secret=secret, now=now)
    return Joined(said, found(conn, team_id) or team)


def _seat(conn: Connection, told: dict[str, Any]) -> tuple[str, int | None]:
    """``here``, ``own`` (with the seat that would be given up), ``elsewhere`` or ``none``."""
    rows = conn.execute(text(_SEATS), told).all()
    if any(row.team_id == told["t"] for row in rows):
        return "here", None
    if not rows:
        return "none", None
    return ("own", int(rows[0].id)) if len(rows) == 1 and rows[0].own else ("elsewhere", None)


def _sit(conn: Connection, merchant_id: int, told: dict[str, Any], team: Found, left: int | None) -> bool:
    if left is not None:
        gone = conn.scalar(text("SELECT team_id FROM team_seat WHERE id = :seat"), {"seat": left})
        conn.execute(text(_LEAVE), told | {"seat": left})
        conn.execute(text(_PROMISE), {"t": gone, "state": "closed"})
        conn.execute(text("UPDATE team_seat SET team_id = :t, taken_at = :now WHERE id = :seat"), told | {"seat": left})
    elif not conn.execute(text(_TAKE), told | {"m": merchant_id, "d": team.deal_id}).rowcount:
        return False
    conn.execute(text("UPDATE team SET taken = taken + 1 WHERE id = :t"), told)
    return True


def settle(conn: Connection, merchant_id: int, team_id: int, *, secret: str, now: datetime) -> Step | None:
    """Do what is due about a team, once; gives what that was."""
    team = found(conn, team_id, lock=True)
    step = due(team.now, now) if team else None
    if team and step:
        _do(conn, merchant_id, team, step, secret=secret, now=now)
    return step


def _do(conn: Connection, merchant_id: int, team: Found, step: Step, *, secret: str, now: datetime) -> None:
    ended = after(team.now, step).state
    told = {"t": team.id, "m": merchant_id, "now": now, "state": ended}
    if step is Step.REMIND:
        conn.execute(text("UPDATE team SET reminded = true WHERE id = :t"), told)
        _write(conn, told, kind="reminder", occasion=f"reminder:{team.extensions}", late=team.now.left == 0)
        return
    gets = "" if gift_of(team.terms, team.now, step) is None else "gift" if step is Step.UNLOCK else "consolation"
    conn.execute(text(_END), told | {"gets": gets, "taken": team.now.taken})
    conn.execute(text(_PROMISE), told)
    if gets:
        conn.execute(text("UPDATE team_seat SET gets = :gets WHERE team_id = :t"), told | {"gets": gets})
    if not team.now.alone:
        _write(conn, told, kind=ended, occasion=ended)
    pay(conn, merchant_id, team_id=team.id, secret=secret, now=now)


def _write(conn: Connection, told: dict[str, Any], *, kind: str, occasion: str, late: bool = False) -> None:
    """Letters to all who sit there; ``late``: only to those who have not ordered."""
    conn.execute(text(_LETTERS + (_NOT_ORDERED if late else "") + _ONCE), told | {"kind": kind, "occasion": occasion})


def pay(conn: Connection, merchant_id: int, *, secret: str, now: datetime, team_id: int | None = None) -> int:
    """Plan the codes that members have earned and not got, of one team or of all; gives how many were planned.

    Where no connected shop can make codes they stay owed.
    """
    rows = conn.execute(text(_OWED), {"t": team_id, "limit": BATCH}).all()
    terms, planned = dict[int, Found | None](), 0
    for row in rows:
        team = terms.setdefault(row.team_id, None) or found(conn, row.team_id)
        terms[row.team_id] = team
        gift = team and (team.terms.gift if row.gets == "gift" else team.terms.consolation)
        claim = gift and rewards.present(
            conn, merchant_id=merchant_id, customer_id=row.customer_id, reward=_reward(gift), secret=secret, now=now
        )
        if not claim:
            break
        conn.execute(text("UPDATE team_seat SET claim_id = :claim WHERE id = :id"), {"claim": claim, "id": row.id})
        planned += 1
    return planned


def _reward(gift: Gift) -> Reward:
    return Reward(key="team", name=_NAMES, points=1, **gift.model_dump())


def due_teams(conn: Connection, now: datetime) -> Sequence[int]:
    """Teams about which something is to be done, those whose time ends first; at most ``BATCH``."""
    return conn.scalars(text(_DUE), {"now": now, "limit": BATCH}).all()


def anything(conn: Connection, now: datetime) -> bool:
    """Whether anything about teams waits: a step, a code, a letter."""
    return bool(conn.scalar(text(_ANYTHING), {"now": now}))


def lapse_alone(conn: Connection, now: datetime) -> int:
    """End handed-out teams that nobody joined, all at once: nobody gets anything or is told; gives how many."""
    return conn.execute(text(_LAPSE_ALONE), {"now": now}).rowcount


def extend(conn: Connection, merchant_id: int, team_id: int, until: datetime, *, by: str, now: datetime) -> None:
    """Give a team more time; its members are reminded anew. Raises ``TeamRefused``."""
    team = found(conn, team_id, lock=True)
    if team is None:
        raise TeamRefused(f"There is no team {team_id}.")
    extended(team.now, until, now)
    conn.execute(text(_EXTEND), {"t": team_id, "until": until})
    detail = {"from": team.now.deadline.isoformat(), "until": until.isoformat()}
    audit_log.record(conn, merchant_id, actor=by, action="team_extended", subject=f"team {team_id}", detail=detail)


def end(conn: Connection, merchant_id: int, team_id: int, *, reason: str, by: str, secret: str, now: datetime) -> None:
    """End a running team before its time: members hear and are comforted, as if late. Raises ``TeamRefused``."""
    team = found(conn, team_id, lock=True)
    if team is None:
        raise TeamRefused(f"There is no team {team_id}.")
    if team.now.state not in ("open", "extended"):
        raise TeamRefused("This team is over already.")
    if not reason.strip():
        raise TeamRefused("Say why: the reason stays with the team.")
    _do(conn, merchant_id, team, Step.LAPSE, secret=secret, now=now)
    conn.execute(text(_ENDED_BY), {"t": team_id, "by": by, "reason": reason.strip()[:200]})
    detail = {"reason": reason.strip()[:200], "taken": team.now.taken}
    audit_log.record(conn, merchant_id, actor=by, action="team_ended", subject=f"team {team_id}", detail=detail)


_NAMES = {"en": "Team price", "id": "Harga tim", "nl": "Teamprijs"}
_OTHERS = """
SELECT s.team_id FROM team_seat s WHERE s.deal_id = (SELECT deal_id FROM team WHERE id = :t)
AND (s.mailbox = :box OR s.customer_id = :c)
"""
_HOLD = "SELECT id FROM team WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"
_SEATS = """
SELECT s.id, s.team_id, t.founder_id = s.customer_id AND t.taken = 1 AND t.state IN ('open', 'extended') AS own
FROM team_seat s JOIN team t ON t.id = s.team_id
WHERE s.deal_id = (SELECT deal_id FROM team WHERE id = :t) AND (s.mailbox = :box OR s.customer_id = :c)
"""
_TAKE = """
INSERT INTO team_seat (merchant_id, deal_id, team_id, customer_id, mailbox, taken_at)
VALUES (:m, :d, :t, :c, :box, :now) ON CONFLICT (deal_id, mailbox) DO NOTHING
"""
_LEAVE = """
WITH gone AS (
    SELECT t.id, t.promised_minor FROM team t JOIN team_seat s ON s.team_id = t.id WHERE s.id = :seat
), freed AS (
    UPDATE team_deal SET promised_minor = team_deal.promised_minor - gone.promised_minor FROM gone
    WHERE team_deal.id = (SELECT deal_id FROM team_seat WHERE id = :seat)
)
UPDATE team SET state = 'closed', reason = 'moved', taken = 0, promised_minor = 0, settled_at = :now
WHERE id = (SELECT id FROM gone)
"""
# What a team costs from now on: all it promised, the smaller gift for those who sit there, or nothing.
_END = """
WITH old AS (SELECT t.deal_id, t.promised_minor, d.comfort_minor FROM team t JOIN team_deal d ON d.id = t.deal_id
             WHERE t.id = :t),
ended AS (
    UPDATE team SET state = :state, settled_at = :now, promised_minor = CASE :gets WHEN 'gift' THEN old.promised_minor
        WHEN 'consolation' THEN least(old.comfort_minor * :taken, old.promised_minor) ELSE 0 END
    FROM old WHERE team.id = :t RETURNING team.promised_minor
)
UPDATE team_deal SET promised_minor = team_deal.promised_minor - old.promised_minor + ended.promised_minor
FROM old, ended WHERE team_deal.id = old.deal_id
"""
# A team that a campaign handed out gives back to its budget what it does not need.
_PROMISE = """
WITH old AS (SELECT k.id, r.campaign_id, k.liability_minor AS cost, t.promised_minor AS rest
             FROM team t JOIN offer_code k ON k.id = t.offer_code_id JOIN campaign_run r ON r.id = k.run_id
             WHERE t.id = :t),
settled AS (
    UPDATE offer_code k SET liability_minor = old.rest,
        state = CASE :state WHEN 'unlocked' THEN 'kept' ELSE 'lapsed' END
    FROM old WHERE k.id = old.id
)
UPDATE offer_budget b SET issued_minor = b.issued_minor - old.cost + old.rest FROM old
WHERE b.campaign_id = old.campaign_id
"""
_LETTERS = """
INSERT INTO team_letter (merchant_id, team_id, customer_id, kind, occasion, planned_at)
SELECT :m, s.team_id, s.customer_id, :kind, :occasion, :now FROM team_seat s JOIN team t ON t.id = s.team_id
WHERE s.team_id = :t
"""
_NOT_ORDERED = """
AND NOT EXISTS (SELECT FROM shop_order o WHERE o.customer_id = s.customer_id AND o.counts
                AND o.placed_at >= s.taken_at AND o.placed_at <= t.deadline)
"""
_ONCE = "ON CONFLICT (team_id, customer_id, occasion) DO NOTHING"
_OWED = """
SELECT s.id, s.team_id, s.customer_id, s.gets FROM team_seat s JOIN customer c ON c.id = s.customer_id
WHERE s.gets IS NOT NULL AND s.claim_id IS NULL AND (CAST(:t AS bigint) IS NULL OR s.team_id = :t)
  AND c.erased_at IS NULL AND c.merged_into IS NULL AND c.email IS NOT NULL
ORDER BY s.id LIMIT :limit FOR UPDATE OF s SKIP LOCKED
"""
# A quarter of a team's time, a day at most, is when members are reminded: as in campaigns.offers.team.
_DUE = f"""
SELECT t.id FROM team t JOIN team_deal d ON d.id = t.deal_id
WHERE t.state IN ('open', 'extended') AND (
    (t.taken >= t.seats AND (d.terms->>'unlock' = 'joined' OR {teams.ORDERED} >= t.seats))
    OR t.deadline + CASE WHEN d.terms->>'unlock' = 'ordered' THEN interval '1 hour' ELSE interval '0' END <= :now
    OR (NOT t.reminded AND t.deadline > :now AND NOT (t.given AND t.taken < 2)
        AND t.deadline - least(interval '24 hours', (t.deadline - t.opened_at) / 4) <= :now))
ORDER BY t.deadline, t.id LIMIT :limit
"""
_LAPSE_ALONE = """
WITH ended AS (
    UPDATE team t SET state = 'lapsed', settled_at = :now, promised_minor = 0
    FROM (SELECT id, promised_minor AS freed FROM team WHERE state IN ('open', 'extended') AND given AND taken < 2
          AND deadline <= :now ORDER BY id FOR UPDATE) old
    WHERE t.id = old.id RETURNING t.id, t.deal_id, t.offer_code_id, old.freed
), promises AS (
    UPDATE offer_code k SET state = 'lapsed', liability_minor = 0 FROM ended e WHERE k.id = e.offer_code_id
), budgets AS (
    UPDATE offer_budget b SET issued_minor = b.issued_minor - g.sum
    FROM (SELECT r.campaign_id, sum(k.liability_minor) AS sum FROM ended e JOIN offer_code k ON k.id = e.offer_code_id
          JOIN campaign_run r ON r.id = k.run_id GROUP BY 1) g WHERE b.campaign_id = g.campaign_id
), freed AS (
    UPDATE team_deal d SET promised_minor = d.promised_minor - e.sum
    FROM (SELECT deal_id, sum(freed) AS sum FROM ended GROUP BY deal_id) e WHERE d.id = e.deal_id
)
SELECT id FROM ended
"""
_EXTEND = """
UPDATE team SET state = 'extended', deadline = :until, extensions = extensions + 1, reminded = false WHERE id = :t
"""
_ENDED_BY = "UPDATE team SET closed_by = :by, reason = :reason WHERE id = :t"
_ANYTHING = f"""
SELECT EXISTS ({_DUE.replace("LIMIT :limit", "LIMIT 1")}) OR EXISTS (
    SELECT FROM team_seat s JOIN customer c ON c.id = s.customer_id
    WHERE s.gets IS NOT NULL AND s.claim_id IS NULL AND c.erased_at IS NULL AND c.merged_into IS NULL
    AND c.email IS NOT NULL) OR EXISTS (
    SELECT FROM team_letter WHERE state IN ('planned', 'sending') AND (not_before IS NULL OR not_before <= :now))
"""
