"""Products whose unit cost nobody has told, the ones that sell most first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, text

YEAR: Final = timedelta(days=365)

# The newest lines are enough to know what sells; a large shop's whole year would take long to add up.
_MISSING: Final = """
    WITH recent AS (
        SELECT id, store_id FROM shop_order WHERE counts AND placed_at > :since AND placed_at <= :now
            AND currency = (SELECT currency FROM merchant)
        ORDER BY placed_at DESC LIMIT 10000)
    SELECT p.id, p.title, p.url, sum(l.total_minor)::bigint AS sales, sum(l.quantity) AS sold
    FROM recent r JOIN order_line l ON l.order_id = r.id
    JOIN product p ON p.store_id = r.store_id
        AND p.external_id = coalesce(l.variant_external_id, l.product_external_id)
    WHERE p.unit_cost_minor IS NULL
    GROUP BY p.id, p.title, p.url ORDER BY 4 DESC, p.id LIMIT :limit"""


def missing(conn: Connection, now: datetime, limit: int = 20) -> list[Row[Any]]:
    """(id, title, url, sales in minor units, sold) of products without a cost, by the newest 10,000 orders of a year.

    ``url`` is the product's page in the shop, where it is known.
    """
    return list(conn.execute(text(_MISSING), {"since": now - YEAR, "now": now, "limit": limit}))
