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
        row.url, row.active, row.days_of_supply, tuple(row.category_ids),
    )  # fmt: skip


_NAMED: Final = """
SELECT DISTINCT ON (r.ref) r.ref, p.external_id, p.title, p.price_minor, p.url, p.active,
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
