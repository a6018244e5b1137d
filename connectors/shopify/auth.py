"""How a Shopify shop lets us in: ID tokens of the admin, tokens for its API, and the hand-made install.

Offline tokens of public apps last an hour and come with a refresh token of 90 days that is replaced at each use. The
previous refresh token stays good until its replacement is used, so a refresh whose answer was lost may be repeated.
``invalid_grant`` ends that: only a visit of the owner helps. Shops are taken from signed places alone, and only by
their ``*.myshopify.com`` name.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from shopify import ApiAccess
from shopify.session_token import SessionTokenError, decode_from_header

from connectors.errors import BadPayload, BadSignature, ConnectorError
from connectors.http import Http, Reply
from connectors.shopify.names import shop_name

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a kind of token
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
ONLINE = "urn:shopify:params:oauth:token-type:online-access-token"
LEEWAY = timedelta(seconds=10)
QUERY_LASTS = timedelta(seconds=90)
TIMEOUTS = (3.05, 20.0)
RETRY_HEADER = "X-Shopify-Retry-Invalid-Session-Request"
"""On a 401: the admin fetches a fresh ID token and asks once more."""


@dataclass(frozen=True, slots=True)
class App:
    """Our app as Shopify knows it; ``secrets`` newest first. ``origin`` replaces ``https://{shop}`` in development."""

    client_id: str
    secrets: tuple[str, ...]
    origin: str | None = None
    allow_private: bool = False
    tls_verify: bool = True

    def address(self, shop: str) -> str:
        """Where the shop's admin answers."""
        return (self.origin or f"https://{shop}").rstrip("/")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a shop lets us do. Without ``refresh_token`` the token lasts until it is revoked."""

    token: str
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    refresh_token: str | None = None
    refresh_expires_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """For the vault."""
        found = asdict(self) | {"scopes": list(self.scopes)}
        return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in found.items()}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Grant:
        """What ``as_json`` gave."""
        return cls(
            kept["token"],
            tuple(kept.get("scopes", ())),
            _instant(kept.get("expires_at")),
            kept.get("refresh_token"),
            _instant(kept.get("refresh_expires_at")),
        )


@dataclass(frozen=True, slots=True)
class Staff:
    """The person of the shop behind an online token."""

    external_id: str
    email: str
    name: str
    account_owner: bool
    email_verified: bool
    locale: str | None


@dataclass(frozen=True, slots=True)
class IdToken:
    """A checked ID token: which shop's admin sent it, and for whom. ``text`` is the token itself."""

    shop: str
    user_id: str
    expires_at: datetime
    text: str


def _instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def read_id_token(token: str, app: App, now: datetime) -> IdToken:
    """Whom the admin says it is showing us to. Raises ``BadSignature``; the shop comes from the token alone.

    The library checks signature, audience, and that issuer and destination are one shop; it lets a token without end
    pass, which we do not.
    """
    for secret in filter(None, app.secrets):
        try:
            claims: dict[str, Any] = decode_from_header(f"Bearer {token}", app.client_id, secret)
        except (SessionTokenError, ValueError, TypeError, AttributeError):
            continue
        return _id_token(claims, token, now)
    raise BadSignature("The sign-in of Shopify's admin does not hold. Open the app again from the admin.")


def _id_token(claims: Mapping[str, Any], token: str, now: datetime) -> IdToken:
    ends, begins, user = claims.get("exp"), claims.get("nbf"), claims.get("sub")
    if not (_number(ends) and _number(begins) and isinstance(user, str) and user):
        raise BadSignature("The sign-in of Shopify's admin lacks its times. Open the app again from the admin.")
    until, since = (datetime.fromtimestamp(float(str(at)), UTC) for at in (ends, begins))
    if not since - LEEWAY <= now < until + LEEWAY:
        raise BadSignature("The sign-in of Shopify's admin is over. Open the app again from the admin.")
    return IdToken(shop_name(str(claims["dest"])), user, until, token)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**11


class Door:
    """Shopify's token endpoint. One request each; all raise ``ConnectorError``, permanent where the owner must act."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._http = Http(allow_private=app.allow_private, tls_verify=app.tls_verify, timeouts=TIMEOUTS)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def exchange(self, id_token: IdToken, now: datetime) -> Grant:
        """An expiring offline token for the shop whose admin sent the ID token."""
        given = self._exchange(id_token, OFFLINE) | {"expiring": 1}
        return _grant(self._ask(id_token.shop, given), now)

    def who(self, id_token: IdToken) -> Staff:
        """The person behind an ID token. Raises ``BadPayload`` where Shopify does not say who it is."""
        told = self._ask(id_token.shop, self._exchange(id_token, ONLINE)).get("associated_user")
        if not isinstance(told, dict) or not isinstance(told.get("email"), str) or not told["email"].strip():
            raise BadPayload("Shopify does not say who is signed in.", path="associated_user")
        name = f"{told.get('first_name') or ''} {told.get('last_name') or ''}".strip()
        owner, verified = told.get("account_owner") is True, told.get("email_verified") is True
        locale = told.get("locale")
        return Staff(
            id_token.user_id, told["email"].strip(), name, owner, verified, locale if isinstance(locale, str) else None
        )

    def refresh(self, shop: str, refresh_token: str, now: datetime) -> Grant:
        """The next pair. ``code`` is ``invalid_grant`` where only a visit of the owner helps."""
        return _grant(self._ask(shop, {"grant_type": "refresh_token", "refresh_token": refresh_token}), now)

    def redeem(self, shop: str, code: str, now: datetime) -> Grant:
        """The token for a code that the install brought back."""
        return _grant(self._ask(shop, {"code": code, "expiring": 1}), now)

    def _exchange(self, id_token: IdToken, wanted: str) -> dict[str, Any]:
        return {
            "grant_type": EXCHANGE,
            "subject_token": id_token.text,
            "subject_token_type": ID_TOKEN,
            "requested_token_type": wanted,
        }

    def _ask(self, shop: str, given: dict[str, Any]) -> dict[str, Any]:
        known = {"client_id": self._app.client_id, "client_secret": next(iter(self._app.secrets), "")}
        reply = self._http.send("POST", f"{self._app.address(shop)}/admin/oauth/access_token", data=known | given)
        if reply.status != 200:
            raise _refusal(reply)
        told = reply.json()
        if not isinstance(told, dict):
            raise BadPayload("Shopify's answer is not an object.", path="access_token")
        return told


SENTENCES = {
    "invalid_grant": "Shopify has ended our access to this shop. Open Tangga in the shop's admin once to renew it.",
    "invalid_subject_token": "The sign-in of Shopify's admin is over. Open the app again from the admin.",
    "invalid_client": "Shopify does not know this app's id and secret, or the app was removed from the shop. Check "
    "SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRETS, then install the app again.",
    "invalid_request": "Shopify did not accept the code of this install. Begin the connection again.",
}


def _refusal(reply: Reply) -> ConnectorError:
    try:
        told = reply.json()
    except ConnectorError:
        told = None
    code = str(told.get("error", "")) if isinstance(told, dict) else ""
    sentence = SENTENCES.get(code, f"Shopify refused to let us in (answer {reply.status}). Install the app again.")
    return ConnectorError(sentence, code=code if code in SENTENCES else "refused")


def _grant(told: Mapping[str, Any], now: datetime) -> Grant:
    token, refresh_token = told.get("access_token"), told.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise BadPayload("Shopify's answer holds no token.", path="access_token")
    scopes = tuple(sorted(filter(None, (scope.strip() for scope in str(told.get("scope") or "").split(",")))))
    return Grant(
        token,
        scopes,
        _after(told.get("expires_in"), now),
        refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        _after(told.get("refresh_token_expires_in"), now),
    )


def _after(seconds: object, now: datetime) -> datetime | None:
    return now + timedelta(seconds=float(str(seconds))) if _number(seconds) else None


def missing_scopes(needed: Sequence[str], granted: Sequence[str]) -> list[str]:
    """What of ``needed`` the shop has not granted; writing implies reading."""
    has = ApiAccess(list(granted))
    return [scope for scope in needed if not has.covers(ApiAccess([scope]))]


def authorize_url(app: App, shop: str, *, scopes: Sequence[str], back: str, state: str) -> str:
    """Where the owner says yes, for an install that does not begin in Shopify's admin."""
    query = {"client_id": app.client_id, "scope": ",".join(scopes), "redirect_uri": back, "state": state}
    return f"{app.address(shop)}/admin/oauth/authorize?{urlencode(query)}"


def admin_url(app: App, shop: str, path: str = "") -> str:
    """Where the shop's own admin shows our app, in its frame; with a ``path``, a page of it (a deep link)."""
    if app.origin:
        return f"{app.address(shop)}/admin/apps/{app.client_id}{path}?shop={quote(shop)}"
    return f"https://admin.shopify.com/store/{shop.removesuffix('.myshopify.com')}/apps/{app.client_id}{path}"


def query_holds(args: Sequence[tuple[str, str]], secrets: Sequence[str], now: datetime) -> bool:
    """True where the query that a browser brought from Shopify is signed, whole and fresh.

    Shopify signs all parameters but ``hmac`` and ``signature``, sorted, percent-encoded, joined by ``&``. A parameter
    given twice is refused: signed once, it could be read as the other.
    """
    names = [name for name, _ in args]
    if len(names) != len(set(names)):
        return False
    values = dict(args)
    given = values.get("hmac", "")
    try:
        at = datetime.fromtimestamp(int(values.get("timestamp", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return False
    signed = "&".join(
        f"{quote(name, safe=SAFE)}={quote(values[name], safe=SAFE)}"
        for name in sorted(values)
        if name not in {"hmac", "signature"}
    )
    holds = False
    for secret in secrets:
        made = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        holds = holds or (hmac.compare_digest(made.encode(), given.encode("utf-8", "replace")) and bool(secret))
    return holds and abs(now - at) <= QUERY_LASTS


SAFE = "-_.!~*'()"
"""What JavaScript's encodeURIComponent leaves as it is, for Shopify's own library signs with that."""

SCOPES = (
    "read_orders",
    "write_customers",
    "read_products",
    "write_discounts",
    "write_marketing_events",
    "write_app_proxy",
)
"""What the product needs; writing implies reading. `shopify.app.toml` asks for the same."""

OPTIONAL_SCOPES = (
    "read_all_orders",
    "read_customer_merge",
    "read_store_credit_accounts",
    "write_store_credit_account_transactions",
)
"""What it uses where it is granted: orders older than 60 days, merged customers, cashback as store credit."""
