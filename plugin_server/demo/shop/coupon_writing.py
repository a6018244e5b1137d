"""What the shop makes of the coupon fields it is sent: the place of most traps.

Addresses that are none are dropped in silence (and a coupon without addresses is open to all), characters an address
cannot hold are cut out of it, amounts are read in a mix of notations, dates that are none become 1970.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from plugin_server.demo.shop.answers import CriticalError, JsonObject, RestError, not_one_of
from plugin_server.demo.shop.clock import written_moment
from plugin_server.demo.shop.meta_writing import write_meta
from plugin_server.demo.shop.model import Coupon
from plugin_server.demo.shop.state import ShopState

TYPES = ("percent", "fixed_cart", "fixed_product")
_LOCAL_PART = re.compile(r"[^a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]")
_DOMAIN_PART = re.compile(r"[^a-z0-9-]", re.IGNORECASE)
_IDS = ("product_ids", "excluded_product_ids", "product_categories", "excluded_product_categories")
_LIMITS = ("usage_limit", "usage_limit_per_user", "limit_usage_to_x_items")
_FLAGS = ("individual_use", "free_shipping", "exclude_sale_items")


def read_amount(given: object) -> Decimal:
    """``"10,5"`` is 10.50, ``"25.000"`` is 25.00, ``"1.250.000"`` is 1250.00: only the last point counts."""
    text = str(given).replace(",", ".")
    head, point, tail = text.rpartition(".")
    kept = re.sub(r"[^0-9-]", "", head) + point + re.sub(r"[^0-9-]", "", tail)
    try:
        amount = Decimal(kept or "0")
    except InvalidOperation:
        return Decimal(0)
    return amount.quantize(Decimal("0.01"))


def clean_address(given: object) -> str:
    """The address as the shop keeps it, lower-case; empty where it is none."""
    local, at, domain = str(given).strip().lower().partition("@")
    local = _LOCAL_PART.sub("", local)
    parts = [_DOMAIN_PART.sub("", part.strip(" \t\n\r\0\x0b-")) for part in domain.strip(" .").split(".")]
    parts = [part for part in parts if part]
    if not at or not local or len(parts) < 2:
        return ""
    return f"{local}@{'.'.join(parts)}"


def already_exists() -> RestError:
    """The code is taken, whatever its case."""
    return RestError(400, "woocommerce_rest_coupon_code_already_exists", "The coupon code already exists")


class CouponWriter:
    """Writes the coupons of one shop and tells the webhooks."""

    def __init__(self, shop: ShopState) -> None:
        self._shop = shop

    def create(self, given: JsonObject) -> Coupon:
        """A new coupon; ``code`` is needed."""
        code = str(given.get("code") or "").strip().lower()
        if not code:
            raise RestError(400, "woocommerce_rest_empty_coupon_code", "The coupon code cannot be empty.")
        if "<" in code or ">" in code:
            raise CriticalError
        if self._shop.coupon(code) is not None:
            raise already_exists()
        now = self._shop.now()
        coupon = Coupon(0, code, now, now)
        self._fill(coupon, given)
        coupon.id = self._shop.next_id()
        if self._shop.legacy:
            coupon.status = "publish"
        self._shop.save(coupon)
        self._shop.tell("coupon.created", coupon.id)
        return coupon

    def update(self, coupon: Coupon, given: JsonObject) -> Coupon:
        """Change a coupon."""
        code = str(given.get("code") or coupon.code).strip().lower()
        taken = self._shop.coupon(code)
        if taken is not None and taken.id != coupon.id:
            raise already_exists()
        if self._shop.codes.get(coupon.code) == coupon.id:
            del self._shop.codes[coupon.code]
        self._fill(coupon, given)
        coupon.code = code
        coupon.modified = self._shop.now()
        self._shop.save(coupon)
        self._shop.tell("coupon.updated", coupon.id)
        return coupon

    def trash(self, coupon: Coupon) -> None:
        """Into the trash; its code is free again. Product webhooks hear of it too, as in the real thing."""
        coupon.status = "trash"
        coupon.modified = self._shop.now()
        self._shop.codes.pop(coupon.code, None)
        self._shop.save(coupon)
        self._shop.tell("coupon.deleted", coupon.id)
        self._shop.tell("product.deleted", coupon.id)

    def _fill(self, coupon: Coupon, given: JsonObject) -> None:
        kind = given.get("discount_type") or coupon.discount_type
        if kind not in TYPES:
            raise RestError(400, "coupon_invalid_discount_type", "Invalid discount type")
        amount = self._amount(kind, given, coupon)
        coupon.discount_type, coupon.amount = kind, amount
        coupon.description = str(given.get("description", coupon.description))
        coupon.status = str(given.get("status") or coupon.status)
        if given.get("date_expires") is not None:
            text = str(given["date_expires"])
            coupon.expires = written_moment(text, self._shop.zone) if text else None
        for name in _IDS:
            if given.get(name) is not None:
                setattr(coupon, name, [int(id) for id in given[name] if str(id).isdigit()])
        for name in _LIMITS:
            if name in given:
                setattr(coupon, name, _limit(given[name]))
        for name in _FLAGS:
            if given.get(name) is not None:
                setattr(coupon, name, bool(given[name]))
        for name in ("minimum_amount", "maximum_amount"):
            if given.get(name) is not None:
                setattr(coupon, name, read_amount(given[name]))
        if given.get("email_restrictions") is not None:
            kept = [clean_address(address) for address in given["email_restrictions"]]
            coupon.email_restrictions = [address for address in kept if address]
        write_meta(self._shop, coupon.meta, given.get("meta_data"), hidden=True)

    def _amount(self, kind: str, given: JsonObject, coupon: Coupon) -> Decimal:
        amount = read_amount(given["amount"]) if given.get("amount") is not None else coupon.amount
        if amount < 0 or (kind == "percent" and amount > 100 and not self._shop.legacy):
            raise RestError(400, "coupon_invalid_amount", "Invalid discount amount.")
        return Decimal("0.00") if kind == "percent" and amount > 100 else amount


def _limit(given: Any) -> int | None:
    """A limit of 0, or null, is none."""
    return abs(int(given)) or None if str(given).lstrip("-").isdigit() else None


def check_type(given: JsonObject) -> None:
    """The list of choices that single writes are held to, and batches are not."""
    if "discount_type" in given and given["discount_type"] not in TYPES:
        raise not_one_of("discount_type", "discount_type", TYPES)
