"""Packs: products that hold several pieces of others, for what coupons cannot do.

A coupon of WooCommerce knows no minimum quantity of a product and does not repeat (see ``docs/offers.md``). A pack of
three at the price of three leaks nothing, whoever finds it; the personal code takes the discount off the pack alone.
It is kept out of catalogue and search (``catalog_visibility``), found again by its SKU, and carries our mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.errors import ConnectorError
from connectors.offer_types import Pack, PackResult
from connectors.types import Money
from connectors.woocommerce.client import WooClient, WooRefusal
from connectors.woocommerce.values import meta, reference

MARK = "tangga_pack"
COST, SUPPLY = "tangga_unit_cost", "tangga_days_of_supply"
COPIED = ("tax_status", "tax_class", "shipping_class", "virtual")
"""What a pack has of its goods, so that tax and shipping come to the same."""
GONE = "The shop no longer has a product of this pack. Read the products again."
NOT_OURS = "The shop has a product of its own with the SKU {sku}. Give that another SKU."
FIELDS = "id,sku,status,price,catalog_visibility,permalink,name,meta_data"


class PackMaker:
    """Makes packs in one shop. ``currency`` is the shop's."""

    def __init__(self, client: WooClient, currency: str) -> None:
        self._client = client
        self._currency = currency

    def ensure(self, packs: Sequence[Pack]) -> list[PackResult]:
        """One result per pack, in their order. Raises ``ConnectorError`` where the shop does not answer."""
        return [self._ensure(pack) for pack in packs]

    def _ensure(self, pack: Pack) -> PackResult:
        if pack.currency != self._currency:
            return PackResult(
                pack.sku, None, error=f"The shop counts in {self._currency}, the pack in {pack.currency}."
            )
        known = self._find(pack)
        if known is not None and not is_ours(known, pack):
            return PackResult(pack.sku, None, error=NOT_OURS.format(sku=pack.sku))
        if known is not None and not differences(known, pack):
            return _made(pack, known)
        try:
            row = self._write(pack, None if known is None else reference(known, "id"))
        except WooRefusal as error:
            return PackResult(pack.sku, None, error=error.sentence)
        wrong = differences(row, pack)
        if wrong:
            return PackResult(pack.sku, None, error=f"The shop made the pack with another {', '.join(wrong)}.")
        return _made(pack, row)

    def _find(self, pack: Pack) -> Mapping[str, Any] | None:
        rows, _ = self._client.rows("products", {"sku": pack.sku, "_fields": FIELDS})
        same = [row for row in rows if isinstance(row, dict) and row.get("sku") == pack.sku]
        return same[0] if same else None

    def _write(self, pack: Pack, number: str | None) -> Mapping[str, Any]:
        data = body(pack, self._of_the_first(pack))
        try:
            answer = self._client.write(
                "PUT" if number else "POST", f"products/{number}" if number else "products", data
            )
        except ConnectorError as error:
            # A lost answer: whatever became of it is found by its SKU.
            if not error.ambiguous or (again := self._find(pack)) is None:
                raise
            return again
        if not isinstance(answer, dict):
            raise ConnectorError("The shop's answer to a new product cannot be read.", code="shape", ambiguous=True)
        return answer

    def _of_the_first(self, pack: Pack) -> Mapping[str, Any]:
        try:
            found = self._client.get(f"products/{pack.parts[0][0]}").data
        except WooRefusal as error:
            raise WooRefusal(GONE, code=error.code, status=error.status, reason=error.reason, data={}) from error
        return found if isinstance(found, dict) else {}


def body(pack: Pack, first: Mapping[str, Any]) -> dict[str, Any]:
    """The product to ask the shop for; ``first`` is the product that it mostly consists of."""
    asked: dict[str, Any] = {
        "name": pack.title[:200],
        "type": "simple",
        "status": "publish",
        "catalog_visibility": "hidden",
        "sku": pack.sku,
        "regular_price": str(Money(pack.price_minor, pack.currency).amount),
        "sale_price": "",
        "reviews_allowed": False,
        "meta_data": [
            {"key": MARK, "value": _parts(pack)},
            {"key": COST, "value": _amount(pack.cost_minor, pack.currency)},
            {"key": SUPPLY, "value": None if pack.supply_days is None else str(pack.supply_days)},
        ],
    }
    asked |= {name: first[name] for name in COPIED if first.get(name) not in (None, "")}
    if weight := _weight(first, sum(pieces for _, pieces in pack.parts)):
        asked["weight"] = weight
    if picture := _picture(first):
        asked["images"] = [{"id": picture}]
    return asked


def _picture(first: Mapping[str, Any]) -> int | None:
    """The number of its first picture. One that lies outside the shop has none, or 0, and would refuse the pack."""
    pictures = first.get("images")
    found = pictures[0].get("id") if isinstance(pictures, list) and pictures and isinstance(pictures[0], dict) else None
    return found if isinstance(found, int) and found > 0 else None


def differences(product: Mapping[str, Any], pack: Pack) -> list[str]:
    """In what the shop's product is not the pack; empty where it is."""
    told = {
        "SKU": product.get("sku") == pack.sku,
        "state": product.get("status") == "publish",
        "visibility": product.get("catalog_visibility") == "hidden",
        "price": _number(product.get("price")) == Money(pack.price_minor, pack.currency).amount,
        "content": meta(product).get(MARK) == _parts(pack),
    }
    return [name for name, same in told.items() if not same]


def is_ours(product: Mapping[str, Any], pack: Pack) -> bool:
    """True where we made this product as a pack; with other contents it is one of ours all the same."""
    return pack.sku == product.get("sku") and bool(meta(product).get(MARK))


def _made(pack: Pack, row: Mapping[str, Any]) -> PackResult:
    link = row.get("permalink")
    return PackResult(pack.sku, reference(row, "id"), link if isinstance(link, str) else None)


def _parts(pack: Pack) -> str:
    return " ".join(f"{number}x{pieces}" for number, pieces in pack.parts)


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else str(Money(minor, currency).amount)


def _weight(first: Mapping[str, Any], pieces: int) -> str:
    one = _number(first.get("weight"))
    return "" if one is None or not one else format((one * pieces).normalize(), "f")


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
