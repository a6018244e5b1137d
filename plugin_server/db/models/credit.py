"""Store credit that is to be given: written down before the shop is asked, because the shop keeps no word of ours."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, Now, OfMerchant, Time


class CreditIntent(OfMerchant, Base):
    """Credit for one customer in one shop, given once for its ``cause``.

    planned → sending → given, refused, in_doubt, or planned again where the shop certainly did nothing. ``expires_at``
    is whole seconds and differs between two intents for one account: by it and the amount the shop's booking is known
    again. ``created_at`` is when looking for that booking begins.
    """

    __tablename__ = "credit_intent"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'sending', 'in_doubt', 'given', 'refused')", name="state"),
        CheckConstraint("amount_minor > 0", name="something"),
        Index("uq_credit_intent_cause", "merchant_id", "cause", unique=True),
        Index(
            "uq_credit_intent_mark",
            "store_id",
            "account",
            "expires_at",
            unique=True,
            postgresql_where=text("account <> ''"),
        ),
        Index("ix_credit_intent_customer", "customer_id", "id"),
        Index(
            "ix_credit_intent_open",
            "merchant_id",
            "id",
            postgresql_where=text("state IN ('planned', 'sending', 'in_doubt')"),
        ),
    )

    id: Mapped[Key]
    cause: Mapped[str]
    store_id: Mapped[Big]
    customer_id: Mapped[Big]
    account: Mapped[str]
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    expires_at: Mapped[Time]
    state: Mapped[str] = mapped_column(server_default="planned")
    tries: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[Time | None]
    external_id: Mapped[str | None]
    error: Mapped[str] = mapped_column(server_default="")
    created_by: Mapped[str]
    created_at: Mapped[Now]
    sending_at: Mapped[Time | None]
    settled_at: Mapped[Time | None]
