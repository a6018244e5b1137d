"""Store credit: planned once per cause, claimed by one worker, settled by what the shop said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, text

from campaigns.reasons import Reason
from connectors.errors import ConnectorError
from connectors.types import CreditIntent, Money, minor_units
from plugin_server.db.merchant import audit_log

CAPABILITY = "store_credit"
DAYS = 365
LOST = timedelta(minutes=10)
"""Longer than any worker waits for a shop: whoever was sending this is dead, and nobody knows what the shop did."""
SHORTEST, LONGEST = timedelta(seconds=30), timedelta(hours=1)
DOUBT = timedelta(minutes=2)
"""Pauses before a shop is asked again; after a doubt long enough for a late booking to be seen."""
SAID_NO = frozenset({"credit_refused", "bad_credit"})
"""Codes of errors where the shop looked at this very credit and refused it. Others are of the connection."""

AGAIN = "Then check the connection of the shop again."


class CreditRefused(ValueError):
    """The credit cannot be planned; ``reason`` says why, for a person of the business."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Claimed:
    """An intent that this worker alone works on; ``doubtful`` where the shop may have booked it already."""

    id: int
    merchant_id: int
    store_id: int
    customer_id: int
    tries: int
    doubtful: bool
    intent: CreditIntent


def shops(conn: Connection, given: str | None = None) -> Sequence[Row[*tuple[Any, ...]]]:
    """Shops that could give credit by their platform, able ones first; those of this number or name where given."""
    return conn.execute(text(_SHOPS), {"given": given}).all()


def store_for(conn: Connection, given: str | None) -> int:
    """The one shop that is meant. Raises ``CreditRefused`` where there is none, or several."""
    found = shops(conn, given)
    able = [row for row in found if CAPABILITY in row.capabilities] or found
    if not able:
        raise CreditRefused(Reason("No Shopify shop of yours is connected, or none of that name.", "credit_no_shop"))
    if len(able) > 1:
        names = ", ".join(f"{row.id} ({row.name})" for row in able)
        raise CreditRefused(Reason(f"Say in which shop: {names}.", "credit_which_shop", shops=names))
    return int(able[0].id)


def plan(
    conn: Connection, *, merchant_id: int, customer_id: int, store_id: int, amount: Decimal, reason: str, cause: str,
    by: str, now: datetime, days: int = DAYS,
) -> int:  # fmt: skip
    """Write down that a customer is to get ``amount`` (major units) in a shop; gives the intent's id.

    A cause that is known already gives its intent and plans nothing. Raises ``CreditRefused``, writing nothing.
    """
    conn.execute(text("SELECT FROM customer WHERE id = :id FOR UPDATE"), {"id": customer_id})
    known = conn.scalar(text("SELECT id FROM credit_intent WHERE cause = :cause"), {"cause": cause})
    if known is not None:
        return int(known)
    said = " ".join(reason.split())[:200]
    if not said:
        raise CreditRefused(Reason("Say why: the reason stays with the credit.", "credit_no_reason"))
    shop = _able(conn, store_id)
    account = conn.scalar(text(_ACCOUNT), {"store": store_id, "customer": customer_id})
    if account is None:
        raise CreditRefused(Reason(f"The customer has no account in {shop.name}.", "credit_no_account", shop=shop.name))
    told = {
        "m": merchant_id, "cause": cause, "store": store_id, "customer": customer_id, "account": account,
        "amount": _minor(amount, shop.currency), "currency": shop.currency, "reason": said, "by": by, "now": now,
        "expires": now.replace(microsecond=0) + timedelta(days=days),
    }  # fmt: skip
    number = int(conn.execute(text(_PLAN), told).scalar_one())
    money = {"amount": str(amount), "currency": shop.currency}
    audit_log.record(
        conn, merchant_id, actor=by, action="credit_planned", subject=f"customer {customer_id}",
        detail={"credit": number, "store": store_id, "reason": said, **money},
    )  # fmt: skip
    return number


def _able(conn: Connection, store_id: int) -> Row[*tuple[Any, ...]]:
    shop = next((row for row in shops(conn) if row.id == store_id), None)
    if shop is None:
        raise CreditRefused(Reason("No Shopify shop of yours is connected, or none of that name.", "credit_no_shop"))
    if CAPABILITY in shop.capabilities:
        return shop
    name = shop.name
    where = f"Switch it in Shopify under Settings, Customer accounts. {AGAIN}"
    if "credit_switched_on" not in shop.capabilities:
        raise CreditRefused(Reason(f"Store credit is off in {name}. {where}", "credit_off", shop=name))
    if "new_accounts" not in shop.capabilities:
        sentence = f"{name} has classic customer accounts, with which nobody can spend store credit. {where}"
        raise CreditRefused(Reason(sentence, "credit_classic", shop=name))
    sentence = f"The app may not give store credit in {name}. Open it in Shopify and grant that. {AGAIN}"
    raise CreditRefused(Reason(sentence, "credit_not_granted", shop=name))


def _minor(amount: Decimal, currency: str) -> int:
    minor = minor_units(amount, currency) if amount.is_finite() and abs(amount) < 10**12 else 0
    if minor <= 0 or Money(minor, currency).amount != amount:
        raise CreditRefused(Reason(f"Give an amount above zero in {currency}.", "credit_bad_amount", currency=currency))
    return minor


def waiting(conn: Connection, now: datetime) -> bool:
    """True where a shop is to be asked now."""
    return bool(conn.scalar(text(f"SELECT EXISTS (SELECT FROM credit_intent i WHERE {_DUE})"), _times(now)))


def claim(conn: Connection, now: datetime) -> Claimed | None:
    """Take the oldest credit that is due, or None. Commit before asking the shop: the row is what is left of a crash.

    What somebody else was sending too long ago is taken as doubtful, like what is in doubt.
    """
    row = conn.execute(text(_CLAIM), _times(now)).one_or_none()
    if row is None:
        return None
    intent = CreditIntent(row.account, row.amount_minor, row.currency, row.created_at, row.expires_at)
    return Claimed(row.id, row.merchant_id, row.store_id, row.customer_id, row.tries, row.before != "planned", intent)


def given(conn: Connection, one: Claimed, external_id: str, now: datetime) -> None:
    """The shop has booked it."""
    _settle(conn, one, {"state": "given", "external": external_id, "error": "", "later": None}, now)


def failed(conn: Connection, one: Claimed, error: ConnectorError, now: datetime) -> None:
    """The shop refused it, or did not answer: refused for good, in doubt, or planned for later."""
    if error.code in SAID_NO and not error.ambiguous:
        _settle(conn, one, {"state": "refused", "external": None, "error": error.sentence, "later": None}, now)
        return
    pause = timedelta(seconds=error.retry_after) if error.retry_after is not None else LONGEST
    state = "in_doubt" if error.ambiguous or one.doubtful else "planned"
    shortest = (DOUBT if state == "in_doubt" else SHORTEST) * 2 ** min(one.tries - 1, 7)
    pause = min(max(pause, shortest), LONGEST)
    _settle(conn, one, {"state": state, "external": None, "error": error.sentence, "later": now + pause}, now)


def _settle(conn: Connection, one: Claimed, said: Mapping[str, Any], now: datetime) -> None:
    done = conn.execute(text(_SETTLE), {"id": one.id, "tries": one.tries, "now": now, **said}).rowcount
    if done and said["state"] in ("given", "refused"):
        audit_log.record(
            conn, one.merchant_id, actor="system", action=f"credit_{said['state']}",
            subject=f"customer {one.customer_id}", detail={"credit": one.id, "error": said["error"]},
        )  # fmt: skip


def of_customer(conn: Connection, customer_id: int, limit: int = 20) -> list[dict[str, Any]]:
    """A customer's credits, newest first: id, shop, amount_minor, currency, reason, state, error and times."""
    return [dict(row) for row in conn.execute(text(_OF), {"id": customer_id, "limit": limit}).mappings()]


def _times(now: datetime) -> dict[str, datetime]:
    return {"now": now, "lost": now - LOST}


_DUE = (
    "(i.state IN ('planned', 'in_doubt') AND (i.not_before IS NULL OR i.not_before <= :now) "
    "OR i.state = 'sending' AND i.sending_at < :lost) AND i.account <> '' AND EXISTS "
    "(SELECT FROM store s WHERE s.id = i.store_id AND s.state = 'connected' AND NOT s.read_only)"
)
_SHOPS = """
SELECT id, name, capabilities, coalesce(currency, (SELECT currency FROM merchant)) AS currency FROM store
WHERE platform = 'shopify' AND state = 'connected' AND NOT read_only
  AND (CAST(:given AS text) IS NULL OR :given IN (id::text, name))
ORDER BY (NOT 'store_credit' = ANY(capabilities)), id
"""
_ACCOUNT = """
SELECT external_id FROM identity WHERE store_id = :store AND customer_id = :customer ORDER BY id DESC LIMIT 1
"""
_PLAN = """
INSERT INTO credit_intent (merchant_id, cause, store_id, customer_id, account, amount_minor, currency, reason,
                           expires_at, created_by, created_at)
VALUES (:m, :cause, :store, :customer, :account, :amount, :currency, :reason, greatest(:expires,
        (SELECT max(expires_at) + interval '1 second' FROM credit_intent WHERE store_id = :store
         AND account = :account)), :by, :now)
RETURNING id
"""
_CLAIM = f"""
WITH next AS (SELECT i.id, i.state FROM credit_intent i WHERE {_DUE} ORDER BY i.id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE credit_intent c SET state = 'sending', sending_at = :now, tries = c.tries + 1 FROM next WHERE c.id = next.id
RETURNING c.*, next.state AS before
"""
_SETTLE = """
UPDATE credit_intent SET state = :state, external_id = coalesce(:external, external_id), error = :error,
       not_before = :later, settled_at = CASE WHEN :state IN ('given', 'refused') THEN CAST(:now AS timestamptz) END
WHERE id = :id AND state = 'sending' AND tries = :tries
"""
_OF = """
SELECT i.id, s.name AS shop, i.amount_minor, i.currency, i.reason, i.state, i.error, i.expires_at, i.created_at,
       i.not_before, i.settled_at
FROM credit_intent i JOIN store s ON s.id = i.store_id WHERE i.customer_id = :id ORDER BY i.id DESC LIMIT :limit
"""
