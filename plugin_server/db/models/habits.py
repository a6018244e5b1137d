"""Facts beside the wide row: what people buy and how they answer. Only who has something to tell has a row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import ARRAY, BigInteger, Date, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, OfMerchant, Time, Words, Zero


class CustomerHabits(OfMerchant, Base):
    """What the lines of the counting orders tell. ``margin_percent`` covers lines whose unit cost is known.

    ``supply_products`` are goods that get used up, by title; ``supply_dates``, beside them, when each does.
    """

    __tablename__ = "customer_habits"
    __table_args__ = (Index("ix_customer_habits_supply", "supply_dates", postgresql_using="gin"),)

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    gap_spread: Mapped[Decimal | None] = mapped_column(Numeric(10, 3))
    products: Mapped[Words]
    product_count: Mapped[int] = mapped_column(server_default="0")
    categories: Mapped[Words]
    category_count: Mapped[int] = mapped_column(server_default="0")
    margin_percent: Mapped[Decimal | None] = mapped_column(Numeric(10, 3))
    supply_ends_on: Mapped[date | None]
    supply_products: Mapped[Words]
    supply_dates: Mapped[list[date]] = mapped_column(ARRAY(Date), server_default=text("'{}'"))
    first_source: Mapped[str | None]


class CustomerContact(OfMerchant, Base):
    """Mails, what providers report of them, topics, the latest words, friends, answers, replies, and points."""

    __tablename__ = "customer_contact"

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    mails: Mapped[int] = mapped_column(server_default="0")
    mail_clicks: Mapped[int] = mapped_column(server_default="0")
    last_click_at: Mapped[Time | None]
    mails_since_click: Mapped[int] = mapped_column(server_default="0")
    mail_opens: Mapped[int] = mapped_column(server_default="0")
    machine_opens: Mapped[int] = mapped_column(server_default="0")
    topics_yes: Mapped[Words]
    topics_no: Mapped[Words]
    last_review_at: Mapped[Time | None]
    referrals_made: Mapped[int] = mapped_column(server_default="0")
    nps_score: Mapped[Decimal | None] = mapped_column(Numeric(4, 1))
    nps_at: Mapped[Time | None]
    last_answer_at: Mapped[Time | None]
    favourites: Mapped[Words]
    points: Mapped[Zero]
    replies: Mapped[int] = mapped_column(server_default="0")
    last_reply_at: Mapped[Time | None]


class FactsDue(OfMerchant, Base):
    """Whose habits and contact are to be read anew; customer 0 stands for everybody.

    The same customer may wait twice: a unique key would make one import wait for the other.
    """

    __tablename__ = "facts_due"
    __table_args__ = (Index("ix_facts_due_merchant", "merchant_id"),)

    id: Mapped[Key]
    customer_id: Mapped[Big]
