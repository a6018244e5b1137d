"""How long this shop's customers wait before they order again."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Numeric
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, OfMerchant, Time


class OrderRhythm(OfMerchant, Base):
    """Quantiles of the days between order number ``after_order`` and the next, measured nightly.

    Order numbers count distinct days. Row 0 stands for all numbers together: it serves numbers too rare to know.
    """

    __tablename__ = "order_rhythm"

    merchant_id: Mapped[Big] = mapped_column(primary_key=True)
    after_order: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gaps: Mapped[Big]
    p80_days: Mapped[Decimal] = mapped_column(Numeric(10, 3))
    p95_days: Mapped[Decimal] = mapped_column(Numeric(10, 3))
    measured_at: Mapped[Time]
