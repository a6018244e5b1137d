"""Keys by which programs of the business read and write."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from plugin_server.db.models.base import Base, Key, Now, OfMerchant, Time, Words


class ApiKey(OfMerchant, Base):
    """A key by its name. Only its SHA-256 is kept, and its first letters, by which people tell it from others."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint("scopes <@ ARRAY['read', 'write'] AND scopes <> '{}'", name="scopes"),
        Index("uq_api_key_hash", "hash", unique=True),
    )

    id: Mapped[Key]
    name: Mapped[str]
    hash: Mapped[str]
    begins: Mapped[str]
    scopes: Mapped[Words]
    created_at: Mapped[Now]
    created_by: Mapped[str]
    used_at: Mapped[Time | None]
    revoked_at: Mapped[Time | None]
    revoked_by: Mapped[str | None]
