"""What a shop's own address passes on to us: `/apps/tangga/…` of the shop, with a signature over its query.

The signature is SHA-256 over all parameters but ``signature``: sorted by name, ``name=value`` without anything between,
values of a repeated name joined by commas (https://shopify.dev/docs/apps/build/online-store/app-proxies/authenticate-app-proxies).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.errors import BadSignature, ConnectorError
from connectors.shopify.auth import QUERY_LASTS
from connectors.shopify.names import shop_name

ONCE = ("shop", "signature", "timestamp", "logged_in_customer_id", "path_prefix")
"""What Shopify itself puts in, once each; a second one came from the visitor."""


@dataclass(frozen=True, slots=True)
class Proxied:
    """Whose window the request came through, and who is logged in there: the customer's number, None for nobody."""

    shop: str
    customer_id: str | None


def read_proxied(args: Sequence[tuple[str, str]], secrets: Sequence[str], now: datetime) -> Proxied:
    """Check a passed-on query (decoded pairs, in any order). Raises ``BadSignature`` unless signed, whole and fresh."""
    names = [name for name, _ in args]
    values = dict(args)
    if any(names.count(name) > 1 for name in ONCE) or not _fresh(values.get("timestamp", ""), now):
        raise BadSignature("This request did not come through the shop just now.")
    given = values.get("signature", "").encode("utf-8", "replace")
    good = [bool(secret) and hmac.compare_digest(signature(args, secret).encode(), given) for secret in secrets]
    if not any(good):
        raise BadSignature("The shop's signature does not hold.")
    try:
        shop = shop_name(values.get("shop", ""))
    except ConnectorError as error:
        raise BadSignature("The request names no shop.") from error
    customer = values.get("logged_in_customer_id", "")
    return Proxied(shop, customer if customer.isascii() and customer.isdigit() else None)


def signature(args: Sequence[tuple[str, str]], secret: str) -> str:
    """The signature that Shopify gives such a query, as hex."""
    gathered: dict[str, list[str]] = {}
    for name, value in args:
        if name != "signature":
            gathered.setdefault(name, []).append(value)
    signed = "".join(f"{name}={','.join(gathered[name])}" for name in sorted(gathered))
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


def _fresh(timestamp: str, now: datetime) -> bool:
    try:
        at = datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        return False
    return abs(now - at) <= QUERY_LASTS
