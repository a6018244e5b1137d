"""Goods by the words of an offer: a SKU, or the number that the shop gives a product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from campaigns.offers.ware import Ware


def in_shop(conn: Connection, store_id: int, refs: Sequence[str]) -> dict[str, Ware]:
    """Those of ``refs`` that a shop has with a price; a number goes before a SKU, a product before its size."""
    return _found(conn, store_id, refs)


def anywhere(conn: Connection, refs: Sequence[str]) -> dict[str, Ware]:
    """The same in any shop that sells in the merchant's own currency, the first connected one that has it."""
    return _found(conn, None, refs)


def _found(conn: Connection, store_id: int | None, refs: Sequence[str]) -> dict[str, Ware]:
    if not refs:
        return {}
    rows = conn.execute(text(_NAMED), {"refs": list(refs), "store": store_id})
    return {row.ref: _ware(row) for row in rows}


def _ware(row: Row[Any]) -> Ware:
    return Ware(
        row.ref, row.external_id, row.title, row.price_minor, row.cost_minor, row.parent, tuple(row.sizes or ()),
        row.url, row.active, row.days_of_supply, tuple(row.category_ids), row.listed,
    )  # fmt: skip


_NAMED: Final = """
SELECT DISTINCT ON (r.ref) r.ref, p.external_id, p.title, p.price_minor, p.url, p.active, p.listed,
       p.days_of_supply, p.category_ids,
       p.parent_external_id AS parent, coalesce(p.unit_cost_minor, up.unit_cost_minor) AS cost_minor,
       (SELECT array_agg(c.price_minor ORDER BY c.price_minor) FROM product c
        WHERE c.store_id = p.store_id AND c.parent_external_id = p.external_id AND c.price_minor IS NOT NULL
        HAVING count(*) > 1) AS sizes
FROM unnest(CAST(:refs AS text[])) AS r(ref)
JOIN product p ON p.external_id = r.ref OR p.sku = r.ref
JOIN store s ON s.id = p.store_id
LEFT JOIN product up ON up.store_id = p.store_id AND up.external_id = p.parent_external_id
WHERE p.price_minor IS NOT NULL
  AND CASE WHEN CAST(:store AS bigint) IS NOT NULL THEN p.store_id = :store
      ELSE p.currency = (SELECT currency FROM merchant) END
ORDER BY r.ref, p.active DESC, s.state = 'connected' DESC, p.external_id = r.ref DESC,
         p.parent_external_id IS NOT NULL, p.store_id, p.id
"""


def favourites(conn: Connection, store_id: int, *, without: Sequence[str] = ()) -> list[Ware]:
    """The two things of which a shop sold most pieces lately, the cheapest where it sold nothing; no packs.

    ``without`` are external ids (of products or sizes) to leave out. Sizes of one product count together, and the
    first of them stands for it.
    """
    rows = conn.execute(text(_FAVOURITES), {"store": store_id, "without": list(without)})
    return [_ware(row) for row in rows]


_FAVOURITES: Final = """
WITH sold AS (
    SELECT coalesce(l.variant_external_id, l.product_external_id) AS id, sum(l.quantity) AS pieces
    FROM (SELECT id FROM shop_order WHERE store_id = :store AND counts ORDER BY placed_at DESC LIMIT 5000) o
    JOIN order_line l ON l.order_id = o.id GROUP BY 1
), leaf AS (
    SELECT p.*, coalesce(p.unit_cost_minor, up.unit_cost_minor) AS cost_minor,
           coalesce(p.parent_external_id, p.external_id) AS family, coalesce(s.pieces, 0) AS pieces
    FROM product p LEFT JOIN product up ON up.store_id = p.store_id AND up.external_id = p.parent_external_id
    LEFT JOIN sold s ON s.id = p.external_id
    WHERE p.store_id = :store AND p.active AND p.price_minor > 0 AND coalesce(p.sku, '') NOT LIKE 'TANGGA-%'
      AND NOT EXISTS (SELECT FROM product c WHERE c.store_id = p.store_id AND c.parent_external_id = p.external_id)
      AND NOT (p.external_id = ANY(:without) OR coalesce(p.parent_external_id, '') = ANY(:without))
), first AS (
    SELECT DISTINCT ON (family) *, sum(pieces) OVER (PARTITION BY family) AS together FROM leaf
    ORDER BY family, pieces DESC, id
)
SELECT '' AS ref, external_id, title, price_minor, cost_minor, parent_external_id AS parent, NULL AS sizes, url, active,
       days_of_supply, category_ids, listed
FROM first ORDER BY together DESC, price_minor, id LIMIT 2
"""


def in_categories(conn: Connection, store_id: int, categories: Sequence[str]) -> list[Ware]:
    """One of the goods of these categories that a shop has, its cheapest; empty where there are none."""
    rows = conn.execute(text(_OF_CATEGORY), {"store": store_id, "categories": list(categories)})
    return [_ware(row) for row in rows]


_OF_CATEGORY: Final = """
SELECT '' AS ref, p.external_id, p.title, p.price_minor, p.unit_cost_minor AS cost_minor,
       p.parent_external_id AS parent, NULL AS sizes, p.url, p.active, p.days_of_supply, p.category_ids, p.listed
FROM product p WHERE p.store_id = :store AND p.active AND p.price_minor > 0
  AND p.category_ids && CAST(:categories AS text[])
  AND NOT EXISTS (SELECT FROM product c WHERE c.store_id = p.store_id AND c.parent_external_id = p.external_id)
ORDER BY p.price_minor, p.id LIMIT 1
"""


def step(conn: Connection, store_id: int, unit: int) -> int:
    """The smallest sum that a shop counts in: ``unit`` (minor units of one major) where all its prices are whole."""
    whole = conn.scalar(
        text(
            "SELECT bool_and(price_minor % :unit = 0) FROM product WHERE store_id = :store AND price_minor IS NOT NULL"
        ),
        {"unit": unit, "store": store_id},
    )
    return unit if whole else 1
