"""Rewards taken for points: the points go at once, the code is made in the shop, or the points come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns.offers.codes import code_for_claim, prefix_for
from campaigns.points.program import Reward
from campaigns.reasons import Reason
from connectors.types import CodeResult, CodeSpec, DiscountKind, minor_units
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points.orders import in_force


class RewardRefused(ValueError):
    """The reward cannot be taken; ``reason`` says why, in words for the customer."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claim whose code the shop has yet to make."""

    claim_id: int
    store_id: int
    entry_id: int | None
    spec: CodeSpec


def claim(conn: Connection, *, merchant_id: int, customer_id: int, key: str, secret: str, now: datetime) -> int:
    """Take a reward: debits its points and plans its code; gives the claim. Raises ``RewardRefused``, writing nothing.

    Two claims at once cannot spend the same points: the customer's row is held from the look to the debit, and the
    programme's while a stock is counted.
    """
    force = in_force(conn)
    reward = force.program.reward(key) if force else None
    if force is None or reward is None:
        raise RewardRefused(Reason(f"There is no reward {key!r} any more.", "reward_unknown"))
    points_ledger.hold(conn, [customer_id])
    person = conn.execute(text(_PERSON), {"id": customer_id}).one_or_none()
    if person is None or not person.email:
        raise RewardRefused(
            Reason("A reward needs an e-mail address, for its code works for that alone.", "reward_no_email")
        )
    if person.store_id is None:
        raise RewardRefused(Reason("No connected shop can make codes at the moment.", "reward_no_shop"))
    _in_stock(conn, reward)
    name = reward.called(person.language)
    try:
        entry = points_ledger.take(conn, customer_id, reward.points, kind="redeem", key=None, reason=name, now=now)
    except points_ledger.NotEnough as error:
        has = points_ledger.spendable(conn, customer_id, now)
        sentence = f"{name} takes {reward.points} points; you have {has}."
        raise RewardRefused(Reason(sentence, "reward_too_dear", needed=reward.points, has=has)) from error
    given = {"m": merchant_id, "customer": customer_id, "store": person.store_id, "entry": entry}
    told = {"reward": key, "name": name, "points": reward.points, "now": now}
    number: int = conn.execute(text(_CLAIM), given | told).scalar_one()
    terms = _terms(reward, force.timezone, force.currency, secret, number, now)
    conn.execute(text(_PLAN), given | terms | {"id": number, "email": person.email})
    return number


def claimed_since(conn: Connection, customer_id: int, key: str, seen: int) -> bool:
    """Whether this reward was taken after the claim ``seen``, the newest that the page with the button knew of.

    The customer's row is held from here on: of two taps on one page, in two windows too, the second finds the first.
    """
    points_ledger.hold(conn, [customer_id])
    return bool(conn.scalar(text(_SINCE), {"c": customer_id, "key": key, "seen": seen}))


_SINCE = """
SELECT EXISTS (SELECT FROM reward_claim WHERE customer_id = :c AND reward = :key AND id > :seen AND state <> 'failed')
"""


def _in_stock(conn: Connection, reward: Reward) -> None:
    if reward.stock is None:
        return
    conn.execute(text("SELECT id FROM point_program ORDER BY version DESC LIMIT 1 FOR UPDATE"))
    taken = conn.scalar(
        text("SELECT count(*) FROM reward_claim WHERE reward = :key AND state NOT IN ('failed', 'returned')"),
        {"key": reward.key},
    )
    if int(taken or 0) >= reward.stock:
        raise RewardRefused(Reason("This reward is gone: all of its stock has been taken.", "reward_gone"))


def present(
    conn: Connection, *, merchant_id: int, customer_id: int, reward: Reward, secret: str, now: datetime
) -> int | None:
    """Plan a code that no points pay for; gives the claim, None while no shop can make it or there is no address."""
    person = conn.execute(text(_PERSON), {"id": customer_id}).one_or_none()
    if person is None or not person.email or person.store_id is None:
        return None
    given = {"m": merchant_id, "customer": customer_id, "store": person.store_id, "entry": None}
    told = {"reward": reward.key, "name": reward.called(person.language), "points": 0, "now": now}
    number: int = conn.execute(text(_CLAIM), given | told).scalar_one()
    shop = conn.execute(text("SELECT timezone, currency FROM merchant")).one()
    terms = _terms(reward, shop.timezone, shop.currency, secret, number, now)
    conn.execute(text(_PLAN), given | terms | {"id": number, "email": person.email})
    return number


def _terms(reward: Reward, timezone: str, currency: str, secret: str, claim_id: int, now: datetime) -> dict[str, Any]:
    zone = ZoneInfo(timezone)
    day = now.astimezone(zone).date() + timedelta(days=reward.valid_days)
    value = reward.value or 0
    return {
        "code": code_for_claim(secret, prefix=prefix_for(reward.key), claim_id=claim_id),
        "kind": reward.kind,
        "value": value,
        "currency": currency,
        "minimum": minor_units(reward.minimum or 0, currency),
        "cost": minor_units(value, currency) if reward.kind == "fixed" else 0,
        "expires": datetime.combine(day, time(23, 59, 59), zone),
    }


def waiting(conn: Connection, *, away: Sequence[int] = (), limit: int = 100) -> list[Waiting]:
    """Claims of one connected shop, none of those ``away``, whose codes are still to be made, oldest first."""
    rows = conn.execute(text(_WAITING), {"limit": limit, "away": list(away)})
    return [
        Waiting(
            row.claim_id,
            row.store_id,
            row.entry_id,
            CodeSpec(
                code=row.code, kind=DiscountKind(row.kind), value=row.value, currency=row.currency, email=row.email,
                expires_at=row.expires_at, minimum_minor=row.minimum_minor, description=f"tangga:reward:{row.claim_id}",
            ),
        )
        for row in rows
    ]  # fmt: skip


def settle(conn: Connection, one: Waiting, result: CodeResult, now: datetime) -> None:
    """Write down what the shop said: issued; refused for good (the points come back); or later (nothing changes)."""
    given = {"id": one.claim_id, "now": now, "external": result.external_id, "error": result.error or ""}
    if result.external_id and not result.error:
        conn.execute(text(_ISSUED), given)
        conn.execute(
            text("UPDATE reward_claim SET state = 'issued', error = '', settled_at = :now WHERE id = :id"), given
        )
    elif result.permanent:
        conn.execute(text("UPDATE offer_code SET state = 'failed', error = :error WHERE claim_id = :id"), given)
        conn.execute(
            text("UPDATE reward_claim SET state = 'failed', error = :error, settled_at = :now WHERE id = :id"), given
        )
        if one.entry_id is not None:
            points_ledger.give_back(conn, one.entry_id, reason="the shop could not make the code", now=now)
    else:
        conn.execute(text("UPDATE reward_claim SET error = :error WHERE id = :id"), given)


def of_customer(conn: Connection, customer_id: int) -> list[dict[str, Any]]:
    """A customer's claims, newest first, with their codes."""
    return [dict(row) for row in conn.execute(text(_OF_CUSTOMER), {"id": customer_id}).mappings()]


_ABLE = "s.platform <> 'csv' AND s.state = 'connected' AND NOT s.read_only"
_PERSON = f"""
SELECT c.email, left(lower(coalesce(c.language, m.locale)), 2) AS language, coalesce(
    (SELECT o.store_id FROM shop_order o JOIN store s ON s.id = o.store_id
     WHERE o.customer_id = c.id AND o.counts AND {_ABLE} ORDER BY o.placed_at DESC, o.id DESC LIMIT 1),
    (SELECT i.store_id FROM identity i JOIN store s ON s.id = i.store_id
     WHERE i.customer_id = c.id AND {_ABLE} ORDER BY i.id DESC LIMIT 1),
    (SELECT min(s.id) FROM store s WHERE {_ABLE})) AS store_id
FROM customer c CROSS JOIN merchant m WHERE c.id = :id AND c.merged_into IS NULL AND c.erased_at IS NULL
"""
_CLAIM = """
INSERT INTO reward_claim (merchant_id, customer_id, store_id, reward, name, points, entry_id, created_at)
VALUES (:m, :customer, :store, :reward, :name, :points, :entry, :now) RETURNING id
"""
_PLAN = """
INSERT INTO offer_code (merchant_id, claim_id, customer_id, store_id, code, kind, value, currency, minimum_minor,
                        liability_minor, email, expires_at)
VALUES (:m, :id, :customer, :store, :code, :kind, :value, :currency, :minimum, :cost, :email, :expires)
"""
_WAITING = """
SELECT r.id AS claim_id, r.entry_id, c.store_id, c.code, c.kind, c.value, c.currency, c.email, c.expires_at,
       c.minimum_minor
FROM reward_claim r JOIN offer_code c ON c.claim_id = r.id WHERE r.state = 'planned'
  AND c.store_id = (SELECT p.store_id FROM reward_claim p JOIN store s ON s.id = p.store_id AND s.state = 'connected'
                    WHERE p.state = 'planned' AND p.store_id <> ALL(CAST(:away AS bigint[])) ORDER BY p.id LIMIT 1)
ORDER BY r.id LIMIT :limit
"""
_ISSUED = """
UPDATE offer_code SET state = 'issued', error = '', external_id = :external, issued_at = :now
WHERE claim_id = :id AND state = 'planned'
"""
_OF_CUSTOMER = """
SELECT r.id, r.reward, r.name, r.points, r.state, r.error, r.created_at, c.code, c.expires_at
FROM reward_claim r LEFT JOIN offer_code c ON c.claim_id = r.id WHERE r.customer_id = :id ORDER BY r.id DESC LIMIT 50
"""
