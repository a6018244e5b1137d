"""Offers to many at once: under one shared code, or applied by the shop itself without any (automatic).

They carry no personal worth, so the shop may show them to everybody, or to the customers named. Ours bear a tag with
our key, by which they are found again when an answer was lost: Shopify does not refuse a second one of the same title.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import ConnectorError
from connectors.shopify.client import ShopifyClient
from connectors.shopify.discount_terms import ALONE, TAG, written
from connectors.shopify.failures import Rejected, ShopifyRefusal
from connectors.shopify.values import gid, number_of, part, text
from connectors.types import Deal, DealKind, Money

CREATE = {
    (True, False): ("discount_basic_create", "codeDiscountNode"),
    (True, True): ("bxgy_create", "codeDiscountNode"),
    (False, False): ("automatic_basic_create", "automaticDiscountNode"),
    (False, True): ("automatic_bxgy_create", "automaticDiscountNode"),
}
SHIPPING = {
    True: ("discount_shipping_create", "codeDiscountNode"),
    False: ("automatic_shipping_create", "automaticDiscountNode"),
}
MOST_CUSTOMERS = 100
CODE, AUTOMATIC = "DiscountCodeNode", "DiscountAutomaticNode"


class DealMaker:
    """Makes and ends shared offers in one shop. ``currency`` is the shop's."""

    def __init__(self, client: ShopifyClient, currency: str) -> None:
        self._client = client
        self._currency = currency

    def create(self, deal: Deal) -> str:
        """Make the deal exist; gives its id (``code:1`` or ``automatic:1``). Calling twice makes none twice.

        Raises ``ShopifyRefusal`` with a sentence for what the shop refuses, ``ConnectorError`` otherwise.
        """
        if reason := refusal(deal, self._currency):
            raise ShopifyRefusal(reason, code="bad_deal")
        if known := self._find(deal):
            return known
        shared, quantity = deal.code is not None, deal.kind is DealKind.BUY_GET
        name, root = SHIPPING[shared] if deal.kind is DealKind.FREE_SHIPPING else CREATE[shared, quantity]
        try:
            payload = self._client.write(name, {"discount": body(deal)})
        except Rejected as error:
            # The search by tag lags a little; a code that we made a moment ago is found by itself.
            if deal.code and any(one.code == "TAKEN" for one in error.errors) and (again := self._by_code(deal)):
                return again
            raise
        except ConnectorError as error:
            if error.ambiguous and (again := self._find(deal) or self._by_code(deal)):
                return again
            raise
        number = number_of(part(payload, root).get("id"))
        if number is None:
            raise ShopifyRefusal("Shopify's answer to a new discount cannot be read.", code="shape", ambiguous=True)
        return f"{'code' if shared else 'automatic'}:{number}"

    def end(self, external_id: str) -> None:
        """Delete a deal; one that is already gone is fine."""
        kind, _, number = external_id.partition(":")
        name, node = ("discount_delete", CODE) if kind == "code" else ("automatic_delete", AUTOMATIC)
        try:
            self._client.write(name, {"id": gid(node, number)})
        except Rejected as error:
            if not all("not exist" in one.message or "not found" in one.message.lower() for one in error.errors):
                raise

    def _find(self, deal: Deal) -> str | None:
        query = f"tag:{tag_of(deal.key)}"
        for nodes, _ in self._client.pages("discounts_tagged", "discountNodes", {"first": 50, "query": query}):
            for row in nodes:
                if tag_of(deal.key) in (part(row, "discount").get("tags") or ()):
                    return _key(row)
        return None

    def _by_code(self, deal: Deal) -> str | None:
        if deal.code is None:
            return None
        node = self._client.read("discount_by_code", {"code": deal.code}).data.get("codeDiscountNodeByCode")
        found = part(node, "codeDiscount") if isinstance(node, dict) else {}
        ours = tag_of(deal.key) in (found.get("tags") or ())
        return f"code:{number_of(node['id'])}" if ours and isinstance(node, dict) else None


def tag_of(key: str) -> str:
    """The tag by which a deal is found again."""
    return f"tangga-{key}"[:255]


def refusal(deal: Deal, currency: str) -> str:
    """Why this deal must not be sent, as a sentence; empty where it may."""
    if not deal.key or "," in deal.key or len(deal.key) > 60:
        return "The key of an offer has 1 to 60 characters and no comma."
    if deal.ends_at is not None and deal.ends_at <= deal.starts_at:
        return "The offer ends before it begins."
    if deal.minimum_minor and deal.minimum_quantity:
        return "Shopify takes a minimum amount or a minimum number of pieces, not both."
    if deal.product_external_ids and deal.collection_external_ids:
        return "Shopify takes products or collections, not both."
    if deal.kind in (DealKind.FIXED, DealKind.BUY_GET) and deal.currency != currency:
        return f"The shop counts in {currency}, the offer in {deal.currency}."
    if deal.kind in (DealKind.PERCENTAGE, DealKind.BUY_GET) and not 0 < deal.value <= 100:
        return "A discount is more than 0 and at most 100 percent."
    if deal.kind is DealKind.FIXED and deal.value <= 0:
        return "The amount must be above zero."
    if len(deal.customers) > MOST_CUSTOMERS:
        return f"Shopify takes {MOST_CUSTOMERS} named customers at most for one offer."
    return _quantity_refusal(deal) if deal.kind is DealKind.BUY_GET else ""


def _quantity_refusal(deal: Deal) -> str:
    if not deal.get_product_external_ids:
        return "Say which products the buyer gets: Shopify does not take all of them."
    if not 0 < deal.get_quantity < 100_000 or not 0 <= deal.buy_quantity < 100_000:
        return "The numbers of pieces are between 1 and 99,999."
    if bool(deal.buy_quantity) == bool(deal.minimum_minor):
        return "Say how many pieces the buyer must buy, or for how much, one of the two."
    return ""


def body(deal: Deal) -> dict[str, Any]:
    """The discount to ask the shop for."""
    common: dict[str, Any] = {
        "title": deal.title[:255],
        "startsAt": written(deal.starts_at),
        "endsAt": written(deal.ends_at) if deal.ends_at else None,
        "context": _context(deal),
        "combinesWith": ALONE,
        "tags": [TAG, tag_of(deal.key)],
    }
    if deal.code is not None:
        common |= {"code": deal.code, "usageLimit": deal.usage_limit, "appliesOncePerCustomer": deal.once_per_customer}
    if deal.kind is DealKind.BUY_GET:
        return common | _buy_get(deal)
    if least := _minimum(deal):
        common["minimumRequirement"] = least
    if deal.kind is DealKind.FREE_SHIPPING:
        return common | {"destination": {"all": True}}
    goods = _goods(deal.product_external_ids, deal.collection_external_ids)
    return common | {"customerGets": {"value": _value(deal), "items": goods}}


def _context(deal: Deal) -> dict[str, Any]:
    if not deal.customers:
        return {"all": "ALL"}
    return {"customers": {"add": [gid("Customer", number) for number in deal.customers]}}


def _value(deal: Deal) -> dict[str, Any]:
    if deal.kind is DealKind.PERCENTAGE:
        return {"percentage": float(deal.value / 100)}
    return {"discountAmount": {"amount": str(deal.value), "appliesOnEachItem": False}}


def _minimum(deal: Deal) -> dict[str, Any] | None:
    if deal.minimum_quantity:
        return {"quantity": {"greaterThanOrEqualToQuantity": str(deal.minimum_quantity)}}
    if deal.minimum_minor:
        return {"subtotal": {"greaterThanOrEqualToSubtotal": str(Money(deal.minimum_minor, deal.currency).amount)}}
    return None


def _goods(products: tuple[str, ...], collections: tuple[str, ...]) -> dict[str, Any]:
    if products:
        return {"products": {"productsToAdd": [gid("Product", number) for number in products]}}
    if collections:
        return {"collections": {"add": [gid("Collection", number) for number in collections]}}
    return {"all": True}


def _buy_get(deal: Deal) -> dict[str, Any]:
    least = (
        {"quantity": str(deal.buy_quantity)}
        if deal.buy_quantity
        else {"amount": str(Money(deal.minimum_minor, deal.currency).amount)}
    )
    on = {"quantity": str(deal.get_quantity), "effect": {"percentage": float(deal.value / 100)}}
    found: dict[str, Any] = {
        "customerBuys": {"items": _goods(deal.product_external_ids, deal.collection_external_ids), "value": least},
        "customerGets": {"items": _goods(deal.get_product_external_ids, ()), "value": {"discountOnQuantity": on}},
    }
    if deal.uses_per_order:
        # A number on the form with a code, text on the automatic one: so says the schema.
        found["usesPerOrderLimit"] = deal.uses_per_order if deal.code is not None else str(deal.uses_per_order)
    return found


def _key(row: Mapping[str, Any]) -> str | None:
    number = number_of(row.get("id"))
    automatic = text(part(row, "discount"), "__typename").startswith("DiscountAutomatic")
    return f"{'automatic' if automatic else 'code'}:{number}" if number else None
