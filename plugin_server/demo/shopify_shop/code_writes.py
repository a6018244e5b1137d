"""Adding redeem codes to a discount in bulk, ending codes, and what the batches answer."""

from __future__ import annotations

from typing import Any

from plugin_server.demo.shopify_shop.fields import Context, field_of
from plugin_server.demo.shopify_shop.gids import gid, number
from plugin_server.demo.shopify_shop.model_made import CodeImport, Discount, RedeemCode
from plugin_server.demo.shopify_shop.state import ShopState

_LONGEST = 255
_TAKEN = "must be unique. Please try a different code."
_TWICE = "Codes must be unique within BulkDiscountCodeCreation"


def error(field: list[str] | None, message: str, code: str | None) -> dict[str, Any]:
    """One user error of a discount mutation."""
    return {"field": field, "message": message, "code": code, "extraInfo": None}


def code_fault(code: str) -> str | None:
    """What is wrong with the letters of a code."""
    if not code.strip():
        return "is too short (minimum is 1 character)"
    if "\n" in code or "\r" in code:
        return "cannot contain newline characters."
    return f"is too long (maximum is {_LONGEST} characters)" if len(code) > _LONGEST else None


@field_of("Mutation", "discountRedeemCodeBulkAdd")
def _bulk_add(_root: object, context: Context, discountId: str, codes: list[dict[str, Any]]) -> dict[str, Any]:
    shop = context.shop
    discount = shop.discounts.get(number(discountId, "DiscountCodeNode") or 0)
    if discount is None or discount.automatic:
        return {"userErrors": [error(["discountId"], "Code discount does not exist.", "INVALID")]}
    if not codes:
        return {"userErrors": [error(["codes"], "Codes can't be blank", "BLANK")]}
    made = CodeImport(
        shop.next_id("DiscountRedeemCodeBulkCreation"), discount.id, shop.now(), [one["code"] for one in codes]
    )
    shop.save(made)
    return {"bulkCreation": made, "userErrors": []}


def finish_import(shop: ShopState, one: CodeImport) -> None:
    """Put the codes of a batch into their discount; each bad one is told apart."""
    discount = shop.discounts.get(one.discount_id)
    seen: set[str] = set()
    for code in one.codes:
        key = code.strip().lower()
        fault = code_fault(code) or (_TWICE if key in seen else _TAKEN if key in shop.codes else None)
        seen.add(key)
        id = None
        if fault is None and discount is not None:
            id = shop.next_id("DiscountRedeemCode")
            discount.codes.append(RedeemCode(id, code))
            shop.codes[key] = discount.id
        one.outcomes.append((code, id, fault))
    one.done = True
    shop.save(one)
    if discount is not None:
        discount.updated_at = shop.now()
        shop.save(discount, "DISCOUNTS_REDEEMCODE_ADDED")


@field_of("Mutation", "discountCodeRedeemCodeBulkDelete")
def _bulk_delete(
    _root: object, context: Context, discountId: str, ids: list[str] | None = None, search: str | None = None,
    savedSearchId: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    shop = context.shop
    refused = one_selector(ids, search, savedSearchId)
    if refused is not None:
        return refused
    discount = shop.discounts.get(number(discountId, "DiscountCodeNode") or 0)
    if discount is None:
        return {"userErrors": [error(["discountId"], "Code discount does not exist.", "INVALID")]}
    gone = {number(id, "DiscountRedeemCode") for id in ids or ()}
    wanted = (search or "").partition("code:")[2].strip("'\" ").lower()
    _drop_codes(shop, discount, [one for one in discount.codes if one.id in gone or one.code.lower() == wanted])
    return {"job": {"id": gid("Job", shop.next_id("Job")), "done": True}, "userErrors": []}


def _drop_codes(shop: ShopState, discount: Discount, gone: list[RedeemCode]) -> None:
    for code in gone:
        discount.codes.remove(code)
        shop.codes.pop(code.code.strip().lower(), None)
    discount.updated_at = shop.now()
    shop.save(discount, *(["DISCOUNTS_REDEEMCODE_REMOVED"] if gone else []))


def one_selector(ids: object, search: object, saved: object) -> dict[str, Any] | None:
    """The refusal of more or fewer than one way to say which things are meant."""
    given = sum(one is not None for one in (ids, search, saved))
    if given == 1:
        return None
    message = (
        "Only one of 'ids', 'search' or 'saved_search_id' is allowed."
        if given
        else "Missing expected argument key: 'ids', 'search' or 'saved_search_id'."
    )
    return {"userErrors": [error(None, message, "TOO_MANY_ARGUMENTS" if given else "MISSING_ARGUMENT")]}
