"""A business with a Shopify store, and an admin that gives tokens over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.shopify.auth import Grant
from plugin_server import shop_access, wiring
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.vault import seal
from plugin_server.wiring import Services
from tests.connectors.server import Answer, Asked, LoopbackServer, serving
from tests.data.making import NOW
from tests.web.conftest import clock, flask_app, logged_in, person, serve, visitor

__all__ = ["clock", "flask_app", "logged_in", "person", "serve", "visitor"]

SHOP = "toko-senja.myshopify.com"
SECRET, OLD_SECRET = "the-app-secret-of-32-characters-", "the-old-secret-of-32-characters-"
CLIENT = "client-1"


ABOUT = {
    "data": {
        "shop": {
            "name": "Toko Senja",
            "myshopifyDomain": SHOP,
            "currencyCode": "IDR",
            "ianaTimezone": "Asia/Jakarta",
            "primaryDomain": {"url": "https://toko-senja.example"},
        },
        "currentAppInstallation": {"accessScopes": []},
    },
    "extensions": {
        "cost": {
            "requestedQueryCost": 10,
            "actualQueryCost": 10,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1990, "restoreRate": 100.0},
        }
    },
}


@dataclass
class Admin:
    """Shopify's token endpoint as the contract tells it: tokens of an hour, refresh tokens that rotate."""

    number: int = 0
    good: set[str] = field(default_factory=lambda: {"shprt_0"})
    refused: str = ""
    staff: dict[str, Any] = field(default_factory=dict)
    scopes: str = "write_discounts,read_orders"
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Answer:
        if asked.path.endswith("/graphql.json"):
            return Answer(ABOUT)
        with self.lock:
            if self.refused:
                return Answer({"error": self.refused}, 400)
            if asked.json.get("grant_type") == "refresh_token" and asked.json["refresh_token"] not in self.good:
                return Answer({"error": "invalid_grant"}, 400)
            self.number += 1
            # The previous refresh token stays usable until the replacement is used.
            given = asked.json.get("refresh_token")
            self.good = {f"shprt_{self.number}"} | ({given} if given else set())
            told = {
                "access_token": f"shpat_{self.number}",
                "scope": self.scopes,
                "expires_in": 3600,
                "refresh_token": f"shprt_{self.number}",
                "refresh_token_expires_in": 7_776_000,
            }
            if "online" in str(asked.json.get("requested_token_type")):
                told["associated_user"] = self.staff
            return Answer(told)


@pytest.fixture
def admin() -> Admin:
    return Admin()


@pytest.fixture
def oauth(admin: Admin) -> Iterator[LoopbackServer]:
    with serving(admin) as server:
        yield server


@pytest.fixture
def app(app: Services, oauth: LoopbackServer) -> Services:
    """The services of an instance that is a Shopify app."""
    known = {
        "shopify_client_id": CLIENT,
        "shopify_client_secrets": (SECRET, OLD_SECRET),
        "shopify_admin_origin": oauth.url,
    }
    return replace(app, settings=app.settings.model_copy(update=known))


@pytest.fixture
def shopify(app: Services, merchant: int) -> int:
    """A store whose owner installed the app an hour ago: its token has just ended."""
    with tenant(app.engine, merchant) as connection:
        number = stores.add(
            connection,
            merchant_id=merchant,
            platform="shopify",
            name="Toko Senja",
            url=f"https://{SHOP}",
            webhook_secrets=seal(app.settings.keys, {"secrets": []}),
        )
    grant = Grant("shpat_0", ("read_orders",), NOW, "shprt_0", NOW + timedelta(days=90))
    shop_access.keep(wiring.vault(app), merchant, number, grant, installed=True)
    return number
