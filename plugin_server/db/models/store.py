"""A connected shop, how far it has been read, and each reading."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Json, Key, Now, OfMerchant, Time, Words


class Store(OfMerchant, Base):
    """``credentials`` and ``webhook_secrets`` are encrypted JSON; ``fingerprint`` is the address the shop tells.

    When it tells another, the store is ``frozen``: a staging copy must not mail real customers. ``told_fingerprint`` is
    then the address it told last, which waits for a person to confirm it. ``webhooks`` holds how ours at the shop stood
    when we last looked: ``{"at", "trouble", "states": [{"topic", "was", "state"}]}``.
    """

    __tablename__ = "store"
    __table_args__ = (
        CheckConstraint("platform IN ('woocommerce', 'shopify', 'csv')", name="platform"),
        CheckConstraint("state IN ('connected', 'frozen', 'broken', 'disconnected')", name="state"),
        Index("uq_store_url", "merchant_id", "platform", "url", unique=True),
        Index("ix_store_url", "platform", "url"),
    )

    id: Mapped[Key]
    platform: Mapped[str]
    name: Mapped[str]
    url: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="connected")
    state_reason: Mapped[str] = mapped_column(server_default="")
    credentials: Mapped[bytes | None] = mapped_column(LargeBinary)
    webhook_secrets: Mapped[bytes | None] = mapped_column(LargeBinary)
    read_only: Mapped[bool] = mapped_column(server_default=text("false"))
    fingerprint: Mapped[str | None]
    told_fingerprint: Mapped[str | None]
    currency: Mapped[str | None]
    timezone: Mapped[str | None]
    version: Mapped[str | None]
    capabilities: Mapped[Words]
    checks: Mapped[Json]
    webhooks: Mapped[Json]
    checked_at: Mapped[Time | None]
    created_at: Mapped[Now]


class SyncCursor(OfMerchant, Base):
    """Up to when a resource of a store has been read; moved only after the rows are in."""

    __tablename__ = "sync_cursor"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[Time]


class SyncRun(OfMerchant, Base):
    """One reading of a store: full, incremental or reconcile, with live progress and what it repaired.

    ``deaths`` counts the readings that died in a row up to this one, itself included once it is closed.
    """

    __tablename__ = "sync_run"
    __table_args__ = (
        CheckConstraint("kind IN ('full', 'incremental', 'reconcile')", name="kind"),
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
        Index("ix_sync_run_store", "store_id", text("id DESC")),
    )

    id: Mapped[Key]
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="queued")
    phase: Mapped[str] = mapped_column(server_default="")
    seen: Mapped[Big] = mapped_column(server_default="0")
    total: Mapped[int | None]
    counters: Mapped[Json]
    faults: Mapped[Json]
    error: Mapped[str] = mapped_column(server_default="")
    deaths: Mapped[int] = mapped_column(server_default="0")
    queued_at: Mapped[Now]
    started_at: Mapped[Time | None]
    beat_at: Mapped[Time | None]
    finished_at: Mapped[Time | None]


class StoreAccess(OfMerchant, Base):
    """How we may call a store whose rights can end; the pair of tokens itself lies sealed in ``Store.credentials``.

    ``installed`` is True for our app, False for a token that somebody pasted. ``trouble`` is the code of what only a
    person can mend (empty: none); ``told_at`` says when the owner was told of it by mail. An uninstalled store is
    emptied at ``purge_at`` unless it comes back before.
    """

    __tablename__ = "store_access"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    installed: Mapped[bool] = mapped_column(server_default=text("false"))
    scopes: Mapped[Words]
    expires_at: Mapped[Time | None]
    refresh_expires_at: Mapped[Time | None]
    refreshed_at: Mapped[Time | None]
    trouble: Mapped[str] = mapped_column(server_default="")
    troubled_at: Mapped[Time | None]
    told_at: Mapped[Time | None]
    uninstalled_at: Mapped[Time | None]
    purge_at: Mapped[Time | None]


class StoreStaff(OfMerchant, Base):
    """Which of our people somebody in the shop's own admin is."""

    __tablename__ = "store_staff"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    seen_at: Mapped[Now]
