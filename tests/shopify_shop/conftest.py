"""A Shopify double over real HTTP, small and always the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from plugin_server.demo.generator import generate
from plugin_server.demo.shopify_shop import Faults, ShopState, running_shop, stock

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


@dataclass
class Clock:
    """Shop time that only moves when told."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Client:
    """Asks a running shop."""

    origin: str
    shop: ShopState
    clock: Clock
    faults: Faults
    token: str = "shpat_demo"
    session: requests.Session = field(default_factory=requests.Session)

    def post(self, query: str, variables: dict[str, Any] | None = None, **extra: Any) -> requests.Response:
        """The raw answer."""
        return self.session.post(
            f"{self.origin}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables or {}, **extra},
            headers={"X-Shopify-Access-Token": self.token},
            timeout=10,
        )

    def ask(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The whole JSON body."""
        body: dict[str, Any] = self.post(query, variables).json()
        return body

    def data(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        body = self.ask(query, **variables)
        assert "errors" not in body, body["errors"]
        found: dict[str, Any] = body["data"]
        return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shopify(clock: Clock) -> Iterator[Client]:
    """A running shop of 60 contacts."""
    shop, faults = ShopState(clock=clock), Faults()
    stock(shop, generate(seed=3, customers=60, now=NOW))
    with running_shop(shop, faults=faults) as origin:
        client = Client(origin, shop, clock, faults)
        yield client
        client.session.close()
