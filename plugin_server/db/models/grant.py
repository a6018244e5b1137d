"""A connection that was begun here and is waiting for the shop's owner to say yes over there."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Now, OfMerchant, Time


class StoreGrant(OfMerchant, Base):
    """One attempt: the hash of its one-time value, and the only shop it may connect. It works once."""

    __tablename__ = "store_grant"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    begun_by: Mapped[str]
    created_at: Mapped[Now]
    expires_at: Mapped[Time]
    used_at: Mapped[Time | None]
    store_id: Mapped[Big | None]
