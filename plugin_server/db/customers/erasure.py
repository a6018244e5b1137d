"""Forgetting a person: every row that names them, in one transaction. Figures stay, and lead to nobody.

A shop may tell us of an erased person again, by an old order or an account that is still there. A salted hash of the
address and of each account recognises them, and they go again; only an order or a yes from after the erasure brings
somebody back, as a new person.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, text
from sqlalchemy.dialects.postgresql import insert

from plugin_server.db.ingest.staging import take_turn
from plugin_server.db.models.privacy import Erasure
from plugin_server.db.personal import GONE, HELD

SHORTEST_NEEDLE = 6
"""Shorter texts would be found in what has nothing to do with the person."""


@dataclass(frozen=True, slots=True)
class Family:
    """Everything by which one person is known here."""

    ids: tuple[int, ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    accounts: tuple[tuple[int, str], ...]

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of the conditions of ``personal.HELD``."""
        needles = {word.lower() for word in (*self.emails, *self.phones) if len(word) >= SHORTEST_NEEDLE}
        return {"ids": list(self.ids), "emails": list(self.emails), "needles": sorted(needles)}


_FAMILY = text(
    """WITH RECURSIVE kin AS (
           SELECT id, merged_into FROM customer WHERE id = ANY(:ids)
           UNION SELECT c.id, c.merged_into FROM customer c JOIN kin k ON c.merged_into = k.id OR c.id = k.merged_into)
       SELECT c.id, c.email, c.email_norm, c.phone FROM customer c WHERE c.id IN (SELECT id FROM kin)
       ORDER BY c.merged_into IS NOT NULL, c.id"""
)
_ORDERED = text(
    "SELECT DISTINCT lower(btrim(email)) FROM shop_order WHERE customer_id = ANY(:ids) AND email IS NOT NULL"
)
_ACCOUNTS = text("SELECT store_id, external_id, content FROM identity WHERE customer_id = ANY(:ids) ORDER BY id")


def family(connection: Connection, customer_ids: Iterable[int]) -> Family:
    """All rows, addresses, numbers and accounts of these customers and of those merged with them."""
    rows = connection.execute(_FAMILY, {"ids": list(customer_ids)}).all()
    ids = [row.id for row in rows]
    accounts = connection.execute(_ACCOUNTS, {"ids": ids}).all()
    emails = {row.email_norm for row in rows} | set(connection.scalars(_ORDERED, {"ids": ids}))
    emails |= {row.email.strip().lower() for row in rows if row.email}
    emails |= {str(row.content.get("email") or "").strip().lower() for row in accounts}
    phones = {row.phone for row in rows} | {str(row.content.get("phone") or "") for row in accounts}
    return Family(
        tuple(ids),
        tuple(sorted(filter(None, emails))),
        tuple(sorted(filter(None, phones))),
        tuple((row.store_id, row.external_id) for row in accounts),
    )


def erase(
    connection: Connection, merchant_id: int, of: Family, now: datetime, *, since: datetime | None = None
) -> dict[str, int]:
    """Forget one person; gives {table: rows}. Their orders keep sums and goods, and belong to a row without a name.

    ``since`` is when the person was erased first, where this only repeats it.
    """
    take_turn(connection, merchant_id)
    values = of.values | {"now": now}
    touched: dict[str, int] = {}
    _mark(connection, merchant_id, of, since or now)
    # Others' orders may name this person as the one who brought them.
    connection.execute(text("UPDATE shop_order SET referred_by = NULL WHERE lower(referred_by) = ANY(:emails)"), values)
    for held in reversed(HELD):
        if held.locked:
            continue
        if held.deleted:
            statement = f"DELETE FROM {held.table} WHERE {held.whose}"
        elif held.wiped:
            changes = ", ".join(f"{column} = {value}" for column, value in held.wiped.items())
            statement = f"UPDATE {held.table} SET {changes} WHERE {held.whose}"
        else:
            continue
        touched[held.table] = connection.execute(text(statement), values).rowcount
    connection.execute(text("SELECT tangga_forget(:ids, :needles)"), values)
    connection.execute(
        text(
            "UPDATE message SET state = 'skipped', reason = :gone, settled_at = :now "
            "WHERE customer_id = ANY(:ids) AND state = 'planned'"
        ),
        values | {"gone": GONE},
    )
    return {table: count for table, count in touched.items() if count}


def _mark(connection: Connection, merchant_id: int, of: Family, at: datetime) -> None:
    salt = _salt(connection) or secrets.token_hex(16)
    known = [*of.emails, *(_account(store, external) for store, external in of.accounts)]
    rows = [
        {
            "merchant_id": merchant_id,
            "salt": salt,
            "hash": hashlib.sha256((salt + word).encode()).digest(),
            "customer_id": of.ids[0],
            "erased_at": at,
        }
        for word in known
    ]
    if rows:
        statement = insert(Erasure).values(rows)
        renewed = {"erased_at": func.greatest(Erasure.erased_at, statement.excluded.erased_at)}
        connection.execute(statement.on_conflict_do_update(index_elements=["merchant_id", "hash"], set_=renewed))


def _salt(connection: Connection) -> str | None:
    found: str | None = connection.scalar(text("SELECT salt FROM erasure ORDER BY id LIMIT 1"))
    return found


def _account(store_id: int, external_id: str) -> str:
    return f"{store_id}/{external_id}"


_RETURNED = """
    SELECT DISTINCT c.id, e.customer_id AS was, e.erased_at FROM customer c JOIN erasure e
        ON e.hash = sha256(convert_to(CAST(:salt AS text) || c.email_norm, 'UTF8'))
    WHERE c.erased_at IS NULL AND c.merged_into IS NULL AND c.email_norm IS NOT NULL AND {only} AND {nothing_new}
    UNION
    SELECT DISTINCT c.id, e.customer_id, e.erased_at FROM identity i JOIN customer c ON c.id = i.customer_id
    JOIN erasure e ON e.hash = sha256(convert_to(CAST(:salt AS text) || i.store_id || '/' || i.external_id, 'UTF8'))
    WHERE c.erased_at IS NULL AND c.merged_into IS NULL AND {only} AND {nothing_new}
"""
_NOTHING_NEW = (
    "NOT EXISTS (SELECT FROM shop_order o WHERE o.customer_id = c.id AND o.placed_at > e.erased_at) "
    "AND NOT EXISTS (SELECT FROM consent s WHERE s.customer_id = c.id AND s.state = 'subscribed' "
    "AND s.occurred_at > e.erased_at)"
)


def keep_erased(
    connection: Connection, merchant_id: int, customer_ids: Sequence[int] | None, now: datetime
) -> list[int]:
    """Erase again whoever a shop brought back by telling old things anew; gives the nameless rows.

    ``None`` looks at everybody. Their orders go back to the nameless row they came from.
    """
    salt = _salt(connection)
    if salt is None:
        return []
    only = "true" if customer_ids is None else "c.id = ANY(:some)"
    statement = text(_RETURNED.format(only=only, nothing_new=_NOTHING_NEW))
    values: dict[str, Any] = {"salt": salt} | ({} if customer_ids is None else {"some": list(customer_ids)})
    found = connection.execute(statement, values).all()
    again = {row.id: row for row in found}
    for row in again.values():
        erase(connection, merchant_id, family(connection, [row.id]), now, since=row.erased_at)
        moved = {"new": row.id, "was": row.was}
        for table in ("shop_order", "testimonial", "redemption"):
            connection.execute(text(f"UPDATE {table} SET customer_id = :was WHERE customer_id = :new"), moved)
        for table in (
            "rung_change",
            "rung_review",
            "customer_contact",
            "customer_habits",
            "customer_outlook",
            "customer_facts",
        ):
            connection.execute(text(f"DELETE FROM {table} WHERE customer_id = :new"), moved)
        connection.execute(_DROP, moved)
    return [row.was for row in again.values()]


# A row that a run has looked at stays, nameless as it is.
_DROP = text(
    """DELETE FROM customer c WHERE id = :new AND NOT EXISTS (SELECT FROM audience_member WHERE customer_id = :new)
       AND NOT EXISTS (SELECT FROM referral WHERE advocate_id = :new OR friend_id = :new)
       AND NOT EXISTS (SELECT FROM customer_merge WHERE winner_id = :new OR loser_id = :new)"""
)
