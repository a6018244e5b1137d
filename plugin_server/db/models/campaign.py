"""Campaigns as data, their runs, and who was in them."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Json, Key, Now, OfMerchant, Time


class Campaign(OfMerchant, Base):
    """A campaign by its key; what it does stands in its versions."""

    __tablename__ = "campaign"
    __table_args__ = (
        Index("uq_campaign_key", "merchant_id", "key", unique=True),
        CheckConstraint("state IN ('draft', 'active', 'paused', 'ended')", name="state"),
    )

    id: Mapped[Key]
    key: Mapped[str]
    name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="draft")
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Now]
    activated_at: Mapped[Time | None]


class CampaignVersion(OfMerchant, Base):
    """One saved definition. Runs keep the version they started with."""

    __tablename__ = "campaign_version"
    __table_args__ = (Index("uq_campaign_version", "campaign_id", "version", unique=True),)

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    version: Mapped[int]
    definition: Mapped[Json]
    created_at: Mapped[Now]
    created_by: Mapped[str]


class CampaignRun(OfMerchant, Base):
    """One firing. ``occasion`` names what it was due for (``eid_al_fitr:2027:-14``), so it fires once.

    With a ``step``, it is what one step of a series sends or makes on one day.
    ``lasting_share`` is the merchant's lasting holdout as it was when the audience was frozen.
    """

    __tablename__ = "campaign_run"
    __table_args__ = (
        Index("uq_campaign_run_occasion", "campaign_id", "occasion", unique=True),
        CheckConstraint(
            "state IN ('planned', 'frozen', 'coded', 'sending', 'done', 'paused', 'stopped', 'failed')", name="state"
        ),
    )

    id: Mapped[Key]
    campaign_id: Mapped[Big]
    version: Mapped[int]
    step: Mapped[str | None]
    occasion: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="planned")
    state_reason: Mapped[str] = mapped_column(server_default="")
    state_figures: Mapped[Json]
    due_at: Mapped[Time]
    not_before: Mapped[Time | None]
    started_by: Mapped[str] = mapped_column(server_default="")
    frozen_at: Mapped[Time | None]
    finished_at: Mapped[Time | None]
    lasting_share: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    created_at: Mapped[Now]


class AudienceMember(OfMerchant, Base):
    """Who was looked at in a run: treated, held out, or excluded with the reason; ``variant`` of those treated.

    ``spared`` were drawn to be treated and a guard kept the mail from them: they count in their arm all the same.
    ``stepped``: came to a step of a series, which they had been drawn for when they entered; ``offer_code_id`` is the
    code they brought along.
    """

    __tablename__ = "audience_member"
    __table_args__ = (
        CheckConstraint("arm IN ('treated', 'spared', 'holdout', 'excluded', 'stepped')", name="arm"),
        Index("ix_audience_member_customer", "customer_id"),
    )

    run_id: Mapped[Big] = mapped_column(primary_key=True)
    customer_id: Mapped[Big] = mapped_column(primary_key=True)
    arm: Mapped[str]
    reason: Mapped[str | None]
    rung: Mapped[str | None]
    email: Mapped[str | None]
    language: Mapped[str | None]
    store_id: Mapped[Big | None]
    offer_code_id: Mapped[Big | None]
    variant: Mapped[str] = mapped_column(server_default="")
