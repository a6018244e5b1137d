"""Everything the shop server remembers, in memory, behind one lock."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from plugin_server.demo.shop.model import (
    ApiKey,
    Category,
    Coupon,
    Customer,
    Order,
    Product,
    Review,
    Webhook,
)

Record = Order | Customer | Product | Category | Coupon | Review | Webhook | ApiKey


class Keeper(Protocol):
    """Somebody who writes changed records down."""

    def keep(self, record: Record) -> None:
        """Remember ``record`` as it is now."""

    def drop(self, kind: str, id: int) -> None:
        """Remember that the record is gone for ever."""


class Listener(Protocol):
    """Somebody who hears of changes: the webhook queue."""

    def happened(self, topic: str, id: int) -> None:
        """``topic`` (``order.updated``) happened to the resource ``id``."""


def utc_now() -> datetime:
    """The present, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


class ShopState:
    """A shop: goods, people, orders, codes, webhooks, keys.

    ``legacy`` makes it a WooCommerce 10.0 with orders in the posts table; else it is 10.5 with order tables (HPOS).
    ``tax_rate`` is in percent, added on top of prices. ``clock`` gives aware UTC times in whole seconds.
    """

    def __init__(
        self,
        *,
        name: str = "Toko Senja",
        zone: str = "Asia/Jakarta",
        currency: str = "IDR",
        decimals: int = 0,
        tax_rate: Decimal = Decimal(0),
        legacy: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self.zone = ZoneInfo(zone)
        self.currency = currency
        self.decimals = decimals
        self.tax_rate = tax_rate
        self.legacy = legacy
        self.clock = clock
        self.base = "http://127.0.0.1"
        self.lock = threading.RLock()
        self.orders: dict[int, Order] = {}
        self.customers: dict[int, Customer] = {}
        self.products: dict[int, Product] = {}
        self.categories: dict[int, Category] = {}
        self.coupons: dict[int, Coupon] = {}
        self.reviews: dict[int, Review] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.keys: dict[int, ApiKey] = {}
        self.codes: dict[str, int] = {}
        self.version = 0
        # Lists already filtered and sorted, with the version of the shop they belong to.
        self.memory: tuple[int, dict[tuple[tuple[str, str], ...], list[Order]]] = (0, {})
        self.rendered: dict[int, str] = {}
        self.keeper: Keeper | None = None
        self.listener: Listener | None = None
        self._post_id = 0
        self._row_id = 0
        self._meta_id = 0

    @property
    def woocommerce(self) -> str:
        """The version of WooCommerce this shop claims to run."""
        return "10.0.2" if self.legacy else "10.5.0"

    def now(self) -> datetime:
        """The shop's present."""
        return self.clock()

    def next_id(self) -> int:
        """A fresh id of the sequence that orders, refunds, products and coupons share."""
        if not self._post_id:
            refunds = [refund.id for order in self.orders.values() for refund in order.refunds]
            self._post_id = max([100, *self.orders, *self.products, *self.coupons, *refunds])
        self._post_id += 1
        return self._post_id

    def next_row_id(self) -> int:
        """A fresh id for a line of an order."""
        if not self._row_id:
            rows = [row.id for order in self.orders.values() for row in order.lines]
            rows += [row.id for order in self.orders.values() for row in order.shipping_lines]
            rows += [row.id for order in self.orders.values() for row in order.fee_lines]
            rows += [row.id for order in self.orders.values() for row in order.coupon_lines]
            self._row_id = max(rows, default=0)
        self._row_id += 1
        return self._row_id

    def next_meta_id(self) -> int:
        """A fresh id for an entry of meta_data."""
        if not self._meta_id:
            entries = [entry for order in self.orders.values() for entry in order.meta]
            entries += [entry for customer in self.customers.values() for entry in customer.meta]
            entries += [entry for product in self.products.values() for entry in product.meta]
            entries += [entry for coupon in self.coupons.values() for entry in coupon.meta]
            self._meta_id = max((entry.id for entry in entries), default=500)
        self._meta_id += 1
        return self._meta_id

    def shelf(self, record: Record) -> dict[int, Record]:
        """Where records of this kind stand."""
        return self.shelf_named(type(record).__name__)

    def shelf_named(self, kind: str) -> dict[int, Record]:
        """The shelf of ``Order``, ``Coupon`` and so on."""
        shelves: dict[str, Any] = {
            "Order": self.orders, "Customer": self.customers, "Product": self.products, "Category": self.categories,
            "Coupon": self.coupons, "Review": self.reviews, "Webhook": self.webhooks, "ApiKey": self.keys,
        }  # fmt: skip
        found: dict[int, Record] = shelves[kind]
        return found

    def place(self, record: Record) -> None:
        """Put a record on its shelf without telling anybody: for filling the shop."""
        self.shelf(record)[record.id] = record
        if isinstance(record, Coupon) and record.status != "trash":
            self.codes[record.code] = record.id

    def save(self, record: Record) -> None:
        """Put a new or changed record on its shelf and write it down."""
        self.place(record)
        self.version += 1
        if isinstance(record, Order):
            self.rendered.pop(record.id, None)
        elif isinstance(record, Product):
            self.rendered.clear()
        if self.keeper is not None:
            self.keeper.keep(record)

    def remove(self, record: Record) -> None:
        """Take a record off its shelf for ever."""
        self.shelf(record).pop(record.id, None)
        self.version += 1
        self.rendered.clear()
        if isinstance(record, Coupon) and self.codes.get(record.code) == record.id:
            del self.codes[record.code]
        if self.keeper is not None:
            self.keeper.drop(type(record).__name__, record.id)

    def take_off(self, kind: str, id: int) -> None:
        """Forget a record as if it had never been: for bringing a shop back to where it was."""
        old = self.shelf_named(kind).pop(id, None)
        if isinstance(old, Coupon) and self.codes.get(old.code) == id:
            del self.codes[old.code]

    def tell(self, topic: str, id: int) -> None:
        """Let the webhooks know."""
        if self.listener is not None:
            self.listener.happened(topic, id)

    def coupon(self, code: str) -> Coupon | None:
        """The live coupon of a code, case-blind."""
        found = self.coupons.get(self.codes.get(code.strip().lower(), 0))
        return found if found is not None and found.status != "trash" else None

    def add_key(
        self, key: str | None = None, secret: str | None = None, *, permissions: str = "read_write",
        privileged: bool = True, description: str = "",
    ) -> ApiKey:  # fmt: skip
        """Make a REST key pair."""
        made = ApiKey(
            max(self.keys, default=0) + 1,
            key or f"ck_{secrets.token_hex(20)}",
            secret or f"cs_{secrets.token_hex(20)}",
            permissions,
            privileged,
            description,
        )
        self.save(made)
        return made

    def round(self, amount: Decimal) -> Decimal:
        """To the decimals the shop shows."""
        return amount.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP)
