"""Periodic work: when each was last due and done. Belongs to no merchant."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Time


class PeriodicJob(Base):
    """A tick missed while down is made up once, because the due time stands here and not in memory."""

    __tablename__ = "periodic_job"
    __table_args__ = ({"info": {"tenant": False}},)

    key: Mapped[str] = mapped_column(primary_key=True)
    last_due: Mapped[Time | None]
    last_started: Mapped[Time | None]
    last_finished: Mapped[Time | None]
    error: Mapped[str] = mapped_column(server_default="")
