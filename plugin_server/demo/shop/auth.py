"""Who may do what: Basic authentication or keys in the query over https, OAuth 1.0a signatures over plain http.

As in the real thing, a key that cannot be told from no key at all (unknown, revoked, sent over http) leaves the
caller anonymous, and the answer is that of an anonymous caller.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from flask import Request

from plugin_server.demo.shop.answers import RestError, forbidden
from plugin_server.demo.shop.model import ApiKey
from plugin_server.demo.shop.state import ShopState

_DIGESTS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
_CLOCK_SKEW = timedelta(minutes=15)
_NONCES_KEPT = 20_000


def _refused(message: str) -> RestError:
    return RestError(401, "woocommerce_rest_authentication_error", message)


@dataclass(frozen=True, slots=True)
class _Pair:
    key: str
    secret: str


class Doorkeeper:
    """Knows the keys of one shop and the nonces already used."""

    def __init__(self, shop: ShopState) -> None:
        self._shop = shop
        self._nonces: OrderedDict[tuple[str, str], None] = OrderedDict()

    def admit(self, request: Request, need: str) -> ApiKey:
        """The key of a caller who may do ``need`` (view, create, edit, delete, batch); raises ``RestError``."""
        key = self._caller(request)
        if key is None:
            raise forbidden(need, 401)
        wanted = "read" if request.method in {"GET", "HEAD", "OPTIONS"} else "write"
        if wanted not in key.permissions:
            raise _refused(f"The API key provided does not have {wanted} permissions.")
        if not key.privileged:
            raise forbidden(need, 403)
        return key

    def _caller(self, request: Request) -> ApiKey | None:
        if request.scheme == "https":
            pair = _basic(request) or _in_query(request)
            if pair is None:
                return None
            key = self._known(pair.key)
            if key is None:
                return None
            if not hmac.compare_digest(key.secret.encode(), pair.secret.encode()):
                raise _refused("Consumer secret is invalid.")
            return key
        return self._signed(request)

    def _known(self, consumer_key: str) -> ApiKey | None:
        return next((key for key in self._shop.keys.values() if key.key == consumer_key), None)

    def _signed(self, request: Request) -> ApiKey | None:
        """The caller of an OAuth 1.0a request with its parameters in the query."""
        given = _last_wins(request)
        if "oauth_consumer_key" not in given or "oauth_signature" not in given:
            return None
        key = self._known(given["oauth_consumer_key"])
        if key is None:
            raise _refused("Consumer key is invalid.")
        digest = _DIGESTS.get(given.get("oauth_signature_method", ""))
        if digest is None:
            raise _refused("Invalid signature - signature method is invalid.")
        signature = oauth_signature(
            request.method, request.base_url, given, key.secret, given["oauth_signature_method"]
        )  # fmt: skip
        if not hmac.compare_digest(signature, given["oauth_signature"]):
            raise _refused("Invalid signature - provided signature does not match.")
        self._fresh(key, given)
        return key

    def _fresh(self, key: ApiKey, given: dict[str, str]) -> None:
        stamp = given.get("oauth_timestamp", "")
        if not stamp.isdigit() or abs(self._shop.now() - _from_stamp(stamp, self._shop.now())) > _CLOCK_SKEW:
            raise _refused("Invalid timestamp.")
        used = (key.key, f"{stamp} {given.get('oauth_nonce', '')}")
        if used in self._nonces:
            raise _refused("Invalid nonce - nonce has already been used.")
        self._nonces[used] = None
        if len(self._nonces) > _NONCES_KEPT:
            self._nonces.popitem(last=False)


def _from_stamp(stamp: str, now: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(int(stamp), now.tzinfo)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, now.tzinfo)


def _basic(request: Request) -> _Pair | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, found, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return _Pair(key, secret) if found else None


def _in_query(request: Request) -> _Pair | None:
    if "consumer_key" not in request.args or "consumer_secret" not in request.args:
        return None
    return _Pair(request.args["consumer_key"], request.args["consumer_secret"])


def _last_wins(request: Request) -> dict[str, str]:
    """The query as PHP sees it: of a repeated name the last value."""
    return {name: request.args.getlist(name)[-1] for name in request.args}


def oauth_signature(method: str, url: str, given: dict[str, str], secret: str, name: str) -> str:
    """The signature WooCommerce expects: base64 of an HMAC over method, address and sorted parameters.

    ``url`` is without query; ``given`` are all parameters, decoded; ``name`` is HMAC-SHA1 or HMAC-SHA256.
    """
    pairs = sorted(
        (quote(key, safe="~"), quote(value, safe="~")) for key, value in given.items() if key != "oauth_signature"
    )
    joined = "&".join(f"{key}={value}" for key, value in pairs)
    base = "&".join(quote(part, safe="~") for part in (method.upper(), url, joined))
    made = hmac.new(f"{secret}&".encode(), base.encode(), _DIGESTS[name]).digest()
    return base64.b64encode(made).decode()
