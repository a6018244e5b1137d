"""Friends who come by somebody's link: asked, confirmed, looked at, and what they and their advocate get."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, text

from campaigns.points.program import Reward
from campaigns.referral import (
    A_WEEK,
    ReferralTerms,
    mailbox,
    same_name,
    same_phone,
    similar_mailbox,
    similar_name,
    terms_from,
)
from plugin_server.db.friends import friend_promises
from plugin_server.db.friends.bought_before import bought_before
from plugin_server.db.points import rewards

PRICE = "friend"
"""The key of the friend's price among the rewards."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a friend: ``state`` of their row, and why not."""

    state: str
    reason: str = ""


def terms(conn: Connection) -> ReferralTerms:
    """What the merchant of this transaction has set; off where nothing was ever set."""
    return terms_from(conn.scalar(text("SELECT settings->'referral' FROM merchant")) or {})


def terms_of(conn: Connection, advocate_id: int, now: datetime) -> ReferralTerms:
    """What friends of this customer get: what a campaign's letter promised, else what the shop gives all."""
    promise = friend_promises.of_customer(conn, advocate_id, now)
    return promise.over(terms(conn)) if promise else terms(conn)


def save_terms(conn: Connection, chosen: ReferralTerms) -> None:
    """Keep checked terms."""
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('referral', CAST(:t AS jsonb))"),
        {"t": json.dumps(chosen.as_json())},
    )


def ask(
    conn: Connection, merchant_id: int, *, advocate_id: int, friend_id: int, email: str, ip_hash: str, now: datetime
) -> bool:
    """Write down that a friend left an address; False where this mailbox was decided on before.

    Until the mailbox confirms, the newest link counts: nobody can take a friend by typing in their address.
    """
    given = {"m": merchant_id, "a": advocate_id, "f": friend_id, "box": mailbox(email), "ip": ip_hash, "now": now}
    return bool(conn.execute(text(_ASK), given).rowcount)


def confirm(conn: Connection, merchant_id: int, friend_id: int, *, secret: str, now: datetime) -> Decided | None:
    """The friend's mailbox answered: decide. None where nobody sent this customer; twice decides once.

    The advocate's row is held, so that friends who confirm at once are counted one after the other.
    """
    join = conn.execute(text(_JOIN), {"f": friend_id}).one_or_none()
    if join is None or join.state != "asked":
        return Decided(join.state, join.reason) if join else None
    advocate = conn.execute(text(_PERSON + " FOR NO KEY UPDATE"), {"id": join.advocate_id}).one_or_none()
    friend = conn.execute(text(_PERSON), {"id": friend_id}).one()
    promise = friend_promises.of_customer(conn, join.advocate_id, now)
    set_to = promise.over(terms(conn)) if promise else terms(conn)
    reason = _block(conn, set_to, advocate, friend, join.mailbox)
    flags = [] if reason or advocate is None else _flags(conn, set_to, advocate, friend, join, now)
    state = "refused" if reason else "review" if flags else "approved"
    decided = {"id": join.id, "state": state, "reason": reason, "flags": flags, "now": now, "by": "system"}
    decided["promise"] = promise.id if promise and not reason else None
    conn.execute(text(_CONFIRMED), decided)
    if state == "approved":
        approve(conn, merchant_id, join.id, secret=secret, now=now)
    return Decided(state, reason)


def _block(
    conn: Connection, set_to: ReferralTerms, advocate: Row[Any] | None, friend: Row[Any], box: str | None
) -> str:
    if not set_to.on or advocate is None or box is None:
        return "off"
    if friend.id == advocate.id or (advocate.email and mailbox(advocate.email) == box):
        return "self"
    if same_phone(friend.phone, advocate.phone):
        return "same_phone"
    if conn.scalar(text("SELECT EXISTS (SELECT FROM referral WHERE friend_id = :f)"), {"f": friend.id}):
        return "known"
    return "bought" if bought_before(conn, friend.id, box) else ""


def _flags(
    conn: Connection, set_to: ReferralTerms, advocate: Row[Any], friend: Row[Any], join: Row[Any], now: datetime
) -> list[str]:
    given = {"a": advocate.id, "id": join.id, "ip": join.ip_hash, "since": now - timedelta(days=1)}
    beside = conn.execute(text(_BESIDE), given | {"week": now - timedelta(days=7)}).one()
    same = same_name(friend.name, advocate.name)
    found = {
        "same_name": same,
        "similar_name": not same and similar_name(friend.name, advocate.name),
        "similar_address": any(
            similar_mailbox(join.mailbox, box) for box in (mailbox(advocate.email or ""), *(beside.boxes or ()))
        ),
        "same_ip": beside.same_ip > 0,
        "many": beside.today >= set_to.a_day,
        "many_week": beside.week >= A_WEEK,
    }
    return [flag for flag, holds in found.items() if holds]


def approve(conn: Connection, merchant_id: int, join_id: int, *, secret: str, now: datetime) -> None:
    """Write the referral down and plan the friend's code; doing it again changes nothing."""
    conn.execute(text(_REFERRAL), {"id": join_id, "m": merchant_id})
    conn.execute(text(_CONVERT), {"id": join_id})
    price(conn, merchant_id, join_id, secret=secret, now=now)


def price(conn: Connection, merchant_id: int, join_id: int, *, secret: str, now: datetime) -> int | None:
    """Plan the friend's code once; gives the claim, None while no shop can make it."""
    join = conn.execute(
        text("SELECT friend_id, claim_id, promise_id FROM referral_join WHERE id = :id FOR UPDATE"), {"id": join_id}
    ).one()
    if join.claim_id is not None:
        return int(join.claim_id)
    usual = terms(conn)
    set_to = friend_promises.one(conn, join.promise_id).over(usual) if join.promise_id else usual
    reward = Reward(
        key=PRICE, name=_NAMES, points=1, kind="percentage", value=set_to.percent,
        minimum=set_to.minimum or None, valid_days=set_to.valid_days,
    )  # fmt: skip
    claim = rewards.present(
        conn, merchant_id=merchant_id, customer_id=join.friend_id, reward=reward, secret=secret, now=now
    )
    conn.execute(text("UPDATE referral_join SET claim_id = :c WHERE id = :id"), {"c": claim, "id": join_id})
    return claim


def decide(
    conn: Connection, merchant_id: int, join_id: int, *, yes: bool, reason: str, by: str, secret: str, now: datetime
) -> int | None:
    """A person's word on a row in review; gives the advocate, None where nothing waits there any more.

    A no takes the referral away again, and with it what the advocate would have got or got for it.
    """
    given = {"id": join_id, "state": "approved" if yes else "refused", "reason": reason, "by": by, "now": now}
    advocate = conn.scalar(text(_DECIDED), given)
    if advocate is None:
        return None
    if yes:
        approve(conn, merchant_id, join_id, secret=secret, now=now)
    else:
        conn.execute(text(_TAKE_AWAY), {"id": join_id})
    return int(advocate)


def look_again(conn: Connection, merchant_id: int, *, secret: str, now: datetime) -> int:
    """What can only be known later goes to review; gives how many: orders in the advocate's name or with their phone,
    and a friend's code that was used under another address.

    Friends whose code no shop could make before are given one. What a person decided stays decided.
    """
    for join_id in conn.scalars(text(_UNPRICED)).all():
        price(conn, merchant_id, join_id, secret=secret, now=now)
    found = 0
    for row in conn.execute(text(_CONVERTED)).all():
        flags = ["order_name"] if any(same_name(name or "", row.advocate) for name in row.names) else []
        flags += ["same_phone"] if same_phone(row.friend_phone, row.advocate_phone) else []
        if flags:
            found += conn.execute(text(_FLAG), {"id": row.id, "flags": flags, "now": now}).rowcount
    for join_id in conn.scalars(text(_ELSEWHERE)).all():
        found += conn.execute(text(_FLAG), {"id": join_id, "flags": ["other_address"], "now": now}).rowcount
    return found


def queue(conn: Connection, *, limit: int = 200) -> list[Row[Any]]:
    """Rows that wait for a person first, then the newest decided ones."""
    return list(conn.execute(text(_QUEUE), {"limit": limit}))


def of_friend(conn: Connection, friend_id: int) -> Row[Any] | None:
    """The row of a friend with the state of their code; None where nobody sent this customer."""
    return conn.execute(text(_OF_FRIEND), {"f": friend_id}).one_or_none()


def stands(conn: Connection, friend_id: int, now: datetime) -> str:
    """What a friend's own link leads to: ``none`` where nobody sent this customer, ``rests`` while friends get nothing,
    ``asked`` where their mailbox may confirm, else the state that was decided on.
    """
    join = conn.execute(text(_SENT_BY), {"f": friend_id}).one_or_none()
    if join is None:
        return "none"
    rests = join.state == "asked" and not terms_of(conn, join.advocate_id, now).on
    return "rests" if rests else str(join.state)


def brought(conn: Connection, advocate_id: int) -> Row[Any]:
    """How many friends somebody brought, and how many of them bought."""
    return conn.execute(text(_BROUGHT), {"a": advocate_id}).one()


def amounts(given: dict[str, str]) -> tuple[ReferralTerms | None, dict[str, str]]:
    """(terms, faults by field) of the settings form, numbers with a decimal point; a fault is a phrase's key."""
    faults: dict[str, str] = {}
    numbers: dict[str, Decimal] = {}
    limits = {"percent": (1, 90), "minimum": (0, 10**12), "valid_days": (1, 365), "cap": (1, 1000), "a_day": (1, 1000)}
    for name, (least, most) in limits.items():
        said = given.get(name, "").strip()
        whole = name not in ("percent", "minimum")
        plain = said.isascii() and (said if whole else said.replace(".", "", 1)).isdigit() and len(said) < 16
        numbers[name] = Decimal(said) if plain else Decimal(-1)
        if not least <= numbers[name] <= most:
            faults[name] = f"referral.bad_{'whole' if whole else name}"
    if faults:
        return None, faults
    whole_ones = {name: int(numbers[name]) for name in ("valid_days", "cap", "a_day")}
    return ReferralTerms(on="on" in given, percent=numbers["percent"], minimum=numbers["minimum"], **whole_ones), {}


_NAMES = {"en": "Friend's price", "id": "Harga teman", "nl": "Vriendenprijs"}
_ASK = """
INSERT INTO referral_join (merchant_id, advocate_id, friend_id, mailbox, ip_hash, asked_at)
VALUES (:m, :a, :f, :box, :ip, :now)
ON CONFLICT (merchant_id, mailbox) DO UPDATE
    SET advocate_id = excluded.advocate_id, friend_id = excluded.friend_id, ip_hash = excluded.ip_hash,
        asked_at = excluded.asked_at
    WHERE referral_join.state = 'asked'
"""
_JOIN = "SELECT * FROM referral_join WHERE friend_id = :f ORDER BY id LIMIT 1 FOR UPDATE"
_PERSON = """
SELECT id, email, phone, btrim(first_name || ' ' || last_name) AS name FROM customer
WHERE id = (SELECT coalesce(merged_into, id) FROM customer WHERE id = :id) AND erased_at IS NULL
"""
_BESIDE = """
SELECT count(*) FILTER (WHERE ip_hash = :ip) AS same_ip, count(*) FILTER (WHERE confirmed_at > :since) AS today,
       count(*) FILTER (WHERE confirmed_at > :week) AS week, array_agg(mailbox) AS boxes
FROM referral_join WHERE advocate_id = :a AND id <> :id AND confirmed_at IS NOT NULL
"""
_CONFIRMED = """
UPDATE referral_join SET state = :state, reason = :reason, flags = :flags, confirmed_at = :now, promise_id = :promise,
       flagged_at = CASE WHEN :state = 'review' THEN CAST(:now AS timestamptz) END,
       decided_at = CASE WHEN :state <> 'review' THEN CAST(:now AS timestamptz) END,
       decided_by = CASE WHEN :state <> 'review' THEN :by END
WHERE id = :id
"""
_REFERRAL = """
INSERT INTO referral (merchant_id, advocate_id, friend_id, source, joined_at)
SELECT :m, coalesce(a.merged_into, a.id), j.friend_id, 'link', j.confirmed_at
FROM referral_join j JOIN customer a ON a.id = j.advocate_id
WHERE j.id = :id AND coalesce(a.merged_into, a.id) <> j.friend_id
ON CONFLICT (merchant_id, friend_id) DO NOTHING
"""
# A friend may have ordered while a person was still to look.
_CONVERT = """
UPDATE referral r SET converted_at = (
    SELECT min(o.placed_at) FROM shop_order o WHERE o.customer_id = r.friend_id AND o.counts)
FROM referral_join j WHERE j.id = :id AND r.friend_id = j.friend_id
"""
_DECIDED = """
UPDATE referral_join SET state = :state, reason = :reason, decided_by = :by, decided_at = :now
WHERE id = :id AND state = 'review' RETURNING advocate_id
"""
_TAKE_AWAY = """
DELETE FROM referral r USING referral_join j WHERE j.id = :id AND r.friend_id = j.friend_id AND r.source = 'link'
"""
_UNPRICED = "SELECT id FROM referral_join WHERE state = 'approved' AND claim_id IS NULL ORDER BY id LIMIT 500"
_CONVERTED = """
SELECT j.id, btrim(a.first_name || ' ' || a.last_name) AS advocate, a.phone AS advocate_phone, f.phone AS friend_phone,
       array(SELECT DISTINCT o.name FROM shop_order o WHERE o.customer_id = r.friend_id AND o.counts) AS names
FROM referral_join j JOIN referral r ON r.friend_id = j.friend_id AND r.source = 'link'
JOIN customer a ON a.id = r.advocate_id JOIN customer f ON f.id = r.friend_id
WHERE j.state = 'approved' AND j.decided_by = 'system' AND r.converted_at IS NOT NULL
"""
# One row each: a friend's code is used once, in one order.
_ELSEWHERE = """
SELECT DISTINCT j.id FROM referral_join j JOIN customer f ON f.id = j.friend_id
JOIN offer_code c ON c.claim_id = j.claim_id JOIN redemption r ON r.offer_code_id = c.id AND r.released_at IS NULL
WHERE j.state = 'approved' AND j.decided_by = 'system'
  AND r.customer_id IS DISTINCT FROM coalesce(f.merged_into, f.id)
"""
_FLAG = """
UPDATE referral_join SET state = 'review', flags = :flags, flagged_at = :now, decided_at = NULL, decided_by = NULL
WHERE id = :id AND state = 'approved' AND decided_by = 'system'
"""
_QUEUE = """
SELECT j.id, j.state, j.flags, j.reason, j.confirmed_at, j.decided_by, j.advocate_id, j.friend_id,
       coalesce(nullif(btrim(a.first_name || ' ' || a.last_name), ''), a.email, '#' || a.id) AS advocate,
       coalesce(nullif(btrim(f.first_name || ' ' || f.last_name), ''), f.email, '#' || f.id) AS friend, r.converted_at,
       CASE WHEN c.state = 'failed' THEN c.error END AS code_error
FROM referral_join j JOIN customer a ON a.id = j.advocate_id JOIN customer f ON f.id = j.friend_id
LEFT JOIN referral r ON r.friend_id = j.friend_id LEFT JOIN reward_claim c ON c.id = j.claim_id
WHERE j.state <> 'asked' ORDER BY j.state <> 'review', j.confirmed_at DESC, j.id DESC LIMIT :limit
"""
_OF_FRIEND = """
SELECT j.state, j.reason, r.state AS code_state,
       coalesce(nullif(a.first_name, ''), '') AS advocate FROM referral_join j
JOIN customer a ON a.id = j.advocate_id LEFT JOIN reward_claim r ON r.id = j.claim_id
WHERE j.friend_id = :f ORDER BY j.id LIMIT 1
"""
_SENT_BY = "SELECT state, advocate_id FROM referral_join WHERE friend_id = :f ORDER BY id LIMIT 1"
_BROUGHT = """
SELECT count(*) AS joined, count(converted_at) AS bought FROM referral WHERE advocate_id = :a
"""
