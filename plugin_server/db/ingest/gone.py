"""What the store no longer has: orders in the bin, accounts and products deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from plugin_server.db.ingest import links as ingest_links
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.staging import staged, take_turn

_ORDERS = """
    SELECT id AS order_id, customer_id, customer_id AS was, true AS differs FROM shop_order
    WHERE store_id = :store AND external_id = ANY(:ids) AND status <> 'trashed'
"""

# Without a content of its own the row takes whatever the store says next, should the order come back.
_TRASH = """
    UPDATE shop_order o SET status = 'trashed', raw_status = 'gone', content = '', synced_at = :now
    FROM in_change c WHERE o.id = c.order_id RETURNING o.id, o.customer_id
"""

# Whose they were is kept: a shop that merges two accounts may tell of the end of one first.
_ACCOUNTS = """
    WITH gone AS (DELETE FROM identity WHERE store_id = :store AND external_id = ANY(:ids)
                  RETURNING customer_id, :store || ':' || external_id AS name),
        lost AS (SELECT customer_id, array_agg(name) AS names FROM gone GROUP BY customer_id)
    UPDATE customer c SET accounts_gone = c.accounts_gone || lost.names, has_account = EXISTS (
        SELECT FROM identity i WHERE i.customer_id = c.id AND NOT (i.store_id = :store AND i.external_id = ANY(:ids)))
    FROM lost WHERE c.id = lost.customer_id RETURNING c.id
"""

_MISSING = """
    SELECT external_id FROM shop_order o
    WHERE store_id = :store AND status <> 'trashed' AND placed_at < :before
      AND (CAST(:after AS timestamptz) IS NULL OR placed_at >= :after)
      AND NOT EXISTS (SELECT FROM in_known k WHERE k.external_id = o.external_id)
    ORDER BY id
"""


def orders_gone(
    connection: Connection, *, merchant_id: int, store_id: int, external_ids: Sequence[str], now: datetime
) -> Ingested:
    """Mark orders as trashed; those trashed already, or never known, are left alone."""
    values = {"merchant": merchant_id, "store": store_id, "ids": list(external_ids), "now": now}
    take_turn(connection, merchant_id)
    staged(connection, "in_change", _ORDERS, values)
    rows = connection.execute(text(_TRASH), values).all()
    advocates = ingest_links.convert_changed(connection, merchant_id=merchant_id)
    people = {row.customer_id for row in rows if row.customer_id is not None}
    return Ingested(
        seen=len(external_ids),
        updated=len(rows),
        unchanged=len(external_ids) - len(rows),
        touched=sorted(people.union(advocates)),
        order_ids=[row.id for row in rows],
    )


def accounts_gone(connection: Connection, *, merchant_id: int, store_id: int, external_ids: Sequence[str]) -> Ingested:
    """Forget accounts; their customers and orders stay."""
    values = {"store": store_id, "ids": list(external_ids)}
    take_turn(connection, merchant_id)
    people = connection.scalars(text(_ACCOUNTS), values).all()
    return Ingested(seen=len(external_ids), updated=len(people), touched=sorted(set(people)))


def products_gone(connection: Connection, *, store_id: int, external_ids: Sequence[str]) -> Ingested:
    """Take products and their variations off sale."""
    done = connection.execute(
        text(
            "UPDATE product SET active = false WHERE store_id = :store AND active "
            "AND (external_id = ANY(:ids) OR parent_external_id = ANY(:ids))"
        ),
        {"store": store_id, "ids": list(external_ids)},
    ).rowcount
    return Ingested(seen=len(external_ids), updated=done)


def missing(
    connection: Connection, *, store_id: int, known: Sequence[str], before: datetime, after: datetime | None = None
) -> list[str]:
    """The orders placed ``before`` that we have and the store no longer lists.

    ``after``: how far back the store shows us anything; of what is older its silence says nothing.
    """
    connection.execute(text("DROP TABLE IF EXISTS pg_temp.in_known"))
    connection.execute(
        text("CREATE TEMP TABLE in_known ON COMMIT DROP AS SELECT unnest(CAST(:ids AS text[])) AS external_id"),
        {"ids": list(known)},
    )
    return list(connection.scalars(text(_MISSING), {"store": store_id, "before": before, "after": after}))
