"""Friends that a campaign asked for: the terms of its letter, and the code that the customer gets for a friend who kept
an order. Promises are rows of ``offer_code``; each is good for so many friends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from campaigns.points.program import Reward
from campaigns.referral import ReferralTerms
from plugin_server.db.points import rewards


@dataclass(frozen=True, slots=True)
class Promise:
    """What a letter said: ``terms`` as ``campaigns.offers.offer.BringAFriend`` writes them."""

    id: int
    terms: dict[str, Any]

    def over(self, usual: ReferralTerms) -> ReferralTerms:
        """The shop's usual terms with what the letter promised the friend."""
        told = {
            "percent": Decimal(self.terms["percent"]), "minimum": Decimal(self.terms.get("minimum") or 0),
            "valid_days": int(self.terms["valid_days"]),
        }  # fmt: skip
        return replace(usual, on=True, **told)  # type: ignore[arg-type]


def of_customer(conn: Connection, customer_id: int, now: datetime) -> Promise | None:
    """The newest letter of a customer under which another friend may still come; None without one."""
    row = conn.execute(text(_OPEN), {"c": customer_id, "now": now}).one_or_none()
    return Promise(row.id, row.terms) if row else None


def one(conn: Connection, promise_id: int) -> Promise:
    """A promise by its number, however old."""
    row = conn.execute(text("SELECT id, terms FROM offer_code WHERE id = :id"), {"id": promise_id}).one()
    return Promise(row.id, row.terms)


def settle(conn: Connection, merchant_id: int, *, secret: str, now: datetime) -> int:
    """Plan the codes of customers whose friend kept an order, and let promises lapse that nobody came under.

    Gives how many codes were planned. Looking again changes nothing: a friend brings one code.
    """
    planned = 0
    for row in conn.execute(text(_DUE), {"now": now}).all():
        reward = Reward(
            key="friend", name=_NAMES, points=1, kind="percentage", value=Decimal(row.terms["own"]),
            valid_days=int(row.terms["valid_days"]),
        )  # fmt: skip
        claim = rewards.present(
            conn, merchant_id=merchant_id, customer_id=row.advocate_id, reward=reward, secret=secret, now=now
        )
        if claim is None:
            continue
        conn.execute(text("UPDATE referral_join SET own_claim_id = :c WHERE id = :id"), {"c": claim, "id": row.id})
        planned += 1
    conn.execute(text(_KEPT))
    conn.execute(text(_LAPSED), {"now": now})
    return planned


_NAMES = {"en": "Thank you for a friend", "id": "Terima kasih untuk teman", "nl": "Bedankt voor een vriend"}
_CAME = "(SELECT count(*) FROM referral_join j WHERE j.promise_id = k.id AND j.state <> 'refused')"
_OPEN = f"""
SELECT k.id, k.terms FROM offer_code k
WHERE k.kind = 'bring_a_friend' AND k.state = 'promised' AND k.expires_at > :now AND k.terms -> 'url' IS NOT NULL
  AND k.customer_id = (SELECT coalesce(merged_into, id) FROM customer WHERE id = :c)
  AND {_CAME} < (k.terms ->> 'friends')::int
ORDER BY k.id DESC LIMIT 1
"""
# The friend's order still counts when its window is over: one that went back by then brings nothing.
_DUE = """
SELECT j.id, r.advocate_id, k.terms FROM referral_join j
JOIN offer_code k ON k.id = j.promise_id JOIN referral r ON r.friend_id = j.friend_id
JOIN customer a ON a.id = r.advocate_id
WHERE j.state = 'approved' AND j.own_claim_id IS NULL AND k.terms ->> 'own' IS NOT NULL
  AND a.erased_at IS NULL AND a.email IS NOT NULL
  AND EXISTS (SELECT FROM shop_order o WHERE o.customer_id = j.friend_id AND o.counts
              AND o.placed_at <= CAST(:now AS timestamptz) - make_interval(days => (k.terms ->> 'wait_days')::int))
ORDER BY j.id LIMIT 500 FOR UPDATE OF j
"""
_KEPT = """
UPDATE offer_code k SET state = 'kept' WHERE k.kind = 'bring_a_friend' AND k.state = 'promised'
  AND (k.terms ->> 'friends')::int <= (
      SELECT count(*) FROM referral_join j WHERE j.promise_id = k.id AND j.claim_id IS NOT NULL
      AND (j.own_claim_id IS NOT NULL OR k.terms ->> 'own' IS NULL))
"""
_LAPSED = f"""
WITH gone AS (
    UPDATE offer_code k SET state = 'lapsed', liability_minor = 0
    FROM (SELECT id, run_id, liability_minor AS cost FROM offer_code
          WHERE kind = 'bring_a_friend' AND state = 'promised' AND expires_at <= :now FOR UPDATE) old
    WHERE k.id = old.id AND {_CAME} = 0 RETURNING old.run_id, old.cost
)
UPDATE offer_budget b SET issued_minor = b.issued_minor - f.cost
FROM (SELECT r.campaign_id, sum(g.cost) AS cost FROM gone g JOIN campaign_run r ON r.id = g.run_id GROUP BY 1) f
WHERE b.campaign_id = f.campaign_id
"""
