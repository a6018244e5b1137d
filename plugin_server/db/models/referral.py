"""Friends on their way in: who sent them, and what was decided about them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, Now, OfMerchant, Time, Words


class ReferralJoin(OfMerchant, Base):
    """A friend who left an address on somebody's link. ``mailbox`` is one per person; the row is decided once.

    ``asked`` until the mailbox confirmed, ``review`` where a person has to look, since ``flagged_at``, then
    ``approved`` or ``refused``.
    """

    __tablename__ = "referral_join"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'review', 'approved', 'refused')", name="state"),
        Index("uq_referral_join_mailbox", "merchant_id", "mailbox", unique=True),
        Index("ix_referral_join_friend", "friend_id"),
        Index("ix_referral_join_advocate", "advocate_id"),
        Index("ix_referral_join_review", "merchant_id", "id", postgresql_where=text("state = 'review'")),
    )

    id: Mapped[Key]
    advocate_id: Mapped[Big]
    friend_id: Mapped[Big]
    mailbox: Mapped[str | None]
    ip_hash: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="asked")
    flags: Mapped[Words]
    reason: Mapped[str] = mapped_column(server_default="")
    claim_id: Mapped[Big | None]
    promise_id: Mapped[Big | None]
    own_claim_id: Mapped[Big | None]
    asked_at: Mapped[Now]
    confirmed_at: Mapped[Time | None]
    flagged_at: Mapped[Time | None]
    decided_at: Mapped[Time | None]
    decided_by: Mapped[str | None]
