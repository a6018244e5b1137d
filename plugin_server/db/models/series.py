"""Who stands where in a series, what was done for them, and what that left for the owner and other systems to do."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, Now, OfMerchant, Time


class SeriesPlace(OfMerchant, Base):
    """One person's way through one series: a single row, so that nobody stands in two places.

    ``waiting``: to be looked at when ``due_at`` has come. ``mailing``, ``coding``: the run ``step_run_id`` has a mail
    or a code in hand. ``resting``: a conversation waits for our answer. ``left``: over, as ``outcome`` says. They keep
    the ``version`` they entered with. ``rung`` is the one at the entry, from ``run_id``.
    """

    __tablename__ = "series_place"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'mailing', 'coding', 'resting', 'left')", name="state"),
        CheckConstraint("(state = 'left') = (left_at IS NOT NULL)", name="left"),
        Index("uq_series_place_entry", "run_id", "customer_id", unique=True),
        Index(
            "uq_series_place_inside", "campaign_id", "customer_id", unique=True,
            postgresql_where=text("left_at IS NULL"),
        ),
        Index(
            "ix_series_place_due", "merchant_id", "campaign_id", "version", "step", "due_at",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_series_place_busy", "step_run_id", "customer_id",
            postgresql_where=text("state IN ('mailing', 'coding')"),
        ),
        Index("ix_series_place_told", "campaign_id", "state", "step", "outcome"),
        Index("ix_series_place_customer", "customer_id"),
        Index(
            "ix_series_place_left", "campaign_id", text("left_at DESC"), text("id DESC"),
            postgresql_where=text("left_at IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    campaign_id: Mapped[Big]
    run_id: Mapped[Big]
    customer_id: Mapped[Big]
    version: Mapped[int]
    step: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")
    outcome: Mapped[str] = mapped_column(server_default="")
    rung: Mapped[str | None]
    due_at: Mapped[Time]
    step_since: Mapped[Time]
    step_run_id: Mapped[Big | None]
    offer_code_id: Mapped[Big | None]
    entered_at: Mapped[Time]
    left_at: Mapped[Time | None]


class SeriesLog(OfMerchant, Base):
    """A step that somebody has been through, once; ``note`` says what came of it."""

    __tablename__ = "series_log"
    __table_args__ = (Index("ix_series_log_told", "campaign_id", "step", "note"),)

    place_id: Mapped[Big] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    campaign_id: Mapped[Big]
    note: Mapped[str] = mapped_column(server_default="")
    at: Mapped[Time]


class OwnerTask(OfMerchant, Base):
    """Something for a person of the shop to do for a customer."""

    __tablename__ = "owner_task"
    __table_args__ = (
        Index("uq_owner_task_step", "place_id", "step", unique=True),
        Index("ix_owner_task_open", "merchant_id", "id", postgresql_where=text("done_at IS NULL")),
        Index("ix_owner_task_done", "merchant_id", text("done_at DESC"), postgresql_where=text("done_at IS NOT NULL")),
    )

    id: Mapped[Key]
    place_id: Mapped[Big]
    campaign_id: Mapped[Big]
    customer_id: Mapped[Big]
    step: Mapped[str]
    title: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[Time]
    done_at: Mapped[Time | None]
    done_by: Mapped[str | None]


class SeriesCall(OfMerchant, Base):
    """A POST to another system that a step asks for; what it says is read when it is made."""

    __tablename__ = "series_call"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'sending', 'done', 'failed')", name="state"),
        Index("uq_series_call_step", "place_id", "step", unique=True),
        Index(
            "ix_series_call_open", "merchant_id", "not_before", postgresql_where=text("state IN ('planned', 'sending')")
        ),
    )

    id: Mapped[Key]
    place_id: Mapped[Big]
    campaign_id: Mapped[Big]
    customer_id: Mapped[Big]
    step: Mapped[str]
    url: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="planned")
    tries: Mapped[int] = mapped_column(server_default="0")
    status: Mapped[int | None]
    detail: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[Now]
    not_before: Mapped[Time]
    settled_at: Mapped[Time | None]
