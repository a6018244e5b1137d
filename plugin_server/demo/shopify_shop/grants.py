"""Who may ask: the app's installation, its scopes, its tokens and the data it was approved for."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

ALL_SCOPES = frozenset(
    {
        "read_all_orders", "read_orders", "write_orders", "read_customers", "write_customers", "read_products",
        "write_products", "read_inventory", "read_discounts", "write_discounts", "read_marketing_events",
        "write_marketing_events", "read_store_credit_accounts", "read_store_credit_account_transactions",
        "write_store_credit_account_transactions", "read_customer_merge", "read_gift_cards", "write_gift_cards",
        "write_app_proxy",
    }
)  # fmt: skip
TOKEN_LIFE = timedelta(hours=1)
REFRESH_LIFE = timedelta(days=90)
REFRESH_GRACE = timedelta(days=30)


class Refused(Exception):
    """An OAuth refusal: the words of RFC 6749."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass(slots=True)
class Refresh:
    """A refresh token. ``replaced_at`` is when it was first exchanged; it dies when its successor is used."""

    token: str
    expires: datetime
    replaced_at: datetime | None = None
    predecessor: str | None = None


@dataclass(slots=True)
class Grants:
    """The installation of one app in one shop.

    ``protected`` holds the levels of customer data the app may see: 1 (customers at all), 2 (names, addresses).
    ``custom_token`` is that of a custom app and never ends; None where there is none. ``lasting_tokens`` lets OAuth
    give tokens without end, as older public apps still may.
    """

    clock: Callable[[], datetime]
    client_id: str = "demo-client"
    client_secret: str = "demo-secret"  # noqa: S105 (a demo)
    custom_token: str | None = "shpat_demo"  # noqa: S105 (a demo)
    scopes: frozenset[str] = ALL_SCOPES
    protected: frozenset[int] = frozenset({1, 2})
    installed: bool = True
    lasting_tokens: bool = False
    old_secret: str | None = None
    signs_with_old: bool = False
    access: dict[str, datetime | None] = field(default_factory=dict)
    refreshes: dict[str, Refresh] = field(default_factory=dict)
    codes: dict[str, bool] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def admits(self, token: str | None) -> bool:
        """May this access token ask now?"""
        if not self.installed or not token:
            return False
        if self.custom_token is not None and token == self.custom_token:
            return True
        with self.lock:
            if token not in self.access:
                return self._from_before(token)
            expires = self.access[token]
        return expires is None or self.clock() < expires

    def has(self, scope: str) -> bool:
        """Is a scope granted? Writing includes reading."""
        return scope in self.scopes or (scope.startswith("read_") and f"write_{scope[5:]}" in self.scopes)

    def issue(self, *, expiring: bool, predecessor: str | None = None) -> dict[str, object]:
        """A fresh access token, with its refresh token where it expires: the body of the OAuth answer."""
        now = self.clock()
        token = self._token("shpat")
        answer: dict[str, object] = {"access_token": token, "scope": ",".join(sorted(self.scopes))}
        with self.lock:
            if not expiring:
                self.access[token] = None
                return answer
            refresh = Refresh(self._token("shprt"), now + REFRESH_LIFE, predecessor=predecessor)
            self.access[token] = now + TOKEN_LIFE
            self.refreshes[refresh.token] = refresh
        return answer | {
            "expires_in": int(TOKEN_LIFE.total_seconds()), "refresh_token": refresh.token,
            "refresh_token_expires_in": int(REFRESH_LIFE.total_seconds()),
        }  # fmt: skip

    def _token(self, kind: str) -> str:
        """A new token, signed so that it is known again by the process that comes after this one."""
        number = secrets.token_hex(12)
        token = f"{kind}_{number}{self._mark(number)}"
        self.made.add(token)
        return token

    def _mark(self, number: str) -> str:
        return hmac.new(self.client_secret.encode(), number.encode(), hashlib.sha256).hexdigest()[:16]

    def _from_before(self, token: str) -> bool:
        """True for a token of a process before this one: what it knew of its tokens died with it."""
        told = token.partition("_")[2]
        number, mark = told[:24], told[24:].encode("utf-8", "replace")
        return hmac.compare_digest(mark, self._mark(number).encode()) and token not in self.made

    def refresh(self, token: str) -> dict[str, object]:
        """Exchange a refresh token. The old one still works until its successor is used, 30 days at most."""
        now = self.clock()
        with self.lock:
            held = self.refreshes.get(token)
            if held is None and self._from_before(token):
                self.made.add(token)
                held = self.refreshes.setdefault(token, Refresh(token, now + REFRESH_LIFE))
            if not self.installed or held is None or now >= held.expires:
                raise Refused("invalid_grant", "Token has been expired or revoked.")
            if held.replaced_at is not None and now >= held.replaced_at + REFRESH_GRACE:
                raise Refused("invalid_grant", "Token has been expired or revoked.")
            if held.predecessor is not None:
                self.refreshes.pop(held.predecessor, None)
            held.replaced_at = held.replaced_at or now
            return self.issue(expiring=True, predecessor=token)

    def authorize(self) -> str:
        """An authorization code, good once."""
        code = secrets.token_hex(16)
        with self.lock:
            self.codes[code] = True
        return code

    def redeem(self, code: str) -> bool:
        """Was the authorization code good? It is used up by asking."""
        with self.lock:
            return self.codes.pop(code, False)

    def uninstall(self) -> None:
        """The merchant removed the app: every token is dead at once."""
        with self.lock:
            self.installed = False
            self.access.clear()
            self.refreshes.clear()
            self.codes.clear()

    def install(self, scopes: Iterable[str] | None = None) -> None:
        """The merchant installed the app (again)."""
        with self.lock:
            self.installed = True
            if scopes is not None:
                self.scopes = frozenset(scopes)

    def expire_access(self) -> None:
        """Let every expiring access token end now."""
        with self.lock:
            self.access = {token: end and datetime(1970, 1, 1, tzinfo=UTC) for token, end in self.access.items()}

    def rotate_secret(self, secret: str) -> None:
        """A new client secret; deliveries are still signed with the old one for a while, here until told otherwise."""
        self.old_secret, self.client_secret = self.client_secret, secret
        self.signs_with_old = True
