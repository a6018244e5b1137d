"""The audit made ready, the pulse of the orders under it, and what the owner spent to win customers."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Json, OfMerchant, Time


class AuditRollup(OfMerchant, Base):
    """The audit of one span (``all``, or two days), as of ``beat``; ``seconds`` is what it took to make."""

    __tablename__ = "audit_rollup"

    merchant_id: Mapped[Big] = mapped_column(primary_key=True)
    span: Mapped[str] = mapped_column(primary_key=True)
    beat: Mapped[Big]
    made_at: Mapped[Time]
    seconds: Mapped[float]
    document: Mapped[Json]


class OrderPulse(OfMerchant, Base):
    """One more with each transaction that changed orders: a figure made at another beat is stale."""

    __tablename__ = "order_pulse"

    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    beat: Mapped[Big]
    beaten_at: Mapped[Time]


class SpendEntry(OfMerchant, Base):
    """What a channel cost in a month (its first day), as the owner typed it in."""

    __tablename__ = "spend_entry"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="something"),)

    merchant_id: Mapped[Big] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    entered_at: Mapped[Time]
    entered_by: Mapped[str]
