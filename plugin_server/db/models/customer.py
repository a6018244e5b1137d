"""One person per merchant, across stores, accounts and guest orders."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Json, Key, Now, OfMerchant, Time, Words


class Customer(OfMerchant, Base):
    """``email`` as given, ``email_norm`` for matching (trimmed, lower case). A merged row points to its winner.

    ``enquired_at`` is the first sign of interest without an order: account, form, reply, click, abandoned checkout.
    """

    __tablename__ = "customer"
    __table_args__ = (
        Index(
            "uq_customer_email",
            "merchant_id",
            "email_norm",
            unique=True,
            postgresql_where=text("merged_into IS NULL AND email_norm IS NOT NULL"),
        ),
        Index(
            "ix_customer_merged", "merchant_id", "email_norm", "id", postgresql_where=text("merged_into IS NOT NULL")
        ),
        Index("uq_customer_public_id", "public_id", unique=True),
        Index(
            "ix_customer_member_number",
            "merchant_id",
            "member_number",
            postgresql_where=text("member_number IS NOT NULL"),
        ),
        Index(
            "ix_customer_phone_end",
            "merchant_id",
            text(r"""reverse(regexp_replace(phone, '\D', '', 'g')) COLLATE "C\""""),
            postgresql_where=text("phone IS NOT NULL"),
        ),
        Index("ix_customer_first_name", "merchant_id", text('tangga_folded(first_name) COLLATE "C"')),
        Index("ix_customer_last_name", "merchant_id", text('tangga_folded(last_name) COLLATE "C"')),
        Index("ix_customer_email_prefix", "merchant_id", text('email_norm COLLATE "C"')),
        Index(
            "ix_customer_accounts_gone",
            "accounts_gone",
            postgresql_using="gin",
            postgresql_where=text("accounts_gone <> '{}'"),
        ),
        CheckConstraint("email_norm = lower(email_norm)", name="email_norm"),
    )

    id: Mapped[Key]
    public_id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    email: Mapped[str | None]
    email_norm: Mapped[str | None]
    first_name: Mapped[str] = mapped_column(server_default="")
    last_name: Mapped[str] = mapped_column(server_default="")
    phone: Mapped[str | None]
    country: Mapped[str | None]
    language: Mapped[str | None]
    timezone: Mapped[str | None]
    birthday: Mapped[date | None]
    birthday_told_at: Mapped[Time | None]
    """When we heard of the birthday, as far as we know."""
    tags: Mapped[Words]
    source: Mapped[str] = mapped_column(server_default="")
    has_account: Mapped[bool] = mapped_column(server_default=text("false"))
    accounts_gone: Mapped[Words]
    """Accounts that their store has deleted since, as ``store:number``."""
    enquired_at: Mapped[Time | None]
    member_since: Mapped[date | None]
    member_number: Mapped[str | None]
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    erased_at: Mapped[Time | None]
    created_at: Mapped[Now]


class Identity(OfMerchant, Base):
    """What a store calls this person. Orders find their customer through it before they try the e-mail.

    ``told_rung`` is the rung the store has been told last, ``refused`` its reason where it would not take it;
    ``told_consent`` and its companions say the same of the person's answer to our mails. ``tags_due`` are tags that the
    store has yet to put on (true) or take off (false); ``written_at`` is the time of change that the account got by our
    last writing, by the store's clock.
    """

    __tablename__ = "identity"
    __table_args__ = (
        Index("uq_identity_external", "store_id", "external_id", unique=True),
        Index("ix_identity_customer", "customer_id"),
        Index("ix_identity_tags_due", "store_id", "id", postgresql_where=text("tags_due <> '{}'")),
    )

    id: Mapped[Key]
    store_id: Mapped[Big]
    external_id: Mapped[str]
    customer_id: Mapped[Big]
    content: Mapped[Json]
    provider_updated_at: Mapped[Time | None]
    told_rung: Mapped[str | None]
    refused: Mapped[str | None]
    told_consent: Mapped[str | None]
    told_consent_at: Mapped[Time | None]
    refused_consent: Mapped[str | None]
    written_at: Mapped[Time | None]
    tags_due: Mapped[Json] = mapped_column(server_default="{}")
    refused_tags: Mapped[str | None]
    created_at: Mapped[Now]


class CustomerMerge(OfMerchant, Base):
    """Two rows found to be one person. ``moved`` names what changed hands, so that it can be undone."""

    __tablename__ = "customer_merge"

    id: Mapped[Key]
    winner_id: Mapped[Big]
    loser_id: Mapped[Big]
    reason: Mapped[str]
    moved: Mapped[Json]
    merged_at: Mapped[Now]
    merged_by: Mapped[str]
    undone_at: Mapped[Time | None]
    undone_by: Mapped[str | None]
