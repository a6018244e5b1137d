"""What a merchant and bad luck do in a shop, in the same words for every platform, with a ``Store`` connected to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Protocol, cast

from connectors import shopify, woocommerce
from connectors.base import Store
from connectors.errors import BadSignature
from connectors.shopify import webhooks as shopify_webhooks
from connectors.woocommerce import webhooks as woo_webhooks
from plugin_server.demo.generator_types import ShopData
from plugin_server.demo.shop import ShopState as WooShop
from plugin_server.demo.shop import basket, coupon_rules
from plugin_server.demo.shop import model as woo
from plugin_server.demo.shop import running_shop as running_woo
from plugin_server.demo.shop import stock as stock_woo
from plugin_server.demo.shop.faults import Fault, Faults
from plugin_server.demo.shop.order_view import OrderView
from plugin_server.demo.shop.order_writing import OrderWriter
from plugin_server.demo.shopify_shop import ShopState as ShopifyShop
from plugin_server.demo.shopify_shop import model, model_made, selling
from plugin_server.demo.shopify_shop import running_shop as running_shopify
from plugin_server.demo.shopify_shop import stock as stock_shopify
from plugin_server.demo.shopify_shop.gids import gid

KEY, SECRET = "ck_" + "d" * 40, "cs_" + "e" * 40
OUR_SECRET = "s&<>'"


class Counter(Protocol):
    """One shop with us connected to it."""

    store: Store
    faults: Faults

    def orders(self) -> set[str]:
        """The ids of all orders the shop still has."""

    def sell(self, email: str, *, at: datetime, amount: int = 100_000, customer: str | None = None) -> str:
        """A paid order of one thing without a product, changed at ``at``; a guest's without ``customer``."""

    def touch(self, order: str, at: datetime) -> None:
        """Something about an order changes."""

    def send_off(self, order: str, at: datetime, *, touched: datetime, arrived: datetime | None = None) -> None:
        """An order leaves at ``at``, and has arrived where a carrier says so; told in a change at ``touched``."""

    def give_back(self, order: str, amount: int, *, shipping: bool = False) -> None:
        """Money goes back to the buyer: a mere sum, or for the shipping."""

    def bin(self, order: str) -> None:
        """The order goes: into the trash, or for ever where a platform has none."""

    def accounts(self) -> list[tuple[str, str]]:
        """(id, e-mail) of the shop's customers."""

    def codes(self) -> set[str]:
        """All codes in the shop, in capitals."""

    def foreign_code(self, code: str) -> None:
        """Somebody else makes a code of that name, for everybody."""

    def refusal(self, code: str, email: str, pieces: int = 9) -> str | None:
        """Why the till refuses a code to a shopper, None where it takes it; nothing is ordered."""

    def redeem(self, code: str, email: str) -> str:
        """Order with a code; gives the order's id."""

    def rung_of(self, customer: str) -> str | None:
        """The rung that we wrote to a customer."""

    def tags_of(self, customer: str) -> set[str]:
        """The tags that a customer bears in the shop."""

    def cut_off(self) -> None:
        """Our credentials stop working."""

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Does a delivery prove itself?"""

    def deliver(self) -> None:
        """Everything that waits is delivered."""

    def on_page(self, change: Callable[[], None]) -> None:
        """Do something after every page of orders that is read."""

    def spoil(self, what: str, fault: Fault, times: int = 1) -> None:
        """Let the next requests for ``orders`` or ``codes`` meet an accident."""

    def asked(self, what: str) -> int:
        """How many requests for ``orders`` or ``codes`` there were."""


class WooCounter:
    """A WooCommerce shop. Words: see ``Counter``."""

    _PATHS: ClassVar = {"orders": "/orders", "codes": "/coupons/batch"}

    def __init__(self, shop: WooShop, faults: Faults, url: str) -> None:
        self.shop = shop
        self.faults = faults
        self.store: Store = woocommerce.connect(url, KEY, SECRET, allow_private=True, sleep=lambda _seconds: None)

    def orders(self) -> set[str]:
        return {str(id) for id, order in self.shop.orders.items() if order.status != "trash"}

    def sell(self, email: str, *, at: datetime, amount: int = 100_000, customer: str | None = None) -> str:
        line = woo.Line(self.shop.next_row_id(), "Kopi", 0, 0, 1, Decimal(amount), Decimal(amount))
        order = woo.Order(
            self.shop.next_id(), "processing", at, at, customer_id=int(customer or 0), billing={"email": email},
            paid=at, lines=[line],
        )  # fmt: skip
        self.shop.save(order)
        return str(order.id)

    def touch(self, order: str, at: datetime) -> None:
        held = self.shop.orders[int(order)]
        held.modified = at
        self.shop.save(held)
        self.shop.tell("order.updated", held.id)

    def send_off(self, order: str, at: datetime, *, touched: datetime, arrived: datetime | None = None) -> None:
        held = self.shop.orders[int(order)]
        held.status, held.completed = "completed", arrived or at  # completed again, where it is said twice
        self.touch(order, touched)

    def give_back(self, order: str, amount: int, *, shipping: bool = False) -> None:
        held, money = self.shop.orders[int(order)], Decimal(amount)
        refund = woo.Refund(self.shop.next_id(), self.shop.now(), money, "Kompensasi")
        refund.shipping = money if shipping else Decimal(0)
        held.refunds.append(refund)
        self.shop.save(held)
        self.shop.tell("order.updated", held.id)

    def bin(self, order: str) -> None:
        OrderWriter(self.shop, OrderView(self.shop)).trash(self.shop.orders[int(order)])

    def accounts(self) -> list[tuple[str, str]]:
        return [(str(one.id), one.email) for one in self.shop.customers.values() if one.role == "customer"]

    def codes(self) -> set[str]:
        return {one.code.upper() for one in self.shop.coupons.values() if one.status != "trash"}

    def foreign_code(self, code: str) -> None:
        now = self.shop.now()
        self.shop.save(woo.Coupon(self.shop.next_id(), code.lower(), now, now, Decimal(50), discount_type="percent"))

    def _quote(self, code: str, email: str, pieces: int) -> basket.Quote:
        goods = [one for one in self.shop.products.values() if basket.sellable(self.shop, one.id)]
        dearest = max(goods, key=lambda one: one.price)
        return basket.quote(self.shop, {str(dearest.id): pieces}, code=code, email=email)

    def refusal(self, code: str, email: str, pieces: int = 9) -> str | None:
        refused: coupon_rules.Refused | None = self._quote(code, email, pieces).refused
        return refused.kind if refused else None

    def redeem(self, code: str, email: str) -> str:
        asked = basket.order_request(self._quote(code, email, 9), name="Wati Utami", email=email)
        return str(OrderWriter(self.shop, OrderView(self.shop)).create(asked, via="store-api").id)

    def rung_of(self, customer: str) -> str | None:
        meta = self.shop.customers[int(customer)].meta
        return next((one.value for one in meta if one.key == "tangga_rung"), None)

    def tags_of(self, customer: str) -> set[str]:
        meta = self.shop.customers[int(customer)].meta
        return {tag for one in meta if one.key == "tangga_tags" for tag in str(one.value).split(", ") if tag}

    def cut_off(self) -> None:
        self.shop.keys.clear()

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        try:
            return bool(woo_webhooks.verify(headers, body, [OUR_SECRET]) or True)
        except BadSignature:
            return False

    def deliver(self) -> None:
        assert self.shop.listener is not None
        self.shop.listener.drain()  # type: ignore[attr-defined]

    def on_page(self, change: Callable[[], None]) -> None:
        self.faults.between_pages = lambda path, _page: change() if path.endswith("/orders") else None

    def spoil(self, what: str, fault: Fault, times: int = 1) -> None:
        self.faults.once(self._PATHS[what], fault, times=times)

    def asked(self, what: str) -> int:
        return sum(self._PATHS[what] in one for one in self.faults.requests)


class ShopifyCounter:
    """A Shopify shop. Words: see ``Counter``."""

    _LABELS: ClassVar = {"orders": "POST Orders ", "codes": "discountCodeBasicCreate"}

    def __init__(self, shop: ShopifyShop, faults: Faults, origin: str) -> None:
        self.shop = shop
        self.origin = origin
        self.faults = faults
        self.store: Store = cast(
            Store,
            shopify.connect(shop.domain, lambda: "shpat_demo", origin=origin, allow_private=True, sleep=_briefly),
        )

    def orders(self) -> set[str]:
        return {str(id) for id in self.shop.orders}

    def sell(self, email: str, *, at: datetime, amount: int = 100_000, customer: str | None = None) -> str:
        shop = self.shop
        line = model.LineItem(shop.next_id("LineItem"), "Kopi", None, None, None, 1, Decimal(amount))
        order = model.Order(
            shop.next_id("Order"), shop.next_id("number"), at, at, at, email, int(customer) if customer else None,
            lines=[line],
        )  # fmt: skip
        shop.save(order)
        return str(order.id)

    def touch(self, order: str, at: datetime) -> None:
        held = self.shop.orders[int(order)]
        held.updated_at = at
        self.shop.save(held, "ORDERS_UPDATED")

    def send_off(self, order: str, at: datetime, *, touched: datetime, arrived: datetime | None = None) -> None:
        held = self.shop.orders[int(order)]
        held.fulfillment, held.sent_at, held.arrived_at = "FULFILLED", at, arrived
        held.tracking = "DELIVERED" if arrived else "FULFILLED"
        self.touch(order, touched)

    def give_back(self, order: str, amount: int, *, shipping: bool = False) -> None:
        held, money = self.shop.orders[int(order)], Decimal(amount)
        selling.give_back(self.shop, held, None if shipping else money, shipping=money if shipping else None)

    def bin(self, order: str) -> None:
        self.shop.remove(self.shop.orders[int(order)], "ORDERS_DELETE")

    def accounts(self) -> list[tuple[str, str]]:
        return [(str(one.id), one.email or "") for one in self.shop.customers.values()]

    def codes(self) -> set[str]:
        return {code.upper() for code in self.shop.codes}

    def foreign_code(self, code: str) -> None:
        shop, now = self.shop, self.shop.now()
        gets = {"value": {"percentage": 0.5}, "items": {"all": True}}
        shop.save(
            model_made.Discount(
                shop.next_id("Discount"), "Basic", False, "Somebody's sale", now, None, now, now, {"all": "ALL"},
                gets=gets, codes=[model_made.RedeemCode(shop.next_id("DiscountRedeemCode"), code)],
            )
        )  # fmt: skip

    def _quote(self, code: str, email: str, pieces: int) -> selling.Quote:
        dearest = max(self.shop.variants.values(), key=lambda one: one.price)
        return selling.quote(self.shop, {dearest.id: pieces}, code=code, email=email)

    def refusal(self, code: str, email: str, pieces: int = 9) -> str | None:
        refused = self._quote(code, email, pieces).refused
        return refused.kind if refused else None

    def redeem(self, code: str, email: str) -> str:
        return str(selling.place(self.shop, self._quote(code, email, 9), email=email, name="Wati Utami").id)

    def rung_of(self, customer: str) -> str | None:
        held = self.shop.metafields_of(gid("Customer", customer))
        return next((one.value for one in held if one.key == "rung"), None)

    def tags_of(self, customer: str) -> set[str]:
        return set(self.shop.customers[int(customer)].tags)

    def cut_off(self) -> None:
        self.shop.grants.uninstall()

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        return shopify_webhooks.verify(body, headers, ["demo-secret"])

    def deliver(self) -> None:
        assert self.shop.listener is not None
        self.shop.listener.drain()  # type: ignore[attr-defined]

    def on_page(self, change: Callable[[], None]) -> None:
        self.faults.between_pages = lambda label, _page: change() if label.startswith("Orders ") else None

    def spoil(self, what: str, fault: Fault, times: int = 1) -> None:
        self.faults.once(self._LABELS[what].removeprefix("POST "), fault, times=times)

    def asked(self, what: str) -> int:
        return sum(self._LABELS[what] in f"{one} " for one in self.faults.requests)


def _briefly(_seconds: float) -> None:
    """Wait for nothing; what runs beside us is given its turn all the same."""
    import time

    time.sleep(0.01)


@contextmanager
def opened(platform: str, data: ShopData) -> Iterator[Counter]:
    """A running shop of ``data`` on a platform, and us connected to it. No codes are in it yet."""
    faults = Faults()
    counter: Counter
    if platform == "shopify":
        shop = ShopifyShop()
        stock_shopify(shop, data)
        for discount in list(shop.discounts.values()):
            shop.remove(discount)
        with running_shopify(shop, faults=faults) as origin:
            shop.bucket.maximum = shop.bucket.rate = 1_000_000.0  # pacing has tests of its own
            counter = ShopifyCounter(shop, faults, origin)
            yield counter
            counter.store.close()  # type: ignore[attr-defined]
        return
    woo_shop = WooShop()
    stock_woo(woo_shop, data)
    woo_shop.coupons.clear()
    woo_shop.codes.clear()
    woo_shop.add_key(KEY, SECRET)
    with running_woo(woo_shop, legacy=platform.endswith("legacy"), faults=faults, interval=60) as url:
        counter = WooCounter(woo_shop, faults, url)
        yield counter
        counter.store.close()  # type: ignore[attr-defined]
