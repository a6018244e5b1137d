"""Personal codes in the hands of strangers: found in orders, taken back, given anew to whom they belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.offers.codes import code_for, code_for_claim
from campaigns.offers.offer import LOYAL
from connectors.types import CodeResult, CodeSpec
from plugin_server.db.models.offer import OfferCode
from plugin_server.db.offers import codes as offers
from plugin_server.db.offers.withdrawn import LOST

OWN: Final = ("id", "code", "state", "error", "external_id", "created_at", "issued_at", "generation")
"""What a new code does not take over from the one it stands for."""
SAME: Final = ", ".join(column.name for column in OfferCode.__table__.columns if column.name not in OWN)
_STRANGE: Final = """
JOIN customer owner ON owner.id = c.customer_id JOIN customer buyer ON buyer.id = o.customer_id
WHERE coalesce(owner.merged_into, owner.id) <> coalesce(buyer.merged_into, buyer.id)
  AND lower(btrim(coalesce(o.email, ''))) <> lower(btrim(c.email))
"""
"""An order without a customer, or with the owner's own address, is no stranger's."""


def find(conn: Connection, *, merchant_id: int, order_ids: Sequence[int] | None, now: datetime) -> int:
    """Write down codes that strangers used in these orders (all with ``None``), each code once; gives how many."""
    given = {"m": merchant_id, "orders": list(order_ids) if order_ids is not None else None, "now": now}
    return conn.execute(text(_FIND), given).rowcount


_FIND: Final = f"""
INSERT INTO code_leak (merchant_id, offer_code_id, order_id, found_at)
SELECT DISTINCT ON (c.id) :m, c.id, o.id, :now
FROM redemption r JOIN offer_code c ON c.id = r.offer_code_id JOIN shop_order o ON o.id = r.order_id
{_STRANGE} AND r.merchant_id = :m AND r.released_at IS NULL
  AND (CAST(:orders AS bigint[]) IS NULL OR o.id = ANY(:orders)) AND c.state IN ('planned', 'issued')
ORDER BY c.id, o.id ON CONFLICT (offer_code_id) DO NOTHING
"""


def waiting(conn: Connection) -> bool:
    """Whether any leak goes on by itself."""
    statement = "SELECT EXISTS (SELECT FROM code_leak WHERE state IN ('found', 'revoked', 'planned'))"
    return bool(conn.scalar(text(statement)))


@dataclass(frozen=True, slots=True)
class Leak:
    """A code that leaked: its shop and number there; ``spec`` of the code that takes its place, once planned."""

    id: int
    code_id: int
    store_id: int
    external_id: str | None
    spec: CodeSpec | None = None
    new_code_id: int | None = None


def found(conn: Connection, now: datetime, limit: int = 100) -> list[Leak]:
    """Leaked codes of one shop that are still good there. What turned out to be no stranger's is closed first."""
    conn.execute(text(_NO_STRANGER), {"now": now})
    rows = conn.execute(text(_FOUND), {"n": limit})
    return [Leak(row.id, row.code_id, row.store_id, row.external_id) for row in rows]


_NO_STRANGER: Final = f"""
UPDATE code_leak l SET state = 'closed', reason = 'same_person', settled_at = :now
WHERE l.state = 'found' AND NOT EXISTS (
    SELECT FROM offer_code c JOIN shop_order o ON o.id = l.order_id {_STRANGE} AND c.id = l.offer_code_id)
"""
_FOUND: Final = """
SELECT l.id, c.id AS code_id, c.store_id, c.external_id FROM code_leak l JOIN offer_code c ON c.id = l.offer_code_id
WHERE l.state = 'found' AND c.store_id = (
    SELECT f.store_id FROM code_leak g JOIN offer_code f ON f.id = g.offer_code_id
    WHERE g.state = 'found' ORDER BY g.id LIMIT 1)
ORDER BY l.id LIMIT :n
"""


def revoked(conn: Connection, leaks: Sequence[Leak]) -> None:
    """The shop has taken these codes back."""
    conn.execute(
        text("UPDATE offer_code SET state = 'revoked' WHERE id = ANY(:ids) AND state <> 'revoked'"),
        {"ids": [one.code_id for one in leaks]},
    )
    conn.execute(
        text("UPDATE code_leak SET state = 'revoked' WHERE id = ANY(:ids) AND state = 'found'"),
        {"ids": [one.id for one in leaks]},
    )


def plan_next(conn: Connection, *, secret: str, now: datetime) -> bool:
    """Plan the new code of one leak, or say why there is none; False where none waits.

    Its row is held meanwhile, and so is the budget's: two workers plan one code, within the budget.
    """
    row = conn.execute(text(_NEXT), {"loyal": list(LOYAL)}).one_or_none()
    if row is None:
        return False
    state, reason = _fate(conn, row, now)
    code_id = _plan(conn, row, secret) if state == "planned" else None
    values = {"id": row.id, "state": state, "reason": reason, "new": code_id, "now": now}
    conn.execute(text(_SETTLE), values)
    return True


_NEXT: Final = f"""
SELECT l.id, ({LOST}) AS former, l.agreed, c.id AS code_id, c.run_id, c.claim_id, c.customer_id, c.store_id, c.code,
       c.generation, c.expires_at, c.liability_minor, r.campaign_id, coalesce(p.merged_into, p.id) AS owner, p.erased_at
FROM code_leak l JOIN offer_code c ON c.id = l.offer_code_id JOIN customer p ON p.id = c.customer_id
LEFT JOIN campaign_run r ON r.id = c.run_id
WHERE l.state = 'revoked' ORDER BY l.id LIMIT 1 FOR UPDATE OF l SKIP LOCKED
"""
_SETTLE: Final = """
UPDATE code_leak SET state = :state, reason = :reason, new_code_id = :new,
       settled_at = CASE WHEN :state = 'closed' THEN CAST(:now AS timestamptz) END WHERE id = :id
"""
_USED: Final = """
SELECT EXISTS (SELECT FROM redemption d JOIN shop_order o ON o.id = d.order_id JOIN customer b ON b.id = o.customer_id
               WHERE d.offer_code_id = :code AND d.released_at IS NULL AND coalesce(b.merged_into, b.id) = :owner)
"""


def _fate(conn: Connection, row: Any, now: datetime) -> tuple[str, str]:
    if row.expires_at <= now:
        return "closed", "expired"
    if row.erased_at is not None:
        return "closed", "erased"
    if row.former:
        return "closed", "former"
    if conn.scalar(text(_USED), {"code": row.code_id, "owner": row.owner}):
        return "closed", "owner_used"
    if row.generation and not row.agreed:
        # Leaked again: whoever passes a code on would get one after the other.
        return "person", "again"
    if row.campaign_id is not None and not _afforded(conn, row):
        return "person", "budget"
    return "planned", ""


def _afforded(conn: Connection, row: Any) -> bool:
    """Bind the new code's cost, if the budget still has room: the stranger has spent what was bound before."""
    given = {"id": row.campaign_id, "cost": row.liability_minor}
    conn.execute(text("SELECT 1 FROM offer_budget WHERE campaign_id = :id FOR UPDATE"), given)
    bound = conn.execute(
        text(
            "UPDATE offer_budget SET issued_minor = issued_minor + :cost WHERE campaign_id = :id "
            "AND (limit_minor IS NULL OR issued_minor + :cost <= limit_minor)"
        ),
        given,
    )
    return bound.rowcount == 1


def _plan(conn: Connection, row: Any, secret: str) -> int:
    family = {"run": row.run_id, "customer": row.customer_id, "store": row.store_id, "claim": row.claim_id}
    generation, prefix = int(conn.scalar(text(_NEWEST), family) or 0) + 1, row.code.rpartition("-")[0]
    if row.claim_id is not None:
        code = code_for_claim(secret, prefix=prefix, claim_id=row.claim_id, generation=generation)
    else:
        code = code_for(secret, prefix=prefix, run_id=row.run_id, customer_id=row.customer_id, generation=generation)
    made: int = conn.execute(
        text(
            f"INSERT INTO offer_code ({SAME}, code, generation, state) "
            f"SELECT {SAME}, :code, :generation, 'planned' FROM offer_code WHERE id = :id RETURNING id"
        ),
        {"id": row.code_id, "code": code, "generation": generation},
    ).scalar_one()
    return made


_NEWEST: Final = """
SELECT max(generation) FROM offer_code WHERE customer_id = :customer AND store_id = :store
  AND run_id IS NOT DISTINCT FROM :run AND claim_id IS NOT DISTINCT FROM :claim
"""


def planned(conn: Connection, limit: int = 100) -> list[Leak]:
    """New codes of one shop that are still to be made."""
    rows = conn.execute(text(_PLANNED), {"n": limit})
    return [Leak(row.leak_id, row.old_id, row.store_id, row.external_id, offers.spec_of(row), row.id) for row in rows]


_PLANNED: Final = """
SELECT n.*, l.id AS leak_id, l.offer_code_id AS old_id FROM code_leak l JOIN offer_code n ON n.id = l.new_code_id
WHERE l.state = 'planned' AND n.store_id = (
    SELECT f.store_id FROM code_leak g JOIN offer_code f ON f.id = g.new_code_id
    WHERE g.state = 'planned' ORDER BY g.id LIMIT 1)
ORDER BY l.id LIMIT :n
"""


def settle(conn: Connection, one: Leak, result: CodeResult, now: datetime) -> None:
    """Write down what the shop made of a new code: there; refused for good, so a person must look; or later."""
    given = {"id": one.new_code_id, "leak": one.id, "external": result.external_id, "error": result.error or "",
             "now": now}  # fmt: skip
    if result.external_id and not result.error:
        conn.execute(text(_ISSUED), given)
        offers.too_late(conn, [(one.new_code_id or 0, result.external_id)])
        conn.execute(
            text("UPDATE code_leak SET state = 'reissued', settled_at = :now WHERE id = :leak AND state = 'planned'"),
            given,
        )
    elif result.permanent:
        conn.execute(text(_REFUSED), given)


_ISSUED: Final = """
UPDATE offer_code SET state = 'issued', error = '', external_id = :external, issued_at = :now
WHERE id = :id AND state = 'planned'
"""
_REFUSED: Final = """
WITH gone AS (UPDATE offer_code SET state = 'failed', error = :error WHERE id = :id AND state = 'planned'
              RETURNING run_id, liability_minor),
freed AS (UPDATE offer_budget b SET issued_minor = b.issued_minor - g.liability_minor
          FROM gone g JOIN campaign_run r ON r.id = g.run_id WHERE b.campaign_id = r.campaign_id)
UPDATE code_leak SET state = 'person', reason = 'refused', detail = :error WHERE id = :leak AND state = 'planned'
  AND EXISTS (SELECT FROM gone)
"""


@dataclass(frozen=True, slots=True)
class ToTell:
    """An owner to be told of a new code."""

    leak_id: int
    customer_id: int
    email: str
    first_name: str
    language: str | None
    code: str
    expires_at: datetime
    url: str


def claim_untold(conn: Connection, now: datetime) -> list[ToTell]:
    """Owners with a new code who said yes to mails and are not told yet; they count as told from here on."""
    return [ToTell(**row) for row in conn.execute(text(_TELL), {"now": now}).mappings()]


_TELL: Final = """
UPDATE code_leak l SET told_at = :now
FROM offer_code c JOIN customer p ON p.id = c.customer_id JOIN store s ON s.id = c.store_id
WHERE c.id = l.new_code_id AND l.state = 'reissued' AND l.told_at IS NULL AND c.expires_at > :now
  AND p.email_norm IS NOT NULL AND p.merged_into IS NULL AND p.erased_at IS NULL
  AND NOT EXISTS (SELECT FROM suppression x WHERE x.email_norm = p.email_norm)
  AND 'subscribed' = (SELECT state FROM consent t WHERE t.customer_id = p.id AND t.channel = 'email'
                      AND t.topic = 'promotions' ORDER BY t.occurred_at DESC, t.id DESC LIMIT 1)
RETURNING l.id AS leak_id, p.id AS customer_id, p.email, p.first_name, p.language, c.code, c.expires_at,
          coalesce(s.url, '') AS url
"""


def untold(conn: Connection, leak_id: int) -> None:
    """The mail certainly did not leave: it may be tried again."""
    conn.execute(text("UPDATE code_leak SET told_at = NULL WHERE id = :id"), {"id": leak_id})
