"""Goods to choose from: found by a part of their name or SKU, or looked up by what an offer calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, text

MOST_WORDS: Final = 6
"""Words of a search beyond which the rest is not looked at."""


@dataclass(frozen=True, slots=True)
class Good:
    """A product or one size of it, as a list shows it. ``ref`` is what an offer calls it.

    Prices are from ``low_minor`` to ``high_minor``, over all sizes; ``cost_minor`` is None where it is not known.
    ``shop`` is empty where the business has one shop alone. ``number`` is the shop's own, ``sizes`` how many it has.
    """

    ref: str
    title: str
    shop: str
    currency: str
    low_minor: int
    high_minor: int
    cost_minor: int | None
    picture: str
    active: bool
    sizes: int
    listed: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The first goods of a search, and how many fit besides."""

    goods: list[Good]
    more: int


def found(conn: Connection, wish: str, *, without: Sequence[str] = (), limit: int = 12) -> Found:
    """Goods on sale whose name or SKU has all words of ``wish``; whole products first, then single sizes, by name.

    ``without`` are refs to leave out. Packs that offers made are no goods to choose.
    """
    words = wish.split()[:MOST_WORDS]
    if not words:
        return Found([], 0)
    patterns = ["%" + word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%" for word in words]
    given = {"patterns": patterns, "without": list(without), "limit": limit}
    rows = conn.execute(text(_FOUND), given).all()
    return Found([_good(row) for row in rows], rows[0].together - len(rows) if rows else 0)


def named(conn: Connection, refs: Sequence[str]) -> dict[str, Good]:
    """What the shops have under these names, on sale or not; what no shop has is missing."""
    if not refs:
        return {}
    return {row.ref: _good(row) for row in conn.execute(text(_NAMED), {"refs": list(refs)})}


def shelves(conn: Connection, limit: int = 300) -> list[tuple[str, str]]:
    """Categories by their number in the shop, with their names (and the shop's, where there are several)."""
    return [(row.external_id, row.name) for row in conn.execute(text(_SHELVES), {"limit": limit})]


def _good(row: Row[Any]) -> Good:
    return Good(
        row.ref, row.title, row.shop, row.currency, row.low, row.high, row.cost_minor, row.picture, row.active,
        row.sizes, row.listed,
    )  # fmt: skip


_REF: Final = """CASE WHEN coalesce(p.sku, '') = '' OR length(p.sku) > 100
       OR EXISTS (SELECT FROM product o WHERE o.store_id = p.store_id AND o.external_id = p.sku)
     THEN p.external_id ELSE p.sku END"""
"""A SKU is the same in every shop; where it is also the number of other goods, only the number is clear."""

_SHOWN: Final = """
SELECT c.ref, c.title, c.currency, c.active, c.listed, CASE WHEN {several} THEN s.name ELSE '' END AS shop,
       coalesce(z.low, c.price_minor) AS low, coalesce(z.high, c.price_minor) AS high, coalesce(z.sizes, 0) AS sizes,
       coalesce(c.unit_cost_minor, up.unit_cost_minor) AS cost_minor,
       CASE WHEN c.image_url LIKE 'https://%' THEN c.image_url
            WHEN up.image_url LIKE 'https://%' THEN up.image_url ELSE '' END AS picture, {count} AS together
FROM chosen c JOIN store s ON s.id = c.store_id
LEFT JOIN product up ON up.store_id = c.store_id AND up.external_id = c.parent_external_id
LEFT JOIN LATERAL (SELECT min(price_minor) AS low, max(price_minor) AS high, count(*) AS sizes FROM product k
    WHERE k.store_id = c.store_id AND k.parent_external_id = c.external_id AND k.price_minor IS NOT NULL
    HAVING count(*) > 0) z ON true
"""
_SEVERAL: Final = "(SELECT count(*) > 1 FROM store)"

_FOUND: Final = f"""
WITH fitting AS (
    SELECT DISTINCT ON (ref) * FROM (
        SELECT {_REF} AS ref, p.* FROM product p
        WHERE p.active AND p.price_minor IS NOT NULL AND coalesce(p.sku, '') NOT LIKE 'TANGGA-%'
          AND p.title || ' ' || coalesce(p.sku, '') || ' ' || p.external_id ILIKE ALL(CAST(:patterns AS text[]))
    ) p WHERE NOT ref = ANY(CAST(:without AS text[])) ORDER BY ref, store_id, parent_external_id IS NOT NULL, id
), chosen AS (
    SELECT *, count(*) OVER () AS together FROM fitting ORDER BY parent_external_id IS NOT NULL, title, id LIMIT :limit
)
{_SHOWN.format(several=_SEVERAL, count="c.together")}
ORDER BY c.parent_external_id IS NOT NULL, c.title, c.id
"""

_NAMED: Final = f"""
WITH chosen AS (
    SELECT DISTINCT ON (r.ref) r.ref, p.* FROM unnest(CAST(:refs AS text[])) AS r(ref)
    JOIN product p ON (p.external_id = r.ref OR p.sku = r.ref) AND p.price_minor IS NOT NULL
    ORDER BY r.ref, p.active DESC, p.external_id = r.ref DESC, p.parent_external_id IS NOT NULL, p.store_id, p.id
)
{_SHOWN.format(several=_SEVERAL, count="0")}
"""

_SHELVES: Final = f"""
SELECT DISTINCT ON (c.name, c.external_id) c.external_id,
       CASE WHEN {_SEVERAL} THEN c.name || ' · ' || s.name ELSE c.name END AS name
FROM category c JOIN store s ON s.id = c.store_id ORDER BY c.name, c.external_id LIMIT :limit
"""
