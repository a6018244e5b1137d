"""Who may be written to, since when, and how we know."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, Now, OfMerchant, Time

STATES = "('subscribed', 'unsubscribed', 'pending', 'unknown')"


class Consent(OfMerchant, Base):
    """Append-only: the newest ``occurred_at`` (then id) of a customer, channel and topic holds."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index("ix_consent_customer", "customer_id", "channel", "topic", text("occurred_at DESC"), text("id DESC")),
        Index("ix_consent_merchant", "merchant_id", "topic"),
    )

    id: Mapped[Key]
    customer_id: Mapped[Big]
    channel: Mapped[str] = mapped_column(server_default="email")
    topic: Mapped[str] = mapped_column(server_default="promotions")
    state: Mapped[str]
    level: Mapped[str] = mapped_column(server_default="unknown")
    source: Mapped[str]
    evidence: Mapped[str] = mapped_column(server_default="")
    occurred_at: Mapped[Time]
    recorded_at: Mapped[Now]


class Suppression(OfMerchant, Base):
    """An address that must not be mailed at all, whatever consent says: bounced, complained, erased."""

    __tablename__ = "suppression"

    merchant_id: Mapped[Big] = mapped_column(primary_key=True)
    email_norm: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    source: Mapped[str]
    since: Mapped[Now]
