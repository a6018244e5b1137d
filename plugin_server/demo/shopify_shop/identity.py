"""Signatures of the platform: ID tokens (HS256), the query of an install, webhook bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

LIFE = 60
LEEWAY = 10


class BadIdToken(Exception):
    """An ID token that proves nothing."""


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _opened(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _mark(secret: str, text: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()


def id_token(*, shop: str, client_id: str, secret: str, now: datetime, user: str = "42", **changed: Any) -> str:
    """The token that App Bridge hands to an embedded page; ``changed`` claims replace or add (None leaves out)."""
    at = int(now.timestamp())
    claims = {
        "iss": f"https://{shop}/admin", "dest": f"https://{shop}", "aud": client_id, "sub": user, "exp": at + LIFE,
        "nbf": at, "iat": at, "jti": secrets.token_hex(16), "sid": secrets.token_hex(32), **changed,
    }  # fmt: skip
    kept = {name: value for name, value in claims.items() if value is not None}
    head = _packed(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    text = f"{head}.{_packed(json.dumps(kept).encode())}"
    return f"{text}.{_packed(_mark(secret, text))}"


def read_id_token(token: str, *, shop: str, client_id: str, secret: str, now: datetime) -> dict[str, Any]:
    """The claims of a sound token of this shop for this app. Raises ``BadIdToken``."""
    try:
        head, body, mark = token.split(".")
        if not hmac.compare_digest(_opened(mark), _mark(secret, f"{head}.{body}")):
            raise BadIdToken
        claims: dict[str, Any] = json.loads(_opened(body))
        at = now.timestamp()
        timely = claims["nbf"] - LEEWAY <= at < claims["exp"] + LEEWAY
        hosts = {urlsplit(claims["dest"]).hostname, urlsplit(claims["iss"]).hostname}
    except (ValueError, KeyError, TypeError):
        raise BadIdToken from None
    if not timely or claims.get("aud") != client_id or hosts != {shop}:
        raise BadIdToken
    return claims


def signed_query(values: Mapping[str, str], secret: str) -> str:
    """The query of a request from Shopify with its ``hmac``."""
    text = urlencode(sorted(values.items()))
    return f"{text}&hmac={_mark(secret, text).hex()}"


def body_signature(body: bytes, secret: str) -> str:
    """X-Shopify-Hmac-Sha256: base64 of the HMAC over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
