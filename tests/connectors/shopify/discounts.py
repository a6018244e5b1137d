"""The discounts of a very small Shopify: it keeps what it is sent in the shape in which it tells it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.connectors.shopify.shop import Row, Shop, page

CUSTOMERS = {"sari@contoh.test": "42", "budi@contoh.test": "43"}
CREATES = {
    "DiscountBasicCreate": ("discountCodeBasicCreate", "DiscountCodeBasic"),
    "DiscountShippingCreate": ("discountCodeFreeShippingCreate", "DiscountCodeFreeShipping"),
    "BxgyPersonalCreate": ("discountCodeBxgyCreate", "DiscountCodeBxgy"),
    "BxgyCreate": ("discountCodeBxgyCreate", "DiscountCodeBxgy"),
    "AutomaticBasicCreate": ("discountAutomaticBasicCreate", "DiscountAutomaticBasic"),
    "AutomaticBxgyCreate": ("discountAutomaticBxgyCreate", "DiscountAutomaticBxgy"),
    "AutomaticShippingCreate": ("discountAutomaticFreeShippingCreate", "DiscountAutomaticFreeShipping"),
}


def goods(items: Row) -> Row:
    """Goods as the shop tells them."""
    if items.get("all"):
        return {"__typename": "AllDiscountItems", "allItems": True}
    named = items.get("products") or {}
    return {
        "__typename": "DiscountProducts",
        "products": page([{"id": one} for one in named.get("productsToAdd", [])]),
        "productVariants": page([{"id": one} for one in named.get("productVariantsToAdd", [])]),
    }


def told_pieces(given: Row) -> Row:
    """What is bought and got of a discount that counts pieces."""
    buys, gets = given.get("customerBuys"), given.get("customerGets") or {}
    on = (gets.get("value") or {}).get("discountOnQuantity")
    if not buys or not on:
        return {}
    least, effect = buys["value"], on["effect"]
    return {
        "usesPerOrderLimit": given.get("usesPerOrderLimit"),
        "customerBuys": {
            "items": goods(buys["items"]),
            "value": {"__typename": "DiscountQuantity", "quantity": least["quantity"]}
            if "quantity" in least else {"__typename": "DiscountPurchaseAmount", "amount": least["amount"]},
        },
        "customerGets": {
            "items": goods(gets["items"]),
            "value": {"__typename": "DiscountOnQuantity", "quantity": {"quantity": on["quantity"]}, "effect": {
                "__typename": "DiscountAmount", "amount": {"amount": effect["amount"], "currencyCode": "EUR"}}
                if "amount" in effect else {"__typename": "DiscountPercentage", "percentage": effect["percentage"]}},
        },
    }  # fmt: skip


def told(given: Row) -> Row:
    """What the shop tells of a discount made from ``given``."""
    return _told(given) | told_pieces(given)


def _told(given: Row) -> Row:
    gets = given.get("customerGets") or {}
    value, items = gets.get("value") or {}, gets.get("items") or {}
    context = given["context"].get("customers")
    least = (given.get("minimumRequirement") or {}).get("subtotal")
    amount = value.get("discountAmount")
    return {
        "title": given["title"], "status": "ACTIVE", "startsAt": given["startsAt"], "endsAt": given["endsAt"],
        "usageLimit": given.get("usageLimit"), "asyncUsageCount": 0, "tags": given["tags"],
        "combinesWith": given["combinesWith"], "codesCount": {"count": 1},
        "codes": page([{"id": "gid://shopify/DiscountRedeemCode/1", "code": given.get("code")}]),
        "context": {"__typename": "DiscountCustomers", "customers": [{"id": one} for one in context["add"]]}
        if context else {"__typename": "DiscountBuyerSelectionAll"},
        "minimumRequirement": least and {"__typename": "DiscountMinimumSubtotal", "greaterThanOrEqualToSubtotal": {
            "amount": least["greaterThanOrEqualToSubtotal"], "currencyCode": "EUR"}},
        "customerGets": {
            "value": {"__typename": "DiscountAmount", "appliesOnEachItem": amount["appliesOnEachItem"],
                      "amount": {"amount": amount["amount"], "currencyCode": "EUR"}}
            if amount else {"__typename": "DiscountPercentage", "percentage": value.get("percentage")},
            "items": {"__typename": "AllDiscountItems", "allItems": True} if items.get("all") else {
                "__typename": "DiscountProducts", "productVariants": page([]), "products": page(
                    [{"id": one} for one in (items.get("products") or {}).get("productsToAdd", [])])},
        },
    }  # fmt: skip


class Discounts:
    """All discounts by id. ``spoil`` may change what the shop makes of an input before it is kept."""

    def __init__(self, shop: Shop) -> None:
        self.rows: dict[str, Row] = {}
        self.given: list[Row] = []
        self.number = 100
        self.spoil: Callable[[Row], None] = lambda row: None
        self.pending: dict[str, list[Row]] = {}
        self.looks = 0
        self.people = dict(CUSTOMERS)
        self.takes_customers = True
        for name in CREATES:
            shop.answers[name] = self._creator(name)
        shop.answers |= {
            "CustomerByEmail": self.customer, "CustomerCreate": self.introduce,
            "DiscountByCode": self.by_code, "DiscountDelete": self.delete,
            "AutomaticDelete": self.delete, "DiscountsTagged": self.tagged, "CodesAdd": self.add,
            "CodesAdded": self.added, "CodeOwner": self.by_code, "CodesDelete": self.delete_codes,
        }  # fmt: skip

    def customer(self, variables: Row) -> Row:
        number = self.people.get(variables["email"].lower())
        found = {"id": f"gid://shopify/Customer/{number}", "defaultEmailAddress": {"emailAddress": variables["email"]}}
        return {"customerByIdentifier": found if number else None}

    def introduce(self, variables: Row) -> Row:
        email = variables["input"]["email"].lower()
        if not self.takes_customers or email in self.people:
            error = {"field": ["email"], "message": "Email has already been taken"}
            return {"customerCreate": {"customer": None, "userErrors": [error]}}
        number = self.people[email] = str(50 + len(self.people))
        return {"customerCreate": {"customer": {"id": f"gid://shopify/Customer/{number}"}, "userErrors": []}}

    def _creator(self, name: str) -> Callable[[Row], Row]:
        root, kind = CREATES[name]
        automatic = "Automatic" in kind
        node = "automaticDiscountNode" if automatic else "codeDiscountNode"

        def create(variables: Row) -> Row:
            given = variables["discount"]
            self.given.append(given)
            if self.of_code(given.get("code")):
                error = {
                    "field": ["x", "code"],
                    "message": "Code must be unique. Please try a different code.",
                    "code": "TAKEN",
                }
                return {root: {node: None, "userErrors": [error]}}
            self.number += 1
            row = {"__typename": kind, **told(given)}
            self.spoil(row)
            key = f"gid://shopify/Discount{'Automatic' if automatic else 'Code'}Node/{self.number}"
            self.rows[key] = row
            return {root: {node: {"id": key, "codeDiscount": row}, "userErrors": []}}

        return create

    def of_code(self, code: str | None) -> tuple[str, Row] | None:
        for key, row in self.rows.items():
            if code and any(str(one["code"]).upper() == code.upper() for one in row["codes"]["nodes"]):
                return key, row
        return None

    def by_code(self, variables: Row) -> Row:
        found = self.of_code(variables["code"])
        if found is None:
            return {"codeDiscountNodeByCode": None}
        wanted = [one for one in found[1]["codes"]["nodes"] if str(one["code"]).upper() == variables["code"].upper()]
        row = found[1] if "query" not in variables else {"codes": page(wanted)}
        return {"codeDiscountNodeByCode": {"id": found[0], "codeDiscount": row}}

    def delete(self, variables: Row) -> Row:
        gone = self.rows.pop(variables["id"], None)
        errors = [] if gone else [{"field": ["id"], "message": "Discount does not exist", "code": "INVALID"}]
        return {"discountDelete": {"userErrors": errors}}

    def delete_codes(self, variables: Row) -> Row:
        nodes = self.rows[variables["discountId"]]["codes"]["nodes"]
        nodes[:] = [one for one in nodes if one["id"] not in variables["ids"]]
        return {"discountCodeRedeemCodeBulkDelete": {"job": {"id": "1", "done": False}, "userErrors": []}}

    def tagged(self, variables: Row) -> Row:
        tag = variables["query"].removeprefix("tag:")
        nodes = [{"id": key, "discount": row} for key, row in self.rows.items() if tag in row["tags"]]
        return {"discountNodes": page(nodes)}

    def add(self, variables: Row) -> Row:
        made: list[Row] = []
        nodes = self.rows[variables["discountId"]]["codes"]["nodes"]
        for entry in variables["codes"]:
            taken = self.of_code(entry["code"])
            self.number += 1
            row = {"id": f"gid://shopify/DiscountRedeemCode/{self.number}", "code": entry["code"]}
            if not taken:
                nodes.append(row)
            message = {"message": "must be unique. Please try a different code.", "code": None}
            made.append({"code": entry["code"], "discountRedeemCode": None if taken else row,
                         "errors": [message] if taken else []})  # fmt: skip
        key = f"gid://shopify/DiscountRedeemCodeBulkCreation/{self.number}"
        self.pending[key] = made
        return {"discountRedeemCodeBulkAdd": {"bulkCreation": {"id": key, "done": False}, "userErrors": []}}

    def added(self, variables: Row) -> Row:
        self.looks += 1
        start = int(variables["after"] or 0)
        made = self.pending[variables["id"]]
        rows: list[Any] = made[start : start + 100]
        more = str(start + 100) if start + 100 < len(made) else None
        return {"discountRedeemCodeBulkCreation": {"done": self.looks > 2, "codes": page(rows, more)}}
