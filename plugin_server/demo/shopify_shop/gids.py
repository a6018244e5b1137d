"""Global ids, and where the numbers of each kind begin: far above 2^31, as real ones are."""

from __future__ import annotations

import re

FIRST = {
    "Customer": 7_000_000_000_000,
    "Order": 5_000_000_000_000,
    "Product": 8_000_000_000_000,
    "ProductVariant": 44_000_000_000_000,
    "LineItem": 13_000_000_000_000,
    "Refund": 900_000_000_000,
    "RefundLineItem": 500_000_000_000,
    "Collection": 400_000_000_000,
    "AbandonedCheckout": 36_000_000_000_000,
    "Discount": 1_400_000_000_000,
    "DiscountRedeemCode": 19_000_000_000_000,
    "BulkOperation": 7_900_000_000_000,
    "MailingAddress": 9_000_000_000_000,
}
DISCOUNT_NODES = ("DiscountCodeNode", "DiscountAutomaticNode", "DiscountNode")
_GID = re.compile(r"^gid://shopify/([A-Za-z]+)/(\d+)(?:\?.*)?$")


def gid(kind: str, id: int | str) -> str:
    """``gid://shopify/Order/1``."""
    return f"gid://shopify/{kind}/{id}"


def parsed(text: str) -> tuple[str, int] | None:
    """The kind and number of a global id; None where the text is none."""
    match = _GID.match(str(text))
    return (match[1], int(match[2])) if match else None


def number(text: str, *kinds: str) -> int | None:
    """The number of a global id of one of ``kinds``; None where it is anything else."""
    found = parsed(text)
    return found[1] if found and found[0] in kinds else None
