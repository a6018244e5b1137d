"""A shop in memory that keeps the ``Store`` protocol: the other side of the line, for tests of what we do with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from connectors.base import Page, WebhookState, Written
from connectors.errors import BadPayload, ConnectorError
from connectors.types import (
    Category,
    Check,
    CodeResult,
    CodeSpec,
    Customer,
    Order,
    OrderStatus,
    Product,
    Review,
    StoreEvent,
    StoreEventKind,
    StoreInfo,
)
from plugin_server.wiring import Services


class FakeStore:
    """Orders and accounts by id; whatever is asked is written to ``asked``."""

    def __init__(self) -> None:
        self.url = "https://toko.example"
        self.kept: dict[str, Order] = {}
        self.accounts: dict[str, Customer] = {}
        self.asked: list[str] = []
        self.down = False
        self.shut: ConnectorError | None = None
        self.capabilities: frozenset[str] = frozenset()
        self.walking: Callable[[], None] = lambda: None

    def connect(self, services: Services, merchant_id: int, store_id: int) -> FakeStore:
        return self

    def put(self, *orders: Order) -> None:
        self.kept |= {order.external_id: order for order in orders}

    def info(self) -> StoreInfo:
        return StoreInfo("Toko", self.url, "IDR", "Asia/Jakarta", "10.9", self.capabilities)

    def checks(self) -> list[Check]:
        return [Check("reachable", True, "The shop answers.")]

    def orders(self, *, since: datetime | None) -> Iterator[Page[Order]]:
        self.asked.append(f"orders {since.isoformat() if since else 'all'}")
        found = [o for o in self.kept.values() if since is None or (o.updated_at and o.updated_at >= since)]
        if self.shut:
            raise self.shut
        for order in found:
            yield Page((order,), total=len(found))
            self.walking()
        if self.down:
            raise ConnectorError("The shop does not answer.", retry_after=1)

    def order(self, external_id: str) -> Order | None:
        self.asked.append(f"order {external_id}")
        if self.down:
            raise ConnectorError("The shop does not answer.", retry_after=1)
        return self.kept.get(external_id)

    def order_ids(self) -> Iterator[Page[str]]:
        yield Page(tuple(key for key, order in self.kept.items() if order.status is not OrderStatus.TRASHED))

    def customers(self, *, since: datetime | None) -> Iterator[Page[Customer]]:
        yield Page(tuple(self.accounts.values()), faults=(("account 99", "birthday: unreadable"),))

    def customer(self, external_id: str) -> Customer | None:
        self.asked.append(f"customer {external_id}")
        return self.accounts.get(external_id)

    def products(self, *, since: datetime | None) -> Iterator[Page[Product]]:
        yield Page((Product("p1", "Kopi", 100, "IDR"),))

    def categories(self) -> Iterator[Page[Category]]:
        yield Page((Category("c1", "Biji"),))

    def reviews(self, *, since: datetime | None) -> Iterator[Page[Review]]:
        yield Page(())

    def create_codes(self, codes: Sequence[CodeSpec]) -> list[CodeResult]:
        return []

    def revoke_codes(self, external_ids: Iterable[str]) -> None:
        return None

    def write_rungs(self, rungs: Mapping[str, tuple[str, str]]) -> Written:
        return Written()

    def ensure_webhooks(self, *, url: str, secret: str) -> list[WebhookState]:
        self.asked.append(f"webhooks {url}")
        return [WebhookState("order.updated", "active", "1")]

    def webhook_states(self, *, url: str) -> list[WebhookState]:
        return []

    def remove_webhooks(self, *, url: str) -> None:
        return None

    def parse_webhook(self, *, headers: Mapping[str, str], body: bytes) -> StoreEvent:
        """Bodies here are ``{"kind", "id"}``; an order or account is taken from what is kept, unless ``refetch``."""
        if body == b"poison":
            raise ZeroDivisionError("nobody foresaw this")
        try:
            told = json.loads(body)
        except ValueError as error:
            raise BadPayload("This is not JSON.", path="body") from error
        kind = StoreEventKind(told["kind"])
        if told.get("refetch") or kind not in {StoreEventKind.ORDER, StoreEventKind.CUSTOMER}:
            return StoreEvent(kind, told["id"], refetch=bool(told.get("refetch")))
        if kind is StoreEventKind.ORDER:
            return StoreEvent(kind, told["id"], order=self.kept[told["id"]])
        return StoreEvent(kind, told["id"], customer=self.accounts[told["id"]])
