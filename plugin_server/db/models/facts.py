"""What is known of a customer in one wide row: the only thing that rules read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Now, OfMerchant, Time, Words, Zero


class CustomerFacts(OfMerchant, Base):
    """Kept up incrementally after each change of orders, consent or evidence. Money in the merchant's currency, net.

    Nothing here changes by the mere passing of time except rung and activity, which are re-read nightly.
    """

    __tablename__ = "customer_facts"
    __table_args__ = (
        Index("ix_customer_facts_rung", "merchant_id", "rung", text("last_order_at DESC NULLS LAST"), "customer_id"),
        Index(
            "ix_customer_facts_activity",
            "merchant_id",
            "activity",
            text("last_order_at DESC NULLS LAST"),
            "customer_id",
        ),
        Index("ix_customer_facts_recent", "merchant_id", text("last_order_at DESC NULLS LAST"), "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    orders: Mapped[int] = mapped_column(server_default="0")
    order_days: Mapped[int] = mapped_column(server_default="0")
    spend_minor: Mapped[Zero]
    foreign_orders: Mapped[int] = mapped_column(server_default="0")
    average_order_minor: Mapped[Big | None]
    first_order_at: Mapped[Time | None]
    second_order_at: Mapped[Time | None]
    third_order_at: Mapped[Time | None]
    last_order_at: Mapped[Time | None]
    gap_mean_days: Mapped[Decimal | None] = mapped_column(Numeric(10, 3))
    discount_orders: Mapped[int] = mapped_column(server_default="0")
    refunded_minor: Mapped[Zero]
    stores: Mapped[Words]
    has_account: Mapped[bool] = mapped_column(server_default=text("false"))
    known_since: Mapped[Time | None]
    enquired_at: Mapped[Time | None]
    member_since: Mapped[date | None]
    reviews: Mapped[int] = mapped_column(server_default="0")
    first_review_at: Mapped[Time | None]
    referrals_converted: Mapped[int] = mapped_column(server_default="0")
    first_referral_at: Mapped[Time | None]
    second_referral_at: Mapped[Time | None]
    last_referral_at: Mapped[Time | None]
    consent_promotions: Mapped[str] = mapped_column(server_default="unknown")
    country: Mapped[str | None]
    language: Mapped[str | None]
    birthday: Mapped[date | None]
    tags: Mapped[Words]
    rung: Mapped[str | None]
    rung_since: Mapped[Time | None]
    activity: Mapped[str] = mapped_column(server_default="none")
    updated_at: Mapped[Now]
