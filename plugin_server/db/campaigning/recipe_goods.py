"""Goods of the shop that sells most, with how they sell: what ready campaigns that name goods are filled with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Selling:
    """One product as the owner would name it; its figures are those of the newest orders.

    ``beside`` counts orders that had other goods too, ``again`` the people who ordered it on several days; ``rank``
    counts from the newest. ``listed`` goods stand in the shop's catalogue.
    """

    ref: str
    title: str
    price_minor: int
    pieces: int
    again: int
    beside: int
    rank: int
    listed: bool


def selling(conn: Connection) -> list[Selling]:
    """Up to 60 goods with a price, no packs: those out of the catalogue first, then those that sold most."""
    store = conn.scalar(text(_STORE))
    if store is None:
        return []
    return [Selling(*row) for row in conn.execute(text(_SELLING), {"store": store})]


_STORE: Final = """
SELECT s.id FROM store s JOIN product p ON p.store_id = s.id AND p.active AND p.price_minor > 0
WHERE p.currency = (SELECT currency FROM merchant)
GROUP BY s.id, s.state ORDER BY s.state = 'connected' DESC, count(*) DESC, s.id LIMIT 1
"""
_SELLING: Final = """
WITH recent AS MATERIALIZED (
    SELECT id, customer_id, placed_at::date AS day FROM shop_order WHERE store_id = :store AND counts
    ORDER BY placed_at DESC LIMIT 5000
), lines AS (
    SELECT r.id AS order_id, r.customer_id, r.day, l.product_external_id AS family, l.quantity,
           count(*) OVER (PARTITION BY r.id) > 1 AS beside
    FROM recent r JOIN order_line l ON l.order_id = r.id WHERE l.product_external_id IS NOT NULL AND l.quantity > 0
), people AS (
    SELECT family, customer_id, count(DISTINCT day) > 1 AS again, sum(quantity) AS pieces,
           count(*) FILTER (WHERE beside) AS beside
    FROM lines GROUP BY 1, 2
), sold AS (
    SELECT family, sum(pieces) AS pieces, count(*) FILTER (WHERE again) AS again, sum(beside) AS beside
    FROM people GROUP BY 1
)
SELECT coalesce(nullif(p.sku, ''), p.external_id) AS ref, p.title, p.price_minor, coalesce(s.pieces, 0)::int,
       coalesce(s.again, 0)::int, coalesce(s.beside, 0)::int, rank() OVER (ORDER BY p.id DESC)::int, p.listed
FROM product p LEFT JOIN sold s ON s.family = p.external_id
WHERE p.store_id = :store AND p.active AND p.price_minor > 0 AND p.parent_external_id IS NULL
  AND coalesce(p.sku, '') NOT LIKE 'TANGGA-%'
ORDER BY p.listed, coalesce(s.pieces, 0) DESC, p.price_minor, p.id LIMIT 60
"""
