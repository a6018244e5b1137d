"""Discounts and their codes, as the schema shows them: nodes, unions and forms over one record."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from plugin_server.demo.shopify_shop.connections import Rows, listed
from plugin_server.demo.shopify_shop.fields import Context, Resolver, View, fields, money
from plugin_server.demo.shopify_shop.gids import DISCOUNT_NODES, gid, number
from plugin_server.demo.shopify_shop.lists import Catalogue, connection
from plugin_server.demo.shopify_shop.model_made import CodeImport, Discount
from plugin_server.demo.shopify_shop.order_fields import counted
from plugin_server.demo.shopify_shop.search import Searchable
from plugin_server.demo.shopify_shop.state import ShopState


def status_of(discount: Discount, now: datetime) -> str:
    """ACTIVE, EXPIRED or SCHEDULED at ``now``."""
    if discount.ends_at is not None and discount.ends_at <= now:
        return "EXPIRED"
    return "SCHEDULED" if discount.starts_at > now else "ACTIVE"


def used(discount: Discount) -> int:
    """How often a discount was used, over all its codes."""
    return len(discount.uses) + sum(len(code.uses) for code in discount.codes)


def search_keys(shop: ShopState) -> dict[str, Searchable]:
    """What discounts can be searched by."""
    return {
        "id": Searchable("number", lambda one: one.id),
        "title": Searchable("text", lambda one: one.title),
        "tag": Searchable("words", lambda one: one.tags),
        "status": Searchable("states", lambda one: [status_of(one, shop.now())]),
        "method": Searchable("states", lambda one: ["automatic" if one.automatic else "code"]),
        "times_used": Searchable("number", used),
        "starts_at": Searchable("time", lambda one: one.starts_at),
        "ends_at": Searchable("time", lambda one: one.ends_at),
        "created_at": Searchable("time", lambda one: one.created_at),
        "updated_at": Searchable("time", lambda one: one.updated_at),
        # Finds single codes only, never those that were added in bulk.
        "code": Searchable("text", lambda one: one.codes[0].code if len(one.codes) == 1 else None),
    }


def _nodes(kind: str, wanted: bool | None) -> Catalogue:
    return Catalogue(
        f"{kind[0].lower()}{kind[1:]}s",
        lambda shop: [one for one in shop.discounts.values() if wanted is None or one.automatic is wanted],
        search_keys,
        {"ID": lambda one: one.id, "CREATED_AT": lambda one: one.created_at, "UPDATED_AT": lambda one: one.updated_at,
         "TITLE": lambda one: one.title, "STARTS_AT": lambda one: one.starts_at},
    )  # fmt: skip


def node_view(discount: Discount) -> View:
    """A discount as the node that its method has."""
    return View("DiscountAutomaticNode" if discount.automatic else "DiscountCodeNode", discount)


def form_view(discount: Discount) -> View:
    """A discount as the member of the union that its form has."""
    return View(f"Discount{'Automatic' if discount.automatic else 'Code'}{discount.form}", discount)


def _node_of(context: Context, id: str, *, automatic: bool | None) -> View | None:
    discount = context.shop.discounts.get(number(id, *DISCOUNT_NODES) or 0)
    if discount is None or (automatic is not None and discount.automatic is not automatic):
        return None
    return node_view(discount) if automatic is not None else View("DiscountNode", discount)


def _by_code(_root: object, context: Context, code: str) -> View | None:
    found = context.shop.discount_of(code)
    return node_view(found[0]) if found else None


fields(
    "QueryRoot",
    {
        "discountNodes": lambda _root, context, savedSearchId=None, **args: connection(
            _nodes("DiscountNode", None), context, **args
        ),
        "codeDiscountNodes": lambda _root, context, savedSearchId=None, **args: connection(
            _nodes("CodeDiscountNode", False), context, **args
        ),
        "automaticDiscountNodes": lambda _root, context, savedSearchId=None, **args: connection(
            _nodes("AutomaticDiscountNode", True), context, **args
        ),
        "discountNode": lambda _root, context, id: _node_of(context, id, automatic=None),
        "codeDiscountNode": lambda _root, context, id: _node_of(context, id, automatic=False),
        "automaticDiscountNode": lambda _root, context, id: _node_of(context, id, automatic=True),
        "codeDiscountNodeByCode": _by_code,
        "discountRedeemCodeBulkCreation": lambda _root, context, id: _polled(context, id),
    },
)


def _polled(context: Context, id: str) -> CodeImport | None:
    """An import goes on when it is looked at: the first look still finds it at work."""
    found = context.shop.imports.get(number(id, "DiscountRedeemCodeBulkCreation") or 0)
    if found is not None and not found.done:
        found.polls += 1
        if found.polls > 1:
            from plugin_server.demo.shopify_shop.code_writes import finish_import  # writes know reads, not back

            finish_import(context.shop, found)
    return found


for _kind in DISCOUNT_NODES:
    fields(
        _kind,
        {
            "id": lambda one, _, kind=_kind: gid(kind, one.id),
            "discount": lambda one, _: form_view(one),
            "codeDiscount": lambda one, _: form_view(one),
            "automaticDiscount": lambda one, _: form_view(one),
        },
    )


def _codes(discount: Discount, _context: Context, query: str | None = None, sortKey: str | None = None,
           savedSearchId: str | None = None, **args: Any) -> Rows:  # fmt: skip
    wanted = (query or "").partition("code:")[2].strip("'\" ").lower()
    return listed([one for one in discount.codes if not wanted or one.code.lower() == wanted], args)


def _context(discount: Discount, context: Context) -> dict[str, Any]:
    shop = context.shop
    if "customers" in discount.context:
        people = [shop.customers[id] for id in discount.context["customers"] if id in shop.customers]
        return {"__typename": "DiscountCustomers", "customers": people}
    if "segments" in discount.context:
        segments = [{"id": gid("Segment", id), "name": str(id)} for id in discount.context["segments"]]
        return {"__typename": "DiscountCustomerSegments", "segments": segments}
    return {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}


def items_view(context: Context, items: dict[str, Any]) -> dict[str, Any]:
    """What a discount is about: all goods, some products or variants, or some collections."""
    if items.get("all"):
        return {"__typename": "AllDiscountItems", "allItems": True}
    if items.get("collections"):
        return {"__typename": "DiscountCollections", "held": items["collections"]}
    return {"__typename": "DiscountProducts", "held": items.get("products", []), "sizes": items.get("variants", [])}


def effect_view(context: Context, value: dict[str, Any]) -> dict[str, Any]:
    """What a discount takes off."""
    if "quantity" in value:
        return {
            "__typename": "DiscountOnQuantity",
            "quantity": {"quantity": value["quantity"]},
            "effect": effect_view(context, value["effect"]),
        }
    if "percentage" in value:
        return {"__typename": "DiscountPercentage", "percentage": value["percentage"]}
    return {
        "__typename": "DiscountAmount",
        "amount": money(context, Decimal(value["amount"])),
        "appliesOnEachItem": bool(value.get("each")),
    }


def _minimum(discount: Discount, context: Context) -> dict[str, Any] | None:
    if "subtotal" in discount.minimum:
        return {
            "__typename": "DiscountMinimumSubtotal",
            "greaterThanOrEqualToSubtotal": money(context, Decimal(discount.minimum["subtotal"])),
        }
    if "quantity" in discount.minimum:
        return {
            "__typename": "DiscountMinimumQuantity",
            "greaterThanOrEqualToQuantity": discount.minimum["quantity"],
        }
    return None


def _gets(discount: Discount, context: Context) -> dict[str, Any]:
    return {
        "items": items_view(context, discount.gets["items"]),
        "value": effect_view(context, discount.gets["value"]),
        "appliesOnOneTimePurchase": True,
        "appliesOnSubscription": False,
    }


def _buys(discount: Discount, context: Context) -> dict[str, Any]:
    value = discount.buys["value"]
    told = (
        {"__typename": "DiscountQuantity", "quantity": value["quantity"]}
        if "quantity" in value
        else {"__typename": "DiscountPurchaseAmount", "amount": Decimal(value["amount"])}
    )
    return {
        "items": items_view(context, discount.buys["items"]), "value": told, "isOneTimePurchase": True,
        "isSubscription": False,
    }  # fmt: skip


def class_of(discount: Discount) -> str:
    """SHIPPING, ORDER or PRODUCT: inferred from the terms."""
    if discount.form == "FreeShipping":
        return "SHIPPING"
    whole = discount.form == "Basic" and discount.gets.get("items", {}).get("all")
    return "ORDER" if whole else "PRODUCT"


def _summary(discount: Discount) -> str:
    value = discount.gets.get("value", {})
    if discount.form == "FreeShipping":
        return "Free shipping"
    if discount.form == "Bxgy":
        return f"Buy {discount.buys.get('value', {}).get('quantity', '')}, get {value.get('quantity', '')}"
    off = f"{value['percentage'] * 100:g}%" if "percentage" in value else str(value.get("amount"))
    return f"{off} off"


_FORM: dict[str, Resolver] = {
    "id": lambda one, _: gid(node_view(one).kind, one.id),
    "status": lambda one, context: status_of(one, context.shop.now()),
    "appliesOncePerCustomer": lambda one, _: one.once_per_customer,
    "asyncUsageCount": lambda one, _: used(one),
    "usesPerOrderLimit": lambda one, _: one.uses_per_order,
    "codes": _codes,
    "codesCount": lambda one, _: counted(len(one.codes), None),
    "combinesWith": lambda one, _: {
        "orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": False,
        "productDiscountsWithTagsOnSameCartLine": None, **one.combines,
    },
    "context": _context,
    "customerGets": _gets,
    "customerBuys": _buys,
    "minimumRequirement": _minimum,
    "discountClass": lambda one, _: class_of(one),
    "discountClasses": lambda one, _: [class_of(one)],
    "shortSummary": lambda one, _: _summary(one),
    "summary": lambda one, _: _summary(one),
    "recurringCycleLimit": lambda _one, _: None,
    "appliesOnOneTimePurchase": lambda _one, _: True,
    "appliesOnSubscription": lambda _one, _: False,
    "maximumShippingPrice": lambda one, context: (
        money(context, one.maximum_shipping) if one.maximum_shipping is not None else None
    ),
    "destinationSelection": lambda _one, _: {"__typename": "DiscountCountryAll", "allCountries": True},
    "totalSales": lambda _one, _: None,
}  # fmt: skip
for _kind in ("CodeBasic", "CodeBxgy", "CodeFreeShipping", "AutomaticBxgy"):
    fields(f"Discount{_kind}", _FORM)


fields(
    "DiscountProducts",
    {
        "products": lambda one, context, **args: listed(
            [context.shop.products[id] for id in one["held"] if id in context.shop.products], args
        ),
        "productVariants": lambda one, context, **args: listed(
            [context.shop.variants[id] for id in one["sizes"] if id in context.shop.variants], args
        ),
    },
)
fields(
    "DiscountCollections",
    {
        "collections": lambda one, context, **args: listed(
            [context.shop.collections[id] for id in one["held"] if id in context.shop.collections], args
        ),
    },
)
fields(
    "DiscountRedeemCode",
    {
        "id": lambda one, _: gid("DiscountRedeemCode", one.id),
        "asyncUsageCount": lambda one, _: len(one.uses),
        "createdBy": lambda _one, _: None,
    },
)


def _outcomes(one: CodeImport, context: Context, **args: Any) -> Rows:
    discount = context.shop.discounts.get(one.discount_id)
    held = {code.id: code for code in discount.codes} if discount else {}
    rows = [
        {
            "code": code,
            "discountRedeemCode": held.get(id or 0),
            "errors": [{"field": ["code"], "message": why, "code": None, "extraInfo": None}] if why else [],
        }
        for code, id, why in (one.outcomes if one.done else [(code, None, None) for code in one.codes])
    ]
    return listed(rows, args)


fields(
    "DiscountRedeemCodeBulkCreation",
    {
        "id": lambda one, _: gid("DiscountRedeemCodeBulkCreation", one.id),
        "codesCount": lambda one, _: len(one.codes),
        "importedCount": lambda one, _: sum(id is not None for _, id, _ in one.outcomes),
        "failedCount": lambda one, _: sum(why is not None for _, _, why in one.outcomes),
        "codes": _outcomes,
        "discountCode": lambda one, context: _node_of(
            context, gid("DiscountCodeNode", one.discount_id), automatic=False
        ),
    },
)
