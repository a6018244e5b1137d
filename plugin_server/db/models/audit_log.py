"""Who did what."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Json, Key, Now, OfMerchant


class AuditLog(OfMerchant, Base):
    """Every act of a person, and every act that bears money, in words and figures. Never changed."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_time", "merchant_id", text("id DESC")),
        Index("ix_audit_log_actor", "merchant_id", "actor", text("id DESC")),
        Index("ix_audit_log_action", "merchant_id", "action", text("id DESC")),
        Index("ix_audit_log_at", "merchant_id", text("at DESC")),
    )

    id: Mapped[Key]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(server_default="")
    detail: Mapped[Json]
    at: Mapped[Now]
