"""Team deals: what is given, the teams, who sits in them, and what each member was told."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Json, Key, Now, OfMerchant, Time, Zero


class TeamDeal(OfMerchant, Base):
    """Terms under which teams begin. ``promised_minor`` is what all its teams may still cost; the check is the last
    wall. ``campaign_id`` where a campaign hands its teams out; else customers start them on their own pages."""

    __tablename__ = "team_deal"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'closed')", name="state"),
        CheckConstraint("promised_minor <= limit_minor OR limit_minor IS NULL", name="within"),
        Index("uq_team_deal_key", "merchant_id", "key", unique=True),
    )

    id: Mapped[Key]
    key: Mapped[str]
    name: Mapped[str]
    terms: Mapped[Json]
    state: Mapped[str] = mapped_column(server_default="open")
    campaign_id: Mapped[Big | None]
    ends_at: Mapped[Time | None]
    limit_minor: Mapped[Big | None]
    each_minor: Mapped[Zero]
    comfort_minor: Mapped[Zero]
    promised_minor: Mapped[Zero]
    created_by: Mapped[str]
    created_at: Mapped[Now]
    closed_at: Mapped[Time | None]


class Team(OfMerchant, Base):
    """A team. ``taken`` counts its rows in ``team_seat`` and never exceeds ``seats``, whoever forgets to look."""

    __tablename__ = "team"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'extended', 'unlocked', 'lapsed', 'closed')", name="state"),
        CheckConstraint("taken BETWEEN 0 AND seats", name="seats"),
        Index("uq_team_founder", "deal_id", "founder_id", unique=True),
        Index("ix_team_running", "deadline", postgresql_where=text("state IN ('open', 'extended')")),
    )

    id: Mapped[Key]
    deal_id: Mapped[Big]
    founder_id: Mapped[Big]
    seats: Mapped[int] = mapped_column(Integer)
    taken: Mapped[int] = mapped_column(Integer, server_default="1")
    state: Mapped[str] = mapped_column(server_default="open")
    given: Mapped[bool] = mapped_column(server_default=text("false"))
    opened_at: Mapped[Time]
    deadline: Mapped[Time]
    extensions: Mapped[int] = mapped_column(Integer, server_default="0")
    reminded: Mapped[bool] = mapped_column(server_default=text("false"))
    promised_minor: Mapped[Zero]
    settled_at: Mapped[Time | None]
    closed_by: Mapped[str | None]
    offer_code_id: Mapped[Big | None]
    reason: Mapped[str] = mapped_column(server_default="")


class TeamSeat(OfMerchant, Base):
    """Who sits in a team: one seat in all teams of a deal for each mailbox. ``claim_id`` is the code they got."""

    __tablename__ = "team_seat"
    __table_args__ = (
        Index("uq_team_seat_mailbox", "deal_id", "mailbox", unique=True),
        Index("ix_team_seat_team", "team_id", "id"),
        Index("ix_team_seat_customer", "customer_id"),
        Index("ix_team_seat_claim", "claim_id", postgresql_where=text("claim_id IS NOT NULL")),
        Index("ix_team_seat_owed", "merchant_id", "id", postgresql_where=text("gets IS NOT NULL AND claim_id IS NULL")),
    )

    id: Mapped[Key]
    deal_id: Mapped[Big]
    team_id: Mapped[Big]
    customer_id: Mapped[Big]
    mailbox: Mapped[str | None]
    taken_at: Mapped[Time]
    gets: Mapped[str | None]
    claim_id: Mapped[Big | None]


class TeamLetter(OfMerchant, Base):
    """One letter to one member: written down with what it tells of, claimed before it is sent, settled afterwards."""

    __tablename__ = "team_letter"
    __table_args__ = (
        CheckConstraint("kind IN ('unlocked', 'reminder', 'lapsed')", name="kind"),
        CheckConstraint("state IN ('planned', 'sending', 'sent', 'skipped', 'failed', 'in_doubt')", name="state"),
        Index("uq_team_letter_once", "team_id", "customer_id", "occasion", unique=True),
        Index("ix_team_letter_waiting", "merchant_id", "id", postgresql_where=text("state IN ('planned', 'sending')")),
    )

    id: Mapped[Key]
    team_id: Mapped[Big]
    customer_id: Mapped[Big]
    kind: Mapped[str]
    occasion: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="planned")
    reason: Mapped[str] = mapped_column(server_default="")
    attempt_id: Mapped[str | None]
    not_before: Mapped[Time | None]
    planned_at: Mapped[Time]
    sending_at: Mapped[Time | None]
    settled_at: Mapped[Time | None]
