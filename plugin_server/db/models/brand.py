"""How a business looks to its customers."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Now, OfMerchant


class Brand(OfMerchant, Base):
    """Its colour (``#RRGGBB`` or empty) and its logo, named by what is in it."""

    __tablename__ = "brand"
    __table_args__ = (CheckConstraint("(logo IS NULL) = (logo_name = '')", name="logo"),)

    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    color: Mapped[str] = mapped_column(server_default="")
    logo: Mapped[bytes | None] = mapped_column(LargeBinary)
    logo_name: Mapped[str] = mapped_column(server_default="")
    updated_at: Mapped[Now]
