"""Personal codes and what became of them."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Index, Numeric, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Json, Key, Now, OfMerchant, Time, Zero


class OfferCode(OfMerchant, Base):
    """One code for one customer in one store, of a run or of a reward taken for points.

    ``issued`` only after the store has it exactly as asked. ``terms`` is what it is there (``db.offer_terms``). What is
    ``promised`` has no code in the store: it is ``kept`` when it has been paid, or ``lapsed``.
    ``generation`` above 0 takes the place of one that a stranger used.
    """

    __tablename__ = "offer_code"
    __table_args__ = (
        CheckConstraint(
            "state IN ('planned', 'issued', 'failed', 'withdrawn', 'revoked', 'promised', 'kept', 'lapsed')",
            name="state",
        ),
        Index("uq_offer_code_customer", "run_id", "customer_id", "store_id", "generation", unique=True),
        Index("ix_offer_code_person", "customer_id"),
        Index("uq_offer_code_code", "store_id", text("lower(code)"), unique=True),
        Index(
            "uq_offer_code_claim",
            "claim_id",
            "generation",
            unique=True,
            postgresql_where=text("claim_id IS NOT NULL"),
        ),
        Index("ix_offer_code_waiting", "run_id", "id", postgresql_where=text("state = 'planned'")),
        Index("ix_offer_code_promised", "merchant_id", "kind", postgresql_where=text("state = 'promised'")),
        Index(
            "ix_offer_code_members",
            "merchant_id",
            "customer_id",
            postgresql_where=text(
                "kind IN ('member_only', 'early_access') AND state IN ('planned', 'issued', 'promised')"
            ),
        ),
        Index("ix_offer_code_withdrawn", "merchant_id", "id", postgresql_where=text("state = 'withdrawn'")),
    )

    id: Mapped[Key]
    run_id: Mapped[Big | None]
    claim_id: Mapped[Big | None]
    customer_id: Mapped[Big]
    store_id: Mapped[Big]
    generation: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    code: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="planned")
    error: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str | None]
    kind: Mapped[str]
    value: Mapped[Decimal] = mapped_column(Numeric)
    currency: Mapped[str]
    minimum_minor: Mapped[Zero]
    liability_minor: Mapped[Zero]
    email: Mapped[str]
    expires_at: Mapped[Time]
    terms: Mapped[Json]
    created_at: Mapped[Now]
    issued_at: Mapped[Time | None]


class OfferBudget(OfMerchant, Base):
    """What the codes of a campaign may cost in all, and what has been issued. The check is the last wall."""

    __tablename__ = "offer_budget"
    __table_args__ = (CheckConstraint("issued_minor <= limit_minor OR limit_minor IS NULL", name="within"),)

    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    limit_minor: Mapped[Big | None]
    issued_minor: Mapped[Zero]


class Redemption(OfMerchant, Base):
    """A code used in an order; released once when that order falls through."""

    __tablename__ = "redemption"
    __table_args__ = (
        Index("uq_redemption_use", "store_id", "order_id", text("lower(code)"), unique=True),
        Index("ix_redemption_code", "offer_code_id"),
    )

    id: Mapped[Key]
    store_id: Mapped[Big]
    order_id: Mapped[Big]
    offer_code_id: Mapped[Big]
    customer_id: Mapped[Big | None]
    code: Mapped[str]
    discount_minor: Mapped[Zero]
    redeemed_at: Mapped[Time]
    released_at: Mapped[Time | None]


class CodeLeak(OfMerchant, Base):
    """A personal code that somebody else used, once for each code; who that was stands in the order.

    found → revoked (in the shop) → planned (the new code) → reissued; or closed (nothing to reissue, see ``reason``),
    or person (somebody has to decide). ``agreed``: somebody decided for a new code.
    """

    __tablename__ = "code_leak"
    __table_args__ = (
        CheckConstraint("state IN ('found', 'revoked', 'planned', 'reissued', 'closed', 'person')", name="state"),
        Index("uq_code_leak_code", "offer_code_id", unique=True),
        Index("ix_code_leak_state", "merchant_id", "state"),
    )

    id: Mapped[Key]
    offer_code_id: Mapped[Big]
    order_id: Mapped[Big]
    new_code_id: Mapped[Big | None]
    state: Mapped[str] = mapped_column(server_default="found")
    reason: Mapped[str] = mapped_column(server_default="")
    detail: Mapped[str] = mapped_column(server_default="")
    agreed: Mapped[bool] = mapped_column(server_default=text("false"))
    found_at: Mapped[Time]
    settled_at: Mapped[Time | None]
    told_at: Mapped[Time | None]
