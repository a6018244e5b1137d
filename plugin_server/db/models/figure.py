"""Figures of a whole shop, made ready so that nobody waits for them."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Json, OfMerchant, Time


class KeptFigure(OfMerchant, Base):
    """One figure by its name, as of ``beat``; ``seconds`` is what it took to make."""

    __tablename__ = "kept_figure"

    merchant_id: Mapped[Big] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    beat: Mapped[Big]
    made_at: Mapped[Time]
    seconds: Mapped[float]
    document: Mapped[Json]
