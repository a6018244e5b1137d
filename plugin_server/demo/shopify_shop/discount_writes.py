"""Making, ending and deleting discounts."""

from __future__ import annotations

from typing import Any

from plugin_server.demo.shopify_shop.code_writes import error, one_selector
from plugin_server.demo.shopify_shop.discount_fields import node_view, search_keys
from plugin_server.demo.shopify_shop.discount_terms import (
    Given,
    Shape,
    context_of,
    faults,
    items_of,
    minimum_of,
    value_of,
)
from plugin_server.demo.shopify_shop.fields import Context, field_of
from plugin_server.demo.shopify_shop.gids import gid, number
from plugin_server.demo.shopify_shop.model_made import Discount, RedeemCode
from plugin_server.demo.shopify_shop.search import search
from plugin_server.demo.shopify_shop.state import ShopState

_CREATES = {
    "discountCodeBasicCreate": Shape("basicCodeDiscount", "Basic"),
    "discountCodeBxgyCreate": Shape("bxgyCodeDiscount", "Bxgy"),
    "discountCodeFreeShippingCreate": Shape("freeShippingCodeDiscount", "FreeShipping"),
    "discountAutomaticBxgyCreate": Shape("automaticBxgyDiscount", "Bxgy", automatic=True),
}
_MOST_AUTOMATIC = 25


def _create(shape: Shape, context: Context, given: Given) -> dict[str, Any]:
    shop = context.shop
    found = faults(shop, shape, given)
    if shape.automatic and not found and sum(one.automatic for one in shop.discounts.values()) >= _MOST_AUTOMATIC:
        said = "The active period overlaps with the maximum number of automatic discounts"
        found = [error([shape.argument], said, "MAX_APP_DISCOUNTS")]
    if found:
        return {"userErrors": found}
    made = _made(shop, shape, given)
    shop.save(made, "DISCOUNTS_CREATE")
    return {_node(shape.automatic): node_view(made), "userErrors": []}


def _node(automatic: bool) -> str:
    return "automaticDiscountNode" if automatic else "codeDiscountNode"


def _made(shop: ShopState, shape: Shape, given: Given) -> Discount:
    now, gets, buys = shop.now(), given.get("customerGets"), given.get("customerBuys")
    limit = given.get("usesPerOrderLimit")
    made = Discount(
        shop.next_id("Discount"), shape.form, shape.automatic, given["title"], given["startsAt"], given.get("endsAt"),
        now, now, context_of(given.get("context")),
        gets={"items": items_of(gets["items"]), "value": value_of(gets["value"])} if gets else {},
        buys={"items": items_of(buys["items"]), "value": _bought(buys["value"])} if buys else {},
        minimum=minimum_of(given.get("minimumRequirement")),
        combines={name: bool(value) for name, value in (given.get("combinesWith") or {}).items()},
        tags=sorted(given.get("tags") or ()), usage_limit=given.get("usageLimit"),
        once_per_customer=bool(given.get("appliesOncePerCustomer")), uses_per_order=limit,
        destination={"all": True} if given.get("destination") else {},
        maximum_shipping=given.get("maximumShippingPrice"),
    )  # fmt: skip
    if not shape.automatic:
        made.codes.append(RedeemCode(shop.next_id("DiscountRedeemCode"), given["code"].strip()))
    return made


def _bought(value: Given) -> dict[str, Any]:
    return {"quantity": value["quantity"]} if value.get("quantity") is not None else {"amount": str(value["amount"])}


def _register() -> None:
    for name, shape in _CREATES.items():

        def create(_root: object, context: Context, shape: Shape = shape, **given: Any) -> dict[str, Any]:
            return _create(shape, context, given[shape.argument])

        field_of("Mutation", name)(create)


_register()


@field_of("Mutation", "discountCodeBasicUpdate")
def _update(_root: object, context: Context, id: str, basicCodeDiscount: Given) -> dict[str, Any]:
    shop = context.shop
    discount = shop.discounts.get(number(id, "DiscountCodeNode") or 0)
    if discount is None or discount.form != "Basic" or discount.automatic:
        return {"userErrors": [error(["id"], "Discount does not exist", None)]}
    given = basicCodeDiscount
    code = given.get("code")
    if code is not None and len(discount.codes) > 1:
        said = "Cannot update the code of a bulk discount."
        return {"userErrors": [error(["basicCodeDiscount", "code"], said, "INVALID")]}
    if code is not None and code.lower() != discount.codes[0].code.lower():
        if code.lower() in shop.codes:
            said = "Code must be unique. Please try a different code."
            return {"userErrors": [error(["basicCodeDiscount", "code"], said, "TAKEN")]}
        shop.codes.pop(discount.codes[0].code.lower(), None)
        discount.codes[0].code = code
    discount.title = given.get("title") or discount.title
    discount.starts_at = given.get("startsAt") or discount.starts_at
    discount.ends_at = given.get("endsAt", discount.ends_at)
    if "tags" in given:
        discount.tags = sorted(given["tags"] or ())
    if "usageLimit" in given:
        discount.usage_limit = given["usageLimit"]
    return _changed(shop, discount)


def _changed(shop: ShopState, discount: Discount) -> dict[str, Any]:
    discount.updated_at = shop.now()
    shop.save(discount, "DISCOUNTS_UPDATE")
    return {_node(discount.automatic): node_view(discount), "userErrors": []}


def _end(shop: ShopState, discount: Discount) -> dict[str, Any]:
    if discount.ends_at is None or discount.ends_at > shop.now():
        discount.ends_at = shop.now()
    return _changed(shop, discount)


def _missing(automatic: bool) -> dict[str, Any]:
    kind = "Automatic" if automatic else "Code"
    return {"userErrors": [error(["id"], f"{kind} discount does not exist.", "INVALID")]}


def _find(context: Context, id: str, *, automatic: bool) -> Discount | None:
    kind = "DiscountAutomaticNode" if automatic else "DiscountCodeNode"
    found = context.shop.discounts.get(number(id, kind) or 0)
    return found if found is not None and found.automatic is automatic else None


@field_of("Mutation", "discountCodeDeactivate")
def _deactivate(_root: object, context: Context, id: str) -> dict[str, Any]:
    found = _find(context, id, automatic=False)
    return _end(context.shop, found) if found else _missing(False)


@field_of("Mutation", "discountAutomaticDeactivate")
def _deactivate_automatic(_root: object, context: Context, id: str) -> dict[str, Any]:
    found = _find(context, id, automatic=True)
    return _end(context.shop, found) if found else _missing(True)


@field_of("Mutation", "discountCodeActivate")
def _activate(_root: object, context: Context, id: str) -> dict[str, Any]:
    found = _find(context, id, automatic=False)
    if found is None:
        return _missing(False)
    found.ends_at = None
    found.starts_at = min(found.starts_at, context.shop.now())
    return _changed(context.shop, found)


@field_of("Mutation", "discountCodeDelete")
def _delete(_root: object, context: Context, id: str) -> dict[str, Any]:
    found = _find(context, id, automatic=False)
    if found is None:
        return _missing(False)
    context.shop.remove(found, "DISCOUNTS_DELETE")
    return {"deletedCodeDiscountId": gid("DiscountCodeNode", found.id), "userErrors": []}


@field_of("Mutation", "discountAutomaticDelete")
def _delete_automatic(_root: object, context: Context, id: str) -> dict[str, Any]:
    found = _find(context, id, automatic=True)
    if found is None:
        return _missing(True)
    context.shop.remove(found, "DISCOUNTS_DELETE")
    return {"deletedAutomaticDiscountId": gid("DiscountAutomaticNode", found.id), "userErrors": []}


@field_of("Mutation", "discountCodeBulkDeactivate")
def _bulk_deactivate(
    _root: object, context: Context, ids: list[str] | None = None, search: str | None = None,
    savedSearchId: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    refused = one_selector(ids, search, savedSearchId)
    if refused is not None:
        return refused
    for discount in _meant(context, ids, search):
        _end(context.shop, discount)
    return {"job": {"id": gid("Job", context.shop.next_id("Job")), "done": True}, "userErrors": []}


def _meant(context: Context, ids: list[str] | None, query: str | None) -> list[Discount]:
    shop = context.shop
    coded = [one for one in shop.discounts.values() if not one.automatic]
    if ids is not None:
        wanted = {number(id, "DiscountCodeNode") for id in ids}
        return [one for one in coded if one.id in wanted]
    test = search(query, search_keys(shop), shop.zone).test
    return [one for one in coded if test(one)]
