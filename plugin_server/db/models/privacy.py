"""The right to know and the right to be forgotten: requests with their answers, and the marks of those who are gone."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, OfMerchant, Time


class Erasure(OfMerchant, Base):
    """A salted hash of an erased address or account. What the shop tells of it from before ``erased_at`` goes again."""

    __tablename__ = "erasure"
    __table_args__ = (Index("uq_erasure_hash", "merchant_id", "hash", unique=True),)

    id: Mapped[Key]
    salt: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    customer_id: Mapped[Big]
    erased_at: Mapped[Time]


class PrivacyRequest(OfMerchant, Base):
    """One request: asked by the shop's platform, an owner or the command line. ``document`` is sealed JSON."""

    __tablename__ = "privacy_request"
    __table_args__ = (
        CheckConstraint("kind IN ('export', 'erase', 'purge')", name="kind"),
        Index(
            "uq_privacy_request_external",
            "store_id",
            "kind",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    store_id: Mapped[Big | None]
    external_id: Mapped[str | None]
    customer_id: Mapped[Big | None]
    asked_by: Mapped[str]
    asked_at: Mapped[Time]
    answered_at: Mapped[Time | None]
    outcome: Mapped[str] = mapped_column(server_default="")
    document: Mapped[bytes | None] = mapped_column(LargeBinary)
