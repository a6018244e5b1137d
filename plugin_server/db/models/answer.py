"""What customers say when they are asked: a score, choices, a day or a sentence."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, OfMerchant, Time, Words


class SurveyAnswer(OfMerchant, Base):
    """One answer per customer, question and occasion. ``occasion`` is the mail that asked, or the day of the page.

    ``tell`` marks answers that the owner is to hear of; ``told_at`` when they were.
    """

    __tablename__ = "survey_answer"
    __table_args__ = (
        CheckConstraint("score BETWEEN 0 AND 10", name="score"),
        CheckConstraint("score IS NULL OR question = 'satisfaction'", name="scored"),
        Index("uq_survey_answer_occasion", "customer_id", "question", "occasion", unique=True),
        Index("ix_survey_answer_time", "merchant_id", sql("answered_at DESC")),
        Index("ix_survey_answer_untold", "merchant_id", postgresql_where=sql("tell AND told_at IS NULL")),
    )

    id: Mapped[Key]
    customer_id: Mapped[Big]
    message_id: Mapped[Big | None]
    question: Mapped[str]
    occasion: Mapped[str]
    score: Mapped[int | None]
    choices: Mapped[Words]
    text: Mapped[str] = mapped_column(server_default="")
    first_at: Mapped[Time]
    answered_at: Mapped[Time]
    tell: Mapped[bool] = mapped_column(server_default=sql("false"))
    told_at: Mapped[Time | None]
