"""The newest forecast of a shop, and what it says of each customer."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Json, OfMerchant, Time


class ForecastFit(Base):
    """What ``plugin_server.db.ladder.forecast.fitted`` found last, as JSON."""

    __tablename__ = "forecast_fit"

    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    fitted_at: Mapped[Time]
    document: Mapped[Json]


class CustomerOutlook(OfMerchant, Base):
    """What the kept models say of a customer, for rules to read. Nobody has a row while a gate is closed."""

    __tablename__ = "customer_outlook"

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    alive_percent: Mapped[Decimal] = mapped_column(Numeric(4, 1))
    buys_percent: Mapped[Decimal] = mapped_column(Numeric(4, 1))
    expected_spend_minor: Mapped[int | None] = mapped_column(BigInteger)
