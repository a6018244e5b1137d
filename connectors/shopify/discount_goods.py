"""On which goods a discount works, as Shopify takes it and tells it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.shopify.values import gid, number_of, rows

Json = Mapping[str, Any]


def items(products: Sequence[str], variants: Sequence[str], collections: Sequence[str]) -> dict[str, Any]:
    """The goods as input: products and variants, or collections, or all of them."""
    if collections:
        return {"collections": {"add": [gid("Collection", number) for number in sorted(collections)]}}
    named: dict[str, Any] = {}
    if products:
        named["productsToAdd"] = [gid("Product", number) for number in sorted(products)]
    if variants:
        named["productVariantsToAdd"] = [gid("ProductVariant", number) for number in sorted(variants)]
    return {"products": named} if named else {"all": True}


def told_goods(products: Sequence[str], variants: Sequence[str], collections: Sequence[str]) -> list[str]:
    """The same as ``goods_of`` finds it in the shop's answer; empty for all goods."""
    return sorted(
        [
            *(f"Product/{number}" for number in products),
            *(f"ProductVariant/{number}" for number in variants),
            *(f"Collection/{number}" for number in collections),
        ]
    )


def goods_of(told: Json) -> list[str]:
    """On which goods a discount of the shop works; ``?`` where it says something that nobody asked for."""
    if told.get("__typename") == "AllDiscountItems":
        return []
    found = [f"Product/{number_of(one.get('id'), 'Product')}" for one in rows(told, "products", "discount")]
    for one in rows(told, "productVariants", "discount"):
        found.append(f"ProductVariant/{number_of(one.get('id'), 'ProductVariant')}")
    for one in rows(told, "collections", "discount"):
        found.append(f"Collection/{number_of(one.get('id'), 'Collection')}")
    return sorted(found) or ["?"]
