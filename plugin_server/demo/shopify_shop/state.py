"""Everything the Shopify double remembers, in memory, behind one lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from plugin_server.demo.shopify_shop.gids import FIRST
from plugin_server.demo.shopify_shop.grants import Grants
from plugin_server.demo.shopify_shop.model import Checkout, Collection, Customer, Metafield, Order, Product, Variant
from plugin_server.demo.shopify_shop.model_made import (
    Activity,
    BulkOperation,
    CodeImport,
    CreditAccount,
    Discount,
    MetafieldDefinition,
    Record,
    RedeemCode,
    Subscription,
)


class Keeper(Protocol):
    """Somebody who writes changed records down."""

    def keep(self, record: Record) -> None:
        """Remember ``record`` as it is now."""

    def drop(self, kind: str, id: int) -> None:
        """Remember that the record is gone for ever."""


class Listener(Protocol):
    """Somebody who hears of changes: the webhook queue."""

    def happened(self, topic: str, subject: Any) -> None:
        """``topic`` (``ORDERS_UPDATED``) happened to ``subject``."""


def utc_now() -> datetime:
    """The present, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


KINDS = (
    Customer, Order, Product, Collection, Checkout, Discount, CodeImport, CreditAccount, Activity, Subscription,
    Metafield, MetafieldDefinition, BulkOperation,
)  # fmt: skip


class ShopState:
    """One Shopify shop and the one app that is installed in it.

    ``domain`` is its myshopify.com name; ``clock`` gives aware UTC times in whole seconds.
    """

    def __init__(
        self,
        *,
        name: str = "Toko Senja",
        domain: str = "toko-senja.myshopify.com",
        zone: str = "Asia/Jakarta",
        currency: str = "IDR",
        clock: Callable[[], datetime] = utc_now,
        grants: Grants | None = None,
    ) -> None:
        self.name = name
        self.domain = domain
        self.zone = zone
        self.currency = currency
        self.clock = clock
        self.grants = grants or Grants(clock=clock)
        self.shop_id = 548_380_009
        self.base = "http://127.0.0.1"
        self.email = "pemilik@tokosenja.test"
        self.owner = self.email
        self.plan = {"publicDisplayName": "Basic", "partnerDevelopment": True, "shopifyPlus": False}
        self.store_credit = True
        # Lets webhooks go to this very machine, in place of a public address.
        self.loopback_webhooks = True
        self.lock = threading.RLock()
        self.version = 0
        # Lists already sorted, with the version of the shop they belong to.
        self.memory: tuple[int, dict[tuple[str, ...], list[Any]]] = (0, {})
        self.opened = datetime(2024, 1, 1, tzinfo=UTC)
        self.customers: dict[int, Customer] = {}
        self.orders: dict[int, Order] = {}
        self.products: dict[int, Product] = {}
        self.collections: dict[int, Collection] = {}
        self.checkouts: dict[int, Checkout] = {}
        self.discounts: dict[int, Discount] = {}
        self.imports: dict[int, CodeImport] = {}
        self.accounts: dict[int, CreditAccount] = {}
        self.activities: dict[int, Activity] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self.metafields: dict[int, Metafield] = {}
        self.definitions: dict[int, MetafieldDefinition] = {}
        self.bulks: dict[int, BulkOperation] = {}
        self.variants: dict[int, Variant] = {}
        self.codes: dict[str, int] = {}
        self.by_customer: dict[int, dict[int, None]] = {}
        self.hung: dict[str, dict[int, None]] = {}
        # What serves this shop hangs itself on here: the bulk queue, and the bucket of costs.
        self.bulk_runner: Any = None
        self.bucket: Any = None
        self.keeper: Keeper | None = None
        self.listener: Listener | None = None
        self._ids: dict[str, int] = {}

    def now(self) -> datetime:
        """The shop's present."""
        return self.clock()

    def next_id(self, kind: str) -> int:
        """A fresh id for something of ``kind`` (``Order``, ``LineItem`` …)."""
        with self.lock:
            self._ids[kind] = self._ids.get(kind, FIRST.get(kind, 1_000)) + 1
            return self._ids[kind]

    def seen_id(self, kind: str, id: int) -> None:
        """Never give ``id`` to a new thing of ``kind``."""
        self._ids[kind] = max(self._ids.get(kind, FIRST.get(kind, 1_000)), id)

    def shelf(self, kind: str) -> dict[int, Any]:
        """Where records of a kind (by class name) stand."""
        shelves: dict[str, Any] = {
            "Customer": self.customers, "Order": self.orders, "Product": self.products,
            "Collection": self.collections, "Checkout": self.checkouts, "Discount": self.discounts,
            "CodeImport": self.imports, "CreditAccount": self.accounts, "Activity": self.activities,
            "Subscription": self.subscriptions, "Metafield": self.metafields,
            "MetafieldDefinition": self.definitions, "BulkOperation": self.bulks,
        }  # fmt: skip
        found: dict[int, Any] = shelves[kind]
        return found

    def place(self, record: Record) -> None:
        """Put a record on its shelf without telling anybody: for filling the shop."""
        self.shelf(type(record).__name__)[record.id] = record
        self.seen_id(record.KIND, record.id)
        if isinstance(record, Order):
            self._place_order(record)
        elif isinstance(record, Discount):
            for code in record.codes:
                self._hold_code(record, code)
        elif isinstance(record, Product):
            for variant in record.variants:
                self.variants[variant.id] = variant
                self.seen_id("ProductVariant", variant.id)
        elif isinstance(record, Metafield):
            self.hung.setdefault(record.owner, {})[record.id] = None

    def _place_order(self, order: Order) -> None:
        if order.customer_id:
            self.by_customer.setdefault(order.customer_id, {})[order.id] = None
        for line in order.lines:
            self.seen_id("LineItem", line.id)
        for refund in order.refunds:
            self.seen_id("Refund", refund.id)
        self._ids["number"] = max(self._ids.get("number", 1_000), order.number)

    def _hold_code(self, discount: Discount, code: RedeemCode) -> None:
        self.codes[code.code.lower()] = discount.id
        self.seen_id("DiscountRedeemCode", code.id)

    def save(self, record: Record, *topics: str) -> None:
        """Put a new or changed record on its shelf, write it down, and tell the webhooks of ``topics``."""
        with self.lock:
            self.place(record)
            self.version += 1
            if self.keeper is not None:
                self.keeper.keep(record)
        for topic in topics:
            self.tell(topic, record)

    def remove(self, record: Record, *topics: str) -> None:
        """Take a record off its shelf for ever."""
        with self.lock:
            self.shelf(type(record).__name__).pop(record.id, None)
            self.version += 1
            if isinstance(record, Discount):
                for code in record.codes:
                    self.codes.pop(code.code.lower(), None)
            elif isinstance(record, Order) and record.customer_id:
                self.by_customer.get(record.customer_id, {}).pop(record.id, None)
            elif isinstance(record, Metafield):
                self.hung.get(record.owner, {}).pop(record.id, None)
            if self.keeper is not None:
                self.keeper.drop(type(record).__name__, record.id)
        for topic in topics:
            self.tell(topic, record)

    def take_off(self, kind: str, id: int) -> None:
        """Forget a record as if it had never been: for bringing a shop back to where it was."""
        record = self.shelf(kind).get(id)
        if record is not None:
            keeper, self.keeper = self.keeper, None
            self.remove(record)
            self.keeper = keeper

    def tell(self, topic: str, subject: Any) -> None:
        """Let the webhooks know."""
        if self.listener is not None:
            self.listener.happened(topic, subject)

    def discount_of(self, code: str) -> tuple[Discount, RedeemCode] | None:
        """The discount and its code, case-blind."""
        discount = self.discounts.get(self.codes.get(code.strip().lower(), 0))
        if discount is None:
            return None
        wanted = code.strip().lower()
        return next(((discount, one) for one in discount.codes if one.code.lower() == wanted), None)

    def orders_of(self, customer_id: int) -> list[Order]:
        """A customer's orders, oldest first."""
        return [self.orders[id] for id in self.by_customer.get(customer_id, {}) if id in self.orders]

    def metafields_of(self, owner: str) -> list[Metafield]:
        """All metafields of the thing with gid ``owner``."""
        return [self.metafields[id] for id in self.hung.get(owner, {})]

    def customer_by_email(self, email: str) -> Customer | None:
        """The customer with that address, case-blind."""
        wanted = email.strip().lower()
        return next((one for one in self.customers.values() if (one.email or "").lower() == wanted), None)
