"""Keys of a shop: how a request proves who we are, and how the shop's owner hands us a key pair (wc-auth).

Over https a pair travels as Basic authentication, or in the query where a host strips the Authorization header. Over
plain http (a developer's own machine) WooCommerce takes OAuth 1.0a signatures only; the ``woocommerce`` package makes
them, over our own pooled session.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from requests.auth import AuthBase, HTTPBasicAuth
from woocommerce.oauth import OAuth

from connectors.errors import BadPayload, ConnectorError
from connectors.http import loads

KEY_FORM = re.compile(r"ck_[0-9a-zA-Z_-]{1,64}")
SECRET_FORM = re.compile(r"cs_[0-9a-zA-Z_-]{1,64}")
LARGEST_CALLBACK = 8192
SHORTEST_TOKEN = 16
PERMISSIONS = {"read", "write", "read_write"}


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A consumer key and its secret. Neither shows in ``repr``."""

    key: str = field(repr=False)
    secret: str = field(repr=False)

    def fault(self) -> str:
        """What is visibly wrong with the pair, as a sentence; empty where it looks right."""
        if self.key.startswith("cs_") and self.secret.startswith("ck_"):
            return "Key and secret are swapped: the key begins with ck_, the secret with cs_."
        if not all(part and part.isascii() and part.isprintable() for part in (self.key, self.secret)):
            return "Key or secret is empty or holds letters that no key has. Copy them again from WooCommerce."
        return ""


class Signer:
    """Signs requests for one shop. ``in_query`` is found out once by the client and kept for its life."""

    def __init__(self, pair: KeyPair) -> None:
        self.pair = pair
        self.in_query = False

    def __call__(self, method: str, url: str, *, timestamp: int) -> tuple[str, AuthBase | None]:
        """The address to call and the authentication to send with it. ``timestamp`` is Unix time, for OAuth."""
        if urlsplit(url).scheme == "http":
            return self._oauth(method, url, timestamp), None
        if self.in_query:
            pair = urlencode({"consumer_key": self.pair.key, "consumer_secret": self.pair.secret})
            return f"{url}{'&' if '?' in url else '?'}{pair}", None
        return url, HTTPBasicAuth(self.pair.key, self.pair.secret)

    def _oauth(self, method: str, url: str, timestamp: int) -> str:
        signed: Any = OAuth(
            url=url,
            consumer_key=self.pair.key,
            consumer_secret=self.pair.secret,
            version="wc/v3",
            method=method,
            oauth_timestamp=timestamp,
        )
        return str(signed.get_oauth_url())


@dataclass(frozen=True, slots=True)
class Grant:
    """What the shop sends when its owner said yes. ``user_id`` is our own one-time value, the only proof there is."""

    user_id: str
    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    permissions: str

    @property
    def pair(self) -> KeyPair:
        """The key pair to connect with."""
        return KeyPair(self.consumer_key, self.consumer_secret)


def authorize_url(store_url: str, app_name: str, user_id_token: str, return_url: str, callback_url: str) -> str:
    """Where to send the owner's browser so that he grants us a read/write key pair.

    ``user_id_token`` comes back in the unsigned callback: it must be unguessable, used once, and bound by the caller
    to merchant and shop. ``callback_url`` must be https; it must answer exactly 200, else the shop deletes the key.
    """
    if len(user_id_token) < SHORTEST_TOKEN:
        raise ConnectorError("The one-time value of a connection must be long and random.", code="weak_token")
    if urlsplit(callback_url).scheme != "https":
        raise ConnectorError(
            "Shops hand out keys over https only. Set PUBLIC_URL to an https address, or enter a key pair by hand.",
            code="callback_not_https",
        )
    query = urlencode(
        {
            "app_name": app_name,
            "scope": "read_write",
            "user_id": user_id_token,
            "return_url": return_url,
            "callback_url": callback_url,
        }
    )
    return f"{store_url.rstrip('/')}/wc-auth/v1/authorize?{query}"


def parse_callback(body: bytes, content_type: str) -> Grant:
    """The grant in the shop's callback. Raises ``BadPayload`` naming the field, never its value."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise BadPayload("A grant arrives as application/json.", path="content-type")
    if len(body) > LARGEST_CALLBACK:
        raise BadPayload("A grant is never that large.", path="body")
    data = loads(body)
    if not isinstance(data, dict):
        raise BadPayload("A grant is a JSON object.", path="body")
    permissions = _text(data, "key_permissions")
    if permissions not in PERMISSIONS:
        raise BadPayload("The permission is none of read, write, read_write.", path="key_permissions")
    key, secret = _text(data, "consumer_key"), _text(data, "consumer_secret")
    if not KEY_FORM.fullmatch(key):
        raise BadPayload("The key does not look like ck_….", path="consumer_key")
    if not SECRET_FORM.fullmatch(secret):
        raise BadPayload("The secret does not look like cs_….", path="consumer_secret")
    return Grant(_text(data, "user_id"), key, secret, permissions)


def parse_return(query: Mapping[str, str]) -> tuple[str, bool]:
    """(our one-time value, granted?) from the browser's return. It proves nothing: only the callback does."""
    return query.get("user_id", ""), query.get("success") == "1"


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise BadPayload("The field is missing or empty.", path=name)
    if not (value.isascii() and value.isprintable()):
        raise BadPayload("The field holds letters that no such value has.", path=name)
    return value
