"""The send ledger: one row per mail, one per hand-over, one per thing a provider reported."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, Now, OfMerchant, Time

MESSAGE_STATES = (
    "('planned', 'claimed', 'sending', 'accepted', 'delivered', 'bounced', 'dropped', 'complained', 'skipped', "
    "'failed', 'in_doubt')"
)


class Message(OfMerchant, Base):
    """One mail to one customer, once: unique by run, customer and step. Every state says its reason."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint(f"state IN {MESSAGE_STATES}", name="state"),
        Index("uq_message_once", "run_id", "customer_id", "step", unique=True),
        Index("ix_message_waiting", "run_id", "id", postgresql_where=text("state = 'planned'")),
        Index(
            "ix_message_open", "run_id", "state", postgresql_where=text("state IN ('claimed', 'sending', 'in_doubt')")
        ),
        Index("ix_message_customer", "customer_id", text("id DESC")),
        Index("ix_message_attempt", "attempt_id"),
        Index("ix_message_claimed", "merchant_id", "claimed_at", postgresql_where=text("claimed_at IS NOT NULL")),
    )

    id: Mapped[Key]
    run_id: Mapped[Big]
    customer_id: Mapped[Big]
    step: Mapped[int] = mapped_column(server_default="0")
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="5")
    variant: Mapped[str] = mapped_column(server_default="")
    channel: Mapped[str] = mapped_column(server_default="email")
    email: Mapped[str]
    language: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="planned")
    reason: Mapped[str] = mapped_column(server_default="")
    tries: Mapped[int] = mapped_column(server_default="0")
    attempt_id: Mapped[UUID | None]
    provider_reference: Mapped[str | None]
    not_before: Mapped[Time | None]
    planned_at: Mapped[Now]
    claimed_at: Mapped[Time | None]
    accepted_at: Mapped[Time | None]
    clicked_at: Mapped[Time | None]
    settled_at: Mapped[Time | None]


class SendAttempt(OfMerchant, Base):
    """One request to the provider, committed as ``sending`` before it is made, and made once.

    Behind a fence it has a ``batch_id`` and leaves at ``send_at``; until then it can be called back.
    """

    __tablename__ = "send_attempt"
    __table_args__ = (
        CheckConstraint("state IN ('prepared', 'sending', 'accepted', 'not_sent', 'in_doubt')", name="state"),
        Index("ix_send_attempt_held", "run_id", "send_at", postgresql_where=text("send_at IS NOT NULL")),
        Index("ix_send_attempt_open", "state", postgresql_where=text("state IN ('prepared', 'sending', 'in_doubt')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[Big]
    backend: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="prepared")
    recipients: Mapped[int]
    body_hash: Mapped[str] = mapped_column(server_default="")
    provider_reference: Mapped[str | None]
    detail: Mapped[str] = mapped_column(server_default="")
    prepared_at: Mapped[Now]
    sending_at: Mapped[Time | None]
    settled_at: Mapped[Time | None]
    batch_id: Mapped[str | None]
    send_at: Mapped[Time | None]


class DeliveryEventRow(OfMerchant, Base):
    """What the provider reported, once: copies of the same report share ``dedupe``."""

    __tablename__ = "delivery_event"
    __table_args__ = (
        Index("uq_delivery_event_dedupe", "merchant_id", "dedupe", unique=True),
        Index("ix_delivery_event_message", "message_id"),
    )

    id: Mapped[Key]
    dedupe: Mapped[str]
    kind: Mapped[str]
    message_id: Mapped[Big | None]
    attempt_id: Mapped[UUID | None]
    email: Mapped[str | None]
    reason: Mapped[str] = mapped_column(server_default="")
    url: Mapped[str] = mapped_column(server_default="")
    machine: Mapped[bool] = mapped_column(server_default=text("false"))
    occurred_at: Mapped[Time]
    received_at: Mapped[Now]
