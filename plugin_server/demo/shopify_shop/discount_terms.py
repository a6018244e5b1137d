"""The terms of a discount as they are given: what Shopify refuses of them, in its words, and what it keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

from plugin_server.demo.shopify_shop.code_writes import code_fault, error
from plugin_server.demo.shopify_shop.gids import number
from plugin_server.demo.shopify_shop.state import ShopState

Given = Mapping[str, Any]
_TAG_STACKING = "productDiscountsWithTagsOnSameCartLine"
_OUT_OF_RANGE = "Value must be between 0.0 and 1.0"


@dataclass(frozen=True, slots=True)
class Shape:
    """One of the discount mutations: its argument's name, the form it makes, and whether it needs a code."""

    argument: str
    form: str
    automatic: bool = False


def faults(shop: ShopState, shape: Shape, given: Given) -> list[dict[str, Any]]:
    """Everything Shopify refuses of a new discount, in the order in which it says so."""
    found = list(_conflicts(shape, given))
    if shape.form == "Bxgy" and (given.get("customerGets") or {}).get("items", {}).get("all"):
        found.append(error([shape.argument, "customerGets"], "Items in 'customer get' cannot be set to all", "INVALID"))
    found += _items_faults(shop, shape, given)
    found += _blanks(shape, given)
    if shape.form == "Bxgy":
        found += _buys_faults(shape, given)
    found += _value_faults(shape, given)
    found += _context_faults(shop, shape, given)
    found += _code_faults(shop, shape, given)
    return found


def _conflicts(shape: Shape, given: Given) -> Iterator[dict[str, Any]]:
    combines = given.get("combinesWith") or {}
    place = [shape.argument, "combinesWith"]
    stacking = combines.get(_TAG_STACKING)
    if stacking is not None:
        if set(stacking.get("add") or ()) & set(stacking.get("remove") or ()):
            raise GraphQLError(
                f"The same tag is present in both `add` and `remove` fields of `{_TAG_STACKING}`.",
                extensions={"code": "BAD_REQUEST"},
            )
        code = "PRODUCT_DISCOUNTS_WITH_TAGS_ON_SAME_CART_LINE_NOT_ENTITLED"
        yield error([*place, _TAG_STACKING], f"The shop's plan does not allow setting `{_TAG_STACKING}`.", code)
        if (given.get("customerGets") or {}).get("items", {}).get("all"):
            said = "Combines with product discounts with tags on same cart line is only valid for discounts with the "
            code = "INVALID_PRODUCT_DISCOUNTS_WITH_TAGS_ON_SAME_CART_LINE_FOR_DISCOUNT_CLASS"
            yield error([*place, _TAG_STACKING], f"{said}PRODUCT discount class", code)
    if shape.form == "FreeShipping" and combines.get("shippingDiscounts"):
        said = "The combinesWith settings are not valid for the discount class."
        yield error(place, said, "INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS")


def _blanks(shape: Shape, given: Given) -> Iterator[dict[str, Any]]:
    needed = [("title", "Title"), ("startsAt", "Starts at"), ("context", "Context")]
    needed += [] if shape.automatic else [("code", "Code")]
    needed += [] if shape.form == "FreeShipping" else [("customerGets", "Customer gets")]
    for name, word in needed:
        value = given.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            yield error([shape.argument, name], f"{word} can't be blank", "BLANK")
    ends, starts = given.get("endsAt"), given.get("startsAt")
    if ends is not None and starts is not None and ends <= starts:
        yield error([shape.argument, "endsAt"], "Ends at needs to be after starts_at", "INVALID")
    minimum = given.get("minimumRequirement") or {}
    if minimum.get("quantity") and minimum.get("subtotal"):
        place = [shape.argument, "minimumRequirement"]
        said = "Minimum subtotal cannot be defined when minimum quantity is."
        yield error([*place, "subtotal", "greaterThanOrEqualToSubtotal"], said, "CONFLICT")
        said = "Minimum quantity cannot be defined when minimum subtotal is."
        yield error([*place, "quantity", "greaterThanOrEqualToQuantity"], said, "CONFLICT")


def _buys_faults(shape: Shape, given: Given) -> Iterator[dict[str, Any]]:
    buys = given.get("customerBuys") or {}
    items = buys.get("items") or {}
    # The code form wants its goods named; recorded as «must be defined» also where they were «all».
    if not items or (items.get("all") and "quantity" in (buys.get("value") or {})):
        yield error([shape.argument, "customerBuys", "items"], "Items in 'customer buys' must be defined", "BLANK")
    if not buys.get("value"):
        yield error([shape.argument, "customerBuys", "value"], "Value in 'customer buys' must be defined", "BLANK")


def _value_faults(shape: Shape, given: Given) -> Iterator[dict[str, Any]]:
    value = (given.get("customerGets") or {}).get("value")
    if value is None:
        return
    kinds = [name for name in ("percentage", "discountAmount", "discountOnQuantity") if value.get(name) is not None]
    if len(kinds) > 1:
        raise GraphQLError(
            "A discount can only have one of percentage, discountOnQuantity or discountAmount.",
            extensions={"code": "BAD_REQUEST"},
        )
    place = [shape.argument, "customerGets", "value"]
    on_quantity = value.get("discountOnQuantity")
    if shape.form == "Basic" and on_quantity is not None:
        said = "Discount on quantity field is only permitted with bxgy discounts."
        yield error([*place, "discountOnQuantity"], said, "INVALID")
    if shape.form == "Bxgy" and on_quantity is None:
        yield error([*place], "Only discountOnQuantity permitted with bxgy discounts.", "INVALID")
    percentage = value.get("percentage")
    percentage = (on_quantity or {}).get("effect", {}).get("percentage") if percentage is None else percentage
    if percentage is not None and not 0 < percentage <= 1:
        yield error([*place, "percentage"], _OUT_OF_RANGE, "VALUE_OUTSIDE_RANGE")
    amount = (value.get("discountAmount") or {}).get("amount")
    if amount is not None and amount <= 0:
        yield error([*place, "discountAmount", "amount"], "Value must be greater than 0", "GREATER_THAN")


def _items_faults(shop: ShopState, shape: Shape, given: Given) -> Iterator[dict[str, Any]]:
    for side in ("customerGets", "customerBuys"):
        items = (given.get(side) or {}).get("items") or {}
        place = [shape.argument, side, "items"]
        products, collections = items.get("products") or {}, items.get("collections") or {}
        if collections.get("add") and (products.get("productsToAdd") or products.get("productVariantsToAdd")):
            said = "Cannot entitle collections in combination with product variants or products"
            yield error([*place, "collections", "add"], said, "CONFLICT")
        elif collections.get("add"):
            yield from _unknown(
                place, "collections", "add", "Collection", collections["add"], shop.collections, "Collection"
            )
        yield from _unknown(place, "products", "productsToAdd", "Product", products.get("productsToAdd") or (),
                            shop.products, "Product")  # fmt: skip
        yield from _unknown(place, "products", "productVariantsToAdd", "ProductVariant",
                            products.get("productVariantsToAdd") or (), shop.variants, "Product variant")  # fmt: skip


def _unknown(
    place: list[str], group: str, field: str, kind: str, ids: Any, held: Mapping[int, Any], word: str
) -> Iterator[dict[str, Any]]:
    for id in ids:
        at = number(id, kind)
        if at not in held:
            yield error([*place, group, field], f"{word} with id: {id if at is None else at} is invalid", "INVALID")


def _context_faults(shop: ShopState, shape: Shape, given: Given) -> Iterator[dict[str, Any]]:
    people = ((given.get("context") or {}).get("customers") or {}).get("add") or ()
    place = [shape.argument, "context", "customers"]
    for id in people:
        at = number(id, "Customer")
        if at not in shop.customers:
            yield error([*place, "add"], f"Customer with id: {id if at is None else at} is invalid", "INVALID")


def _code_faults(shop: ShopState, shape: Shape, given: Given) -> Iterator[dict[str, Any]]:
    code = given.get("code")
    if shape.automatic or not code or not str(code).strip():
        return
    fault = code_fault(code)
    if fault is not None:
        kind = "TOO_LONG" if "long" in fault else "INVALID"
        yield error([shape.argument, "code"], f"Code {fault}", kind)
    elif str(code).strip().lower() in shop.codes:
        yield error([shape.argument, "code"], "Code must be unique. Please try a different code.", "TAKEN")


def context_of(given: Given | None) -> dict[str, Any]:
    """Who may use a discount, as it is kept."""
    if given and given.get("customers"):
        return {"customers": [number(id, "Customer") for id in given["customers"].get("add") or ()]}
    if given and given.get("customerSegments"):
        return {"segments": [number(id, "Segment") for id in given["customerSegments"].get("add") or ()]}
    return {"all": "ALL"}


def items_of(given: Given) -> dict[str, Any]:
    """What a discount is about, as it is kept."""
    if given.get("all"):
        return {"all": True}
    products, collections = given.get("products") or {}, given.get("collections") or {}
    return {
        "products": [number(id, "Product") for id in products.get("productsToAdd") or ()],
        "variants": [number(id, "ProductVariant") for id in products.get("productVariantsToAdd") or ()],
        "collections": [number(id, "Collection") for id in collections.get("add") or ()],
    }


def value_of(given: Given) -> dict[str, Any]:
    """What a discount takes off, as it is kept; amounts as text."""
    if given.get("discountOnQuantity") is not None:
        wanted = given["discountOnQuantity"]
        return {"quantity": wanted["quantity"], "effect": value_of(wanted["effect"])}
    if given.get("percentage") is not None:
        return {"percentage": given["percentage"]}
    amount = given.get("discountAmount") or given
    return {"amount": str(amount["amount"]), "each": bool(amount.get("appliesOnEachItem"))}


def minimum_of(given: Given | None) -> dict[str, Any]:
    """From when on a discount holds, as it is kept."""
    if given and given.get("subtotal"):
        return {"subtotal": str(given["subtotal"]["greaterThanOrEqualToSubtotal"])}
    if given and given.get("quantity"):
        return {"quantity": given["quantity"]["greaterThanOrEqualToQuantity"]}
    return {}
