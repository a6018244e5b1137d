"""What a shop's window asks of us: which shop, and which of its customers stands before it."""

from __future__ import annotations

from sqlalchemy import Connection, text


def address(conn: Connection, store_id: int) -> str | None:
    """The address of a connected store of this merchant; None where there is none."""
    found: str | None = conn.scalar(
        text("SELECT url FROM store WHERE id = :id AND state = 'connected'"), {"id": store_id}
    )
    return found


def customer_of(conn: Connection, store_id: int, external_id: str) -> int | None:
    """The customer behind an account of a store; None for accounts that were never read, and for erased people."""
    return _living(conn, conn.scalar(text(_ACCOUNT), {"s": store_id, "e": external_id}))


def living(conn: Connection, customer_id: int) -> int | None:
    """The customer, or whom they were merged into; None where they are gone or were erased."""
    return _living(conn, customer_id)


def _living(conn: Connection, customer_id: int | None) -> int | None:
    found: int | None = conn.scalar(text(_LIVING), {"id": customer_id})
    return found


_ACCOUNT = "SELECT customer_id FROM identity WHERE store_id = :s AND external_id = :e"
_LIVING = """
SELECT coalesce(w.id, c.id) FROM customer c LEFT JOIN customer w ON w.id = c.merged_into
WHERE c.id = :id AND c.erased_at IS NULL AND w.erased_at IS NULL
"""
