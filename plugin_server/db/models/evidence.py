"""What customers do for the shop: friends they brought, words they wrote."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, Now, OfMerchant, Time


class Referral(OfMerchant, Base):
    """A friend somebody brought; converted at the friend's first counting order."""

    __tablename__ = "referral"
    __table_args__ = (
        Index("uq_referral_friend", "merchant_id", "friend_id", unique=True),
        Index("ix_referral_advocate", "advocate_id"),
        CheckConstraint("advocate_id <> friend_id", name="not_oneself"),
    )

    id: Mapped[Key]
    advocate_id: Mapped[Big]
    friend_id: Mapped[Big]
    source: Mapped[str]
    joined_at: Mapped[Time]
    converted_at: Mapped[Time | None]


class Testimonial(OfMerchant, Base):
    """A review or testimonial; it counts for the customer whose e-mail wrote it."""

    __tablename__ = "testimonial"
    __table_args__ = (
        Index("uq_testimonial_external", "store_id", "external_id", unique=True),
        Index("ix_testimonial_customer", "customer_id"),
        Index("ix_testimonial_email", "merchant_id", "email_norm"),
    )

    id: Mapped[Key]
    store_id: Mapped[Big | None]
    external_id: Mapped[str]
    customer_id: Mapped[Big | None]
    email_norm: Mapped[str]
    rating: Mapped[int | None]
    text: Mapped[str] = mapped_column(server_default="")
    approved: Mapped[bool] = mapped_column(server_default="false")
    written_at: Mapped[Time]
    synced_at: Mapped[Now]
