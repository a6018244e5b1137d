"""Orders, their lines and refunds. No foreign keys here: a million rows come in at once and are checked as a set."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, Boolean, Computed, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from connectors.base import AT_THE_TILL
from plugin_server.db.models.base import Base, Big, Key, Now, OfMerchant, Time, Words, Zero

_PAID = "paid AND NOT test AND {} AND status NOT IN ('draft', 'pending', 'cancelled', 'failed', 'trashed')"
COUNTS = _PAID.format("total_minor - refunded_minor > 0")
PLACED = (
    "(NOT {0}.test AND {0}.status NOT IN ('draft', 'cancelled', 'failed', 'trashed') "
    f"AND NOT ({{0}}.status = 'pending' AND {{0}}.raw_status = '{AT_THE_TILL}'))"
)
"""Of a row by its name: somebody has bought, though the money may be on its way or due at the door."""
NOTHING_TO_PAY = _PAID.format("total_minor = 0 AND refunded_minor = 0")
"""Paid by a coupon to the last cent, or a gift: such an order counts nowhere."""


class Order(OfMerchant, Base):
    """One order. It ``counts`` when it is paid and something is left of it after refunds.

    ``content`` is a hash of all that came from the store, so that a re-read of the same is a no-op; the row is refused
    only when the provider's update time is older.
    """

    __tablename__ = "shop_order"
    __table_args__ = (
        Index("uq_shop_order_external", "store_id", "external_id", unique=True),
        Index("ix_shop_order_customer", "customer_id", "placed_at"),
        Index("ix_shop_order_placed", "merchant_id", "placed_at"),
        Index("ix_shop_order_free", "customer_id", postgresql_where=text("total_minor = 0")),
        Index(
            "ix_shop_order_delivered", "merchant_id", "delivered_at", postgresql_where=text("delivered_at IS NOT NULL")
        ),
        Index(
            "ix_shop_order_placed_later",
            "merchant_id",
            "placed_later_at",
            postgresql_where=text("placed_later_at IS NOT NULL"),
        ),
        Index(
            "ix_shop_order_paid_later",
            "merchant_id",
            "paid_later_at",
            postgresql_where=text("paid_later_at IS NOT NULL"),
        ),
        Index(
            "ix_shop_order_coupons",
            "merchant_id",
            "placed_at",
            postgresql_where=text("coupon_codes <> '{}'"),
        ),
    )

    id: Mapped[Key]
    store_id: Mapped[Big]
    external_id: Mapped[str]
    number: Mapped[str] = mapped_column(server_default="")
    customer_id: Mapped[Big | None]
    status: Mapped[str]
    raw_status: Mapped[str] = mapped_column(server_default="")
    paid: Mapped[bool]
    test: Mapped[bool] = mapped_column(server_default=text("false"))
    placed_at: Mapped[Time]
    provider_updated_at: Mapped[Time | None]
    currency: Mapped[str]
    total_minor: Mapped[Big]
    refunded_minor: Mapped[Zero]
    net_minor: Mapped[int] = mapped_column(BigInteger, Computed("total_minor - refunded_minor"))
    counts: Mapped[bool] = mapped_column(Boolean, Computed(COUNTS))
    discount_minor: Mapped[Zero]
    shipping_minor: Mapped[Zero]
    tax_minor: Mapped[Zero]
    coupon_codes: Mapped[Words]
    email: Mapped[str | None]
    name: Mapped[str | None]
    country: Mapped[str | None]
    source: Mapped[str | None]
    referred_by: Mapped[str | None]
    content: Mapped[str]
    delivered_at: Mapped[Time | None]
    delivery_told_at: Mapped[Time | None]
    """What ``delivered_at`` was first, where a later moment took its place at ``delivery_moved_at``."""
    delivery_moved_at: Mapped[Time | None]
    delivery_heard_at: Mapped[Time | None]
    told_at: Mapped[Time | None]
    """When we first heard of this order, and (above) of its delivery; unknown of those that a first reading brought."""
    placed_later_at: Mapped[Time | None]
    paid_later_at: Mapped[Time | None]
    """When an order that we knew as begun was placed, and one that we knew as unpaid was paid."""
    way_back: Mapped[str | None]
    """Where its buyer can go on and pay: as good as a log-in, so nobody else is given it."""
    way_back_until: Mapped[Time | None]
    synced_at: Mapped[Now]


class OrderLine(OfMerchant, Base):
    """A line of an order by its place in it."""

    __tablename__ = "order_line"

    order_id: Mapped[Big] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    product_external_id: Mapped[str | None]
    variant_external_id: Mapped[str | None]
    sku: Mapped[str | None]
    title: Mapped[str] = mapped_column(server_default="")
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    total_minor: Mapped[Big]
    discount_minor: Mapped[Zero]


class OrderRefund(OfMerchant, Base):
    """Money given back on an order; ``refunded_at`` is None where the store does not say when.

    ``shipping_minor`` of it went back for shipping; where the store does not say what for, it counts as for goods.
    """

    __tablename__ = "order_refund"

    order_id: Mapped[Big] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    amount_minor: Mapped[Big]
    refunded_at: Mapped[Time | None]
    shipping_minor: Mapped[Zero]
