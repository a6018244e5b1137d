"""What customers write back, and our answers."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, OfMerchant, Time


class Conversation(OfMerchant, Base):
    """One thread with one person. ``open``: they wait for an answer, ``waiting_since`` then."""

    __tablename__ = "conversation"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'answered', 'closed')", name="state"),
        Index("ix_conversation_waiting", "customer_id", postgresql_where=sql("state = 'open'")),
        Index("ix_conversation_customer", "customer_id"),
        Index("ix_conversation_changed", "merchant_id", sql("changed_at DESC")),
    )

    id: Mapped[Key]
    customer_id: Mapped[Big | None]
    email: Mapped[str]
    subject: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    waiting_since: Mapped[Time | None]
    changed_at: Mapped[Time]


class ConversationMessage(OfMerchant, Base):
    """One mail of a thread. ``waited`` is how long the customer waited for this answer, ``reference`` its own id."""

    __tablename__ = "conversation_message"
    __table_args__ = (
        CheckConstraint("direction IN ('in', 'out')", name="direction"),
        CheckConstraint("state IN ('received', 'planned', 'sending', 'sent', 'failed', 'in_doubt')", name="state"),
        Index("ix_conversation_message_thread", "conversation_id", "id"),
        Index("ix_conversation_message_going", "id", postgresql_where=sql("state IN ('planned', 'sending')")),
        Index("ix_conversation_message_stuck", "merchant_id", postgresql_where=sql("state IN ('failed', 'in_doubt')")),
        Index("uq_conversation_message_reference", "merchant_id", "reference", unique=True),
    )

    id: Mapped[Key]
    conversation_id: Mapped[Big]
    direction: Mapped[str]
    author: Mapped[str]
    text: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="received")
    detail: Mapped[str] = mapped_column(server_default="")
    reference: Mapped[str | None]
    proven: Mapped[bool] = mapped_column(server_default=sql("false"))
    attachments: Mapped[int] = mapped_column(server_default="0")
    waited: Mapped[timedelta | None]
    written_at: Mapped[Time]
