"""What the shops sell."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, Big, Key, Now, OfMerchant, Time, Words


class Product(OfMerchant, Base):
    """A product or one variation. ``unit_cost_minor`` and ``days_of_supply`` feed margin guards and reminders.

    ``active`` goods are sold; ``listed`` ones also stand in the shop's catalogue, others are found by their link alone.
    """

    __tablename__ = "product"
    __table_args__ = (Index("uq_product_external", "store_id", "external_id", unique=True),)

    id: Mapped[Key]
    store_id: Mapped[Big]
    external_id: Mapped[str]
    parent_external_id: Mapped[str | None]
    sku: Mapped[str | None]
    title: Mapped[str]
    price_minor: Mapped[Big | None]
    currency: Mapped[str]
    unit_cost_minor: Mapped[Big | None]
    days_of_supply: Mapped[int | None]
    category_ids: Mapped[Words]
    image_url: Mapped[str | None]
    url: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    listed: Mapped[bool] = mapped_column(server_default=text("true"))
    provider_updated_at: Mapped[Time | None]
    synced_at: Mapped[Now]


class Category(OfMerchant, Base):
    """A product category of a store."""

    __tablename__ = "category"
    __table_args__ = (Index("uq_category_external", "store_id", "external_id", unique=True),)

    id: Mapped[Key]
    store_id: Mapped[Big]
    external_id: Mapped[str]
    name: Mapped[str]
    parent_external_id: Mapped[str | None]
