"""The ladder's definition, version by version, and every climb and fall."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Json, Key, Now, OfMerchant, Time


class LadderVersion(OfMerchant, Base):
    """One saved definition; the highest version is in force."""

    __tablename__ = "ladder_version"
    __table_args__ = (Index("uq_ladder_version", "merchant_id", "version", unique=True),)

    id: Mapped[Key]
    version: Mapped[int]
    definition: Mapped[Json]
    created_at: Mapped[Now]
    created_by: Mapped[str]


class RungChange(OfMerchant, Base):
    """A customer moved. ``changed_at`` is when the evidence came about, ``recorded_at`` when we saw it."""

    __tablename__ = "rung_change"
    __table_args__ = (
        Index("ix_rung_change_customer", "customer_id", "changed_at"),
        Index("ix_rung_change_time", "merchant_id", text("changed_at DESC")),
    )

    id: Mapped[Key]
    customer_id: Mapped[Big]
    from_rung: Mapped[str | None]
    to_rung: Mapped[str]
    changed_at: Mapped[Time]
    recorded_at: Mapped[Now]
    reason: Mapped[str] = mapped_column(server_default="")
    ladder_version: Mapped[int]


class RungPin(OfMerchant, Base):
    """Somebody put a customer on a rung by hand; it holds against the rules until it is taken out."""

    __tablename__ = "rung_pin"

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    rung: Mapped[str]
    reason: Mapped[str]
    pinned_at: Mapped[Now]
    pinned_by: Mapped[str]


class RungReview(OfMerchant, Base):
    """A customer whose rule no longer holds keeps the rung until the review on ``falls_on``."""

    __tablename__ = "rung_review"

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    lapsed_on: Mapped[date]
    falls_on: Mapped[date]
