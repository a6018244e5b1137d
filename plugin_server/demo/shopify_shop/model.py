"""The records of the Shopify double. Ids are those of ``legacyResourceId``; money is Decimal in major units; UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

NOTHING = Decimal(0)


@dataclass(slots=True)
class Metafield:
    """A value that an app or the keeper hung on something; ``app`` namespaces are stored resolved (``app--1--x``)."""

    KIND: ClassVar[str] = "Metafield"
    id: int
    owner: str
    namespace: str
    key: str
    value: str
    type: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Address:
    """A postal address of a person."""

    KIND: ClassVar[str] = "MailingAddress"
    id: int
    address1: str = ""
    city: str = ""
    province_code: str = ""
    zip: str = ""
    country_code: str = "ID"
    phone: str = ""
    name: str = ""


@dataclass(slots=True)
class Customer:
    """One customer record. ``email_state`` is NOT_SUBSCRIBED, PENDING, SUBSCRIBED, UNSUBSCRIBED or INVALID."""

    KIND: ClassVar[str] = "Customer"
    id: int
    email: str | None
    created_at: datetime
    updated_at: datetime
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    locale: str = "id"
    state: str = "ENABLED"
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    verified_email: bool = True
    email_state: str = "NOT_SUBSCRIBED"
    email_level: str | None = "SINGLE_OPT_IN"
    email_updated_at: datetime | None = None
    sms_state: str = "NOT_SUBSCRIBED"
    address: Address | None = None


@dataclass(slots=True)
class LineItem:
    """One line of an order. ``discount`` is what codes took off the whole line; ``removed`` counts returned pieces."""

    KIND: ClassVar[str] = "LineItem"
    id: int
    title: str
    product_id: int | None
    variant_id: int | None
    sku: str | None
    quantity: int
    unit_price: Decimal
    discount: Decimal = NOTHING
    variant_title: str | None = None
    removed: int = 0

    @property
    def discounted(self) -> Decimal:
        """The price of the line after its discounts."""
        return self.unit_price * self.quantity - self.discount


@dataclass(slots=True)
class RefundLine:
    """Some pieces of a line that came back, and what they were worth."""

    KIND: ClassVar[str] = "RefundLineItem"
    id: int
    line_id: int
    quantity: int
    subtotal: Decimal


@dataclass(slots=True)
class Refund:
    """Money given back: for lines, for shipping, or a mere sum (``adjustment``)."""

    KIND: ClassVar[str] = "Refund"
    id: int
    order_id: int
    created_at: datetime
    processed_at: datetime
    note: str | None = None
    lines: list[RefundLine] = field(default_factory=list)
    shipping: Decimal = NOTHING
    adjustment: Decimal = NOTHING

    @property
    def total(self) -> Decimal:
        """All that was given back."""
        return sum((line.subtotal for line in self.lines), NOTHING) + self.shipping + self.adjustment


@dataclass(slots=True)
class Order:
    """One order. ``customer_id`` is None for guests; ``paid`` is what the buyer gave; ``email`` as typed.

    ``dispute`` is how a chargeback of the buyer's stands: NEEDS_RESPONSE, LOST, WON.
    """

    KIND: ClassVar[str] = "Order"
    id: int
    number: int
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    email: str | None = None
    customer_id: int | None = None
    financial: str = "PAID"
    fulfillment: str = "UNFULFILLED"
    lines: list[LineItem] = field(default_factory=list)
    shipping: Decimal = NOTHING
    tax: Decimal = NOTHING
    codes: list[str] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    sent_at: datetime | None = None
    arrived_at: datetime | None = None
    tracking: str = "FULFILLED"
    test: bool = False
    tags: list[str] = field(default_factory=list)
    note: str | None = None
    phone: str | None = None
    locale: str = "id"
    source: str = "web"
    address: Address | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    accepts_marketing: bool = False
    utm: dict[str, str] = field(default_factory=dict)
    landing_page: str | None = None
    currency: str | None = None
    token: str = ""
    dispute: str | None = None

    @property
    def goods(self) -> Decimal:
        """The lines after their discounts."""
        return sum((line.discounted for line in self.lines), NOTHING)

    @property
    def discounts(self) -> Decimal:
        """What codes took off."""
        return sum((line.discount for line in self.lines), NOTHING)

    @property
    def total(self) -> Decimal:
        """What was to be paid at the sale."""
        return self.goods + self.shipping + self.tax

    @property
    def refunded(self) -> Decimal:
        """What was given back since."""
        return sum((refund.total for refund in self.refunds), NOTHING)

    @property
    def shipping_refunded(self) -> Decimal:
        """What of it was for shipping."""
        return sum((refund.shipping for refund in self.refunds), NOTHING)

    @property
    def paid(self) -> Decimal:
        """What the shop has got of the buyer, refunds not counted."""
        return self.total if self.financial in {"PAID", "PARTIALLY_REFUNDED", "REFUNDED"} else NOTHING


@dataclass(slots=True)
class Variant:
    """Something sold: one size of a product, or its only form (``title`` Default Title)."""

    KIND: ClassVar[str] = "ProductVariant"
    id: int
    product_id: int
    title: str
    sku: str | None
    price: Decimal
    unit_cost: Decimal | None = None
    position: int = 1
    stock: int = 100


@dataclass(slots=True)
class Product:
    """A product; ``status`` is ACTIVE, UNLISTED (sold by its link alone), DRAFT or ARCHIVED."""

    KIND: ClassVar[str] = "Product"
    id: int
    title: str
    handle: str
    created_at: datetime
    updated_at: datetime
    product_type: str = ""
    vendor: str = "Toko Senja"
    description: str = ""
    status: str = "ACTIVE"
    tags: list[str] = field(default_factory=list)
    collection_ids: list[int] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)

    @property
    def sold(self) -> bool:
        """Whether it has a page and can be bought there."""
        return self.status in ("ACTIVE", "UNLISTED")


@dataclass(slots=True)
class Collection:
    """A named group of products."""

    KIND: ClassVar[str] = "Collection"
    id: int
    title: str
    handle: str
    updated_at: datetime


@dataclass(slots=True)
class Checkout:
    """A checkout that began with an e-mail address; ``completed_at`` is set where it became an order."""

    KIND: ClassVar[str] = "AbandonedCheckout"
    id: int
    token: str
    created_at: datetime
    updated_at: datetime
    email: str
    customer_id: int | None = None
    completed_at: datetime | None = None
    lines: list[LineItem] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
