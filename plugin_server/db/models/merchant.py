"""The merchant: one business, its people, and how they log in."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Json, Key, Now, OfMerchant, Time


class Merchant(Base):
    """One business. ``holdout_share`` of its customers never gets campaigns, so that their effect can be known."""

    __tablename__ = "merchant"
    __table_args__ = (CheckConstraint("holdout_share >= 0 AND holdout_share <= 0.5", name="holdout"),)

    id: Mapped[Key]
    name: Mapped[str]
    email: Mapped[str]
    timezone: Mapped[str]
    currency: Mapped[str]
    locale: Mapped[str] = mapped_column(server_default="en")
    postal_address: Mapped[str] = mapped_column(server_default="")
    from_email: Mapped[str | None]
    from_name: Mapped[str | None]
    holdout_share: Mapped[Decimal] = mapped_column(Numeric(4, 3), server_default="0.1")
    settings: Mapped[Json]
    created_at: Mapped[Now]


class UserAccount(OfMerchant, Base):
    """A person of the merchant: owner, marketer or viewer."""

    __tablename__ = "user_account"
    __table_args__ = (
        Index("uq_user_account_email", "merchant_id", text("lower(email)"), unique=True),
        CheckConstraint("role IN ('owner', 'marketer', 'viewer')", name="role"),
    )

    id: Mapped[Key]
    email: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    role: Mapped[str]
    locale: Mapped[str | None]
    password_hash: Mapped[str | None]
    session_version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Now]
    last_login_at: Mapped[Time | None]


class LoginToken(OfMerchant, Base):
    """A magic link: only the hash of its token is kept, and it works once."""

    __tablename__ = "login_token"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    expires_at: Mapped[Time]
    used_at: Mapped[Time | None]
