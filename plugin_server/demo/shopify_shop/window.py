"""The double's goods and orders in the words of the shop window's templates, which both demo shops share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from plugin_server.demo.shopify_shop.gids import FIRST, gid
from plugin_server.demo.shopify_shop.model import LineItem, Order, Product, Variant
from plugin_server.demo.shopify_shop.selling import Quote
from plugin_server.demo.shopify_shop.state import ShopState
from plugin_server.demo.shopify_shop.stocking import FACTS


@dataclass(frozen=True, slots=True)
class Sign:
    """The shop's name and zone."""

    name: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Goods:
    """A product on the shelf; ``variation_ids`` is empty where it has one form only, whose id is ``id`` then."""

    id: int
    name: str
    slug: str
    sku: str
    price: Decimal
    short_description: str
    category_ids: tuple[int, ...]
    variation_ids: tuple[int, ...]
    lasts: str | None


@dataclass(frozen=True, slots=True)
class Size:
    """One size of a product."""

    id: int
    option: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a cart or an order."""

    name: str
    quantity: int
    subtotal: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Piece:
    """What a cart's row is about: the variant's id."""

    id: int


@dataclass(frozen=True, slots=True)
class Money:
    """A shipping line, or a code with what it took off."""

    code: str
    discount: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Placed:
    """An order as its buyer sees it."""

    id: int
    key: str
    created: datetime
    first_name: str
    lines: tuple[Row, ...]
    coupon_lines: tuple[Money, ...]
    shipping_lines: tuple[Money, ...]
    sum: Decimal

    @property
    def billing(self) -> Placed:
        """Where templates look for the first name."""
        return self


class View:
    """What templates ask for totals."""

    def total(self, order: Placed) -> Decimal:
        """What was to be paid."""
        return order.sum


@dataclass(frozen=True, slots=True)
class Priced:
    """A quote with rows that templates know."""

    lines: tuple[tuple[Piece, Row], ...]
    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    total: Decimal
    code: str | None


def _sized(product: Product) -> bool:
    return len(product.variants) > 1


def goods(shop: ShopState, product: Product) -> Goods:
    """A product for the shelf."""
    first: Variant = product.variants[0]
    supply = (one.value for one in shop.metafields_of(gid("Product", product.id))
              if (one.namespace, one.key) == (FACTS, "days_of_supply"))  # fmt: skip
    return Goods(
        id=product.id - FIRST["Product"] if _sized(product) else first.id,
        name=product.title,
        slug=product.handle,
        sku=(first.sku or "").rpartition("-")[0] if _sized(product) else first.sku or "",
        price=min(one.price for one in product.variants),
        short_description=product.description,
        category_ids=tuple(id - FIRST["Collection"] for id in product.collection_ids),
        variation_ids=tuple(one.id for one in product.variants) if _sized(product) else (),
        lasts=next(supply, None),
    )


def sizes(product: Product) -> list[Size]:
    """The sizes to choose from; none where there is nothing to choose."""
    return [Size(one.id, one.title, one.price) for one in product.variants] if _sized(product) else []


def _row(line: LineItem) -> Row:
    name = f"{line.title} - {line.variant_title}" if line.variant_title else line.title
    return Row(name, line.quantity, line.unit_price * line.quantity, line.discounted)


def priced(quote: Quote) -> Priced:
    """A quote for the templates."""
    return Priced(
        tuple((Piece(line.variant_id or 0), _row(line)) for line in quote.lines), quote.subtotal, quote.discount,
        quote.shipping, quote.total, quote.code,
    )  # fmt: skip


def placed(order: Order) -> Placed:
    """An order for the templates."""
    name = order.address.name if order.address else ""
    return Placed(
        id=order.number,
        key=order.token,
        created=order.created_at,
        first_name=name.partition(" ")[0],
        lines=tuple(_row(line) for line in order.lines),
        coupon_lines=tuple(Money(code, order.discounts, Decimal(0)) for code in order.codes),
        shipping_lines=(Money("", Decimal(0), order.shipping),) if order.shipping else (),
        sum=order.total,
    )
