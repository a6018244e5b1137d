"""The newest forecast of a shop."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Json, Time


class ForecastFit(Base):
    """What ``plugin_server.db.ladder.forecast.fitted`` found last, as JSON."""

    __tablename__ = "forecast_fit"

    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    fitted_at: Mapped[Time]
    document: Mapped[Json]
