"""Named rules."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from plugin_server.db.models.base import Base, Json, Key, Now, OfMerchant


class Segment(OfMerchant, Base):
    """A rule with a name; campaigns hold its ``key``, so that a change of the rule changes their audience."""

    __tablename__ = "segment"
    __table_args__ = (Index("uq_segment_key", "merchant_id", "key", unique=True),)

    id: Mapped[Key]
    key: Mapped[str]
    name: Mapped[str]
    rule: Mapped[Json]
    created_at: Mapped[Now]
    updated_at: Mapped[Now]
    updated_by: Mapped[str]
