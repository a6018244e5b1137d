"""Points: the programme version by version, what each order earns by it, and the ledger of lots and debits."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Json, Key, Now, OfMerchant, Time


class PointProgram(OfMerchant, Base):
    """One saved programme; the highest version is in force. What is done while one is ``paused`` earns nothing."""

    __tablename__ = "point_program"
    __table_args__ = (Index("uq_point_program", "merchant_id", "version", unique=True),)

    id: Mapped[Key]
    version: Mapped[int]
    definition: Mapped[Json]
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Now]
    created_by: Mapped[str]


class PointBasis(OfMerchant, Base):
    """By what an order earns: taken once, at its first look, so that a refund undoes exactly what was given.

    ``parts`` holds ``rules``, [base minor units, points × hundredths, per minor units × 100] of each, and ``shipping``,
    what of ``gross_minor`` (the order's total then) earns nothing. With both net and gross less the shipping, the order
    is worth Σ floor(base × net ÷ gross × points ÷ per) now.
    """

    __tablename__ = "point_basis"

    order_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int]
    gross_minor: Mapped[Big]
    parts: Mapped[Json]
    rung: Mapped[str | None]
    taken_at: Mapped[Now]


class PointEntry(OfMerchant, Base):
    """One line of a customer's ledger, never changed but for ``open_points``: what is left of a lot, or of a debt.

    Positive ``points`` are a lot, spendable from ``available_at`` until ``expires_at``; negative ones a debit, which
    names the lots it took from in ``point_use``. ``about_id`` is the lot that expires or the debit that is given back.
    """

    __tablename__ = "point_entry"
    __table_args__ = (
        CheckConstraint("points <> 0", name="something"),
        CheckConstraint("open_points BETWEEN 0 AND abs(points)", name="open"),
        CheckConstraint("(points > 0) = (available_at IS NOT NULL)", name="lots_have_a_day"),
        CheckConstraint("kind IN ('earn', 'action', 'adjust', 'restore', 'reverse', 'redeem', 'expire')", name="kind"),
        Index("uq_point_entry_key", "merchant_id", "key", unique=True),
        Index("ix_point_entry_customer", "customer_id", "id"),
        Index("ix_point_entry_order", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index(
            "ix_point_entry_ends", "merchant_id", "expires_at", postgresql_where=text("points > 0 AND open_points > 0")
        ),
    )

    id: Mapped[Key]
    customer_id: Mapped[Big]
    kind: Mapped[str]
    points: Mapped[Big]
    open_points: Mapped[Big]
    key: Mapped[str | None]
    order_id: Mapped[Big | None]
    about_id: Mapped[Big | None]
    version: Mapped[int | None]
    available_at: Mapped[Time | None]
    expires_at: Mapped[Time | None]
    reason: Mapped[str] = mapped_column(server_default="")
    happened_at: Mapped[Time]
    recorded_at: Mapped[Now]


class PointUse(OfMerchant, Base):
    """So many points of a lot went into a debit."""

    __tablename__ = "point_use"
    __table_args__ = (
        CheckConstraint("points > 0", name="some"),
        Index("ix_point_use_lot", "lot_id"),
    )

    debit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    lot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    points: Mapped[Big]


class RewardClaim(OfMerchant, Base):
    """A reward taken for points; its code is made in the shop, or the points come back.

    ``returned``: its order fell through and the shop has deleted the code.
    """

    __tablename__ = "reward_claim"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'issued', 'failed', 'returned')", name="state"),
        Index("ix_reward_claim_customer", "customer_id", "id"),
        Index("ix_reward_claim_waiting", "merchant_id", "id", postgresql_where=text("state = 'planned'")),
    )

    id: Mapped[Key]
    customer_id: Mapped[Big]
    store_id: Mapped[Big]
    reward: Mapped[str]
    name: Mapped[str]
    points: Mapped[Big]
    entry_id: Mapped[Big | None]
    state: Mapped[str] = mapped_column(server_default="planned")
    error: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[Now]
    settled_at: Mapped[Time | None]
