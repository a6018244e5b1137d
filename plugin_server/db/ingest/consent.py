"""What a store says of consent, weighed against what the person told us.

A row is added only when the store's word changed and is newer than its last one. Who unsubscribed here stays so until
the store shows a dated, newer yes.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

STATES = ("subscribed", "unsubscribed", "pending", "unknown")

# A yes without a date proves nothing newer than a no we hold ourselves; a no is believed whenever it is seen.
_FROM_STORE = """
    INSERT INTO consent (merchant_id, customer_id, state, level, source, evidence, occurred_at, recorded_at)
    SELECT :merchant, s.customer_id, s.state, 'single', s.source, :evidence, s.occurred_at, :now
    FROM (SELECT DISTINCT ON (p.customer_id) p.customer_id, a.consent AS state, a.consent_at,
                 coalesce(a.consent_source, 'store') AS source,
                 least(coalesce(a.consent_at, CASE WHEN told.state IS NULL AND a.consent <> 'unsubscribed'
                                              THEN a.created_at END, :now), :now) AS occurred_at,
                 told.state AS told_state, told.occurred_at AS told_at,
                 held.state AS held_state, held.occurred_at AS held_at, held.evidence AS held_by
          FROM in_person p JOIN in_account a USING (seq)
          LEFT JOIN LATERAL (SELECT state, occurred_at FROM consent
                             WHERE customer_id = p.customer_id AND channel = 'email' AND topic = 'promotions'
                               AND evidence = :evidence
                             ORDER BY occurred_at DESC, id DESC LIMIT 1) AS told ON true
          LEFT JOIN LATERAL (SELECT state, occurred_at, evidence FROM consent
                             WHERE customer_id = p.customer_id AND channel = 'email' AND topic = 'promotions'
                             ORDER BY occurred_at DESC, id DESC LIMIT 1) AS held ON true
          WHERE a.differs AND a.consent = ANY(:states)
          ORDER BY p.customer_id, a.consent_at DESC NULLS LAST, a.seq DESC) AS s
    WHERE s.told_state IS DISTINCT FROM s.state
      AND (s.told_at IS NULL OR s.occurred_at > s.told_at)
      AND (s.state <> 'unsubscribed' AND s.held_state = 'unsubscribed' AND s.held_by <> :evidence
           AND (s.consent_at IS NULL OR s.consent_at <= s.held_at)) IS NOT TRUE
"""


def from_store(connection: Connection, *, merchant_id: int, store_id: int, now: datetime) -> int:
    """Write down what the accounts in ``in_person``/``in_account`` say; gives how many rows were added."""
    return connection.execute(
        text(_FROM_STORE),
        {"merchant": merchant_id, "now": now, "evidence": f"store:{store_id}", "states": list(STATES)},
    ).rowcount
