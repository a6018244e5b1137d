"""Shopify's products, variants and collections in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from connectors.shopify.values import (
    Row,
    decimal,
    identity,
    meta,
    moment,
    number_of,
    obj,
    part,
    rows,
    text,
)
from connectors.types import Category, Product, minor_units

ONLY = "Default Title"
WEB = re.compile(r"https?://[^\s\"'<>]{1,1990}")


def products(
    raw: object,
    *,
    currency: str,
    now: datetime,
    variants: Sequence[Any] | None = None,
    collections: Sequence[Any] | None = None,
) -> Iterator[Product]:
    """A product and each of its variants, the product first. ``currency`` is the shop's.

    Every product has at least one variant, and order lines name that. So each variant is a row of its own, whose
    parent is the product; the product's own price is that of its cheapest variant, its cost only that of a single one.
    ``variants`` and ``collections`` are given where they were read apart.
    """
    row = obj(raw, "product")
    number = identity(row, "Product", "products")
    path = f"products/{number}"
    groups = rows(row, "collections", path) if collections is None else collections
    own = Product(
        external_id=number,
        title=text(row, "title") or f"#{number}",
        price_minor=None,
        currency=currency,
        days_of_supply=_days(meta(row, "daysOfSupply")),
        category_ids=tuple(found for one in groups if (found := number_of(obj(one, path).get("id"), "Collection"))),
        image_url=_link(part(part(part(row, "featuredMedia"), "preview"), "image"), "url"),
        url=_link(row, "onlineStoreUrl"),
        # Unlisted goods are sold to whoever has the link, and shown to nobody else.
        active=text(row, "status", 20) in ("ACTIVE", "UNLISTED"),
        updated_at=moment(row, "updatedAt", path, now),
        listed=text(row, "status", 20) == "ACTIVE",
    )
    below = rows(row, "variants", path) if variants is None else variants
    children = [_variant(item, own, f"{path}.variants[{index}]", now) for index, item in enumerate(below)]
    yield _summed_up(own, children)
    yield from children


def category(raw: object) -> Category:
    """One collection. Shopify's collections have no parents."""
    row = obj(raw, "collection")
    number = identity(row, "Collection", "collections")
    return Category(number, text(row, "title") or f"#{number}")


def _summed_up(own: Product, children: list[Product]) -> Product:
    only = children[0] if len(children) == 1 else None
    prices = [child.price_minor for child in children if child.price_minor is not None]
    return Product(
        external_id=own.external_id,
        title=own.title,
        price_minor=min(prices, default=None),
        currency=own.currency,
        sku=only.sku if only else None,
        unit_cost_minor=only.unit_cost_minor if only else None,
        days_of_supply=own.days_of_supply,
        category_ids=own.category_ids,
        image_url=own.image_url,
        url=own.url,
        active=own.active,
        updated_at=own.updated_at,
        listed=own.listed,
    )


def _variant(raw: object, parent: Product, path: str, now: datetime) -> Product:
    row = obj(raw, path)
    title = text(row, "title")
    price = row.get("price")
    return Product(
        external_id=identity(row, "ProductVariant", path),
        title=f"{parent.title} - {title}"[:200] if title and title != ONLY else parent.title,
        price_minor=None if price is None else minor_units(decimal(price, f"{path}.price"), parent.currency),
        currency=parent.currency,
        parent_external_id=parent.external_id,
        sku=text(row, "sku", 100) or None,
        unit_cost_minor=_cost(row, parent.currency, path),
        days_of_supply=_days(meta(row, "daysOfSupply")) or parent.days_of_supply,
        category_ids=parent.category_ids,
        image_url=parent.image_url,
        url=parent.url,
        active=parent.active,
        listed=parent.listed,
        updated_at=moment(row, "updatedAt", path, now) or parent.updated_at,
    )


def _cost(row: Row, currency: str, path: str) -> int | None:
    """What one piece costs the shop, where it says so in its own currency."""
    cost = part(part(row, "inventoryItem"), "unitCost")
    if cost.get("amount") is None or cost.get("currencyCode", currency) != currency:
        return None
    return minor_units(decimal(cost["amount"], f"{path}.unitCost"), currency)


def _days(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and 0 < int(value[:5]) <= 3650 else None


def _link(row: Row, name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) and WEB.fullmatch(value) else None
