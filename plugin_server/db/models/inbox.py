"""What came in from outside, written down before anything is done with it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Json, Key, Now, OfMerchant, Time


class InboundEvent(OfMerchant, Base):
    """A verified webhook, raw. ``dedupe`` is the provider's delivery id where it can be trusted, else the body's hash.

    ``once`` events are refused for ever when they come again; the others only while an equal one waits, for a shop may
    return to a state it has told us before.
    """

    __tablename__ = "inbound_event"
    __table_args__ = (
        CheckConstraint("state IN ('received', 'done', 'ignored', 'failed')", name="state"),
        Index(
            "uq_inbound_event_dedupe",
            "provider",
            "store_id",
            "dedupe",
            unique=True,
            postgresql_where=text("once OR state = 'received'"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_inbound_event_waiting", "merchant_id", "id", postgresql_where=text("state = 'received'")),
    )

    id: Mapped[Key]
    provider: Mapped[str]
    store_id: Mapped[int | None]
    dedupe: Mapped[str]
    once: Mapped[bool] = mapped_column(server_default=text("false"))
    topic: Mapped[str]
    headers: Mapped[Json]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[Now]
    state: Mapped[str] = mapped_column(server_default="received")
    attempts: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[Time | None]
    note: Mapped[str] = mapped_column(server_default="")
    settled_at: Mapped[Time | None]
