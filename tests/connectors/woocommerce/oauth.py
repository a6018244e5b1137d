"""OAuth 1.0a as a WooCommerce shop checks it: an independent reading of RFC 5849."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote

from tests.connectors.server import Asked


def holds(asked: Asked, origin: str, secret: str) -> bool:
    """True where the request's signature is right for its method, address and all its parameters."""
    given = asked.query["oauth_signature"]
    pairs = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in asked.query.items()
        if name != "oauth_signature"
    )
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join(quote(part, safe="~") for part in (asked.method, origin + asked.path, normal))
    digest = hmac.new(f"{secret}&".encode(), base.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest).decode(), given)
