"""Runs as a shop's own marketing page shows them, and what that page was told."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, Now, OfMerchant, Time


class MarketingShown(OfMerchant, Base):
    """One run in one shop: planned → telling → shown, again each day, until ``ended``; ``refused`` says why.

    ``key`` and ``utm`` are what the shop knows it by, for good. ``told_until`` is the last day (UTC) whose numbers it
    has.
    """

    __tablename__ = "marketing_shown"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'telling', 'shown', 'ended', 'refused')", name="state"),
        Index("uq_marketing_shown_run", "run_id", "store_id", unique=True),
        Index(
            "ix_marketing_shown_open", "store_id", "id",
            postgresql_where=text("state IN ('planned', 'telling', 'shown')"),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    run_id: Mapped[Big]
    store_id: Mapped[Big]
    key: Mapped[str]
    utm: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="planned")
    tries: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[Time | None]
    telling_at: Mapped[Time | None]
    external_id: Mapped[str | None]
    error: Mapped[str] = mapped_column(server_default="")
    told_until: Mapped[date | None]
    created_at: Mapped[Now]
