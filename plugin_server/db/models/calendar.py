"""The shop's own holidays, and dates it confirmed or corrected."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from plugin_server.db.models.base import Base, Json, Key, Now, OfMerchant


class HolidayDate(OfMerchant, Base):
    """One occurrence of a holiday, by hand. It wins over the computed date of the same key and year."""

    __tablename__ = "holiday_date"
    __table_args__ = (
        Index("uq_holiday_date", "merchant_id", "key", "year", unique=True),
        CheckConstraint("status IN ('estimated', 'confirmed')", name="status"),
    )

    id: Mapped[Key]
    key: Mapped[str]
    year: Mapped[int]
    day: Mapped[date]
    status: Mapped[str]
    names: Mapped[Json]
    created_at: Mapped[Now]
