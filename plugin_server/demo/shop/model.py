"""The records of the shop server. All of them survive a restart as JSON (see journal); times are UTC, whole seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

Address = dict[str, str]

BILLING_FIELDS = (
    "first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country", "email",
    "phone",
)  # fmt: skip
SHIPPING_FIELDS = tuple(name for name in BILLING_FIELDS if name != "email")

ORDER_STATUSES = (
    "auto-draft", "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft",
)  # fmt: skip
# A code stays used while its order is in one of these; a failed, cancelled, drafted or trashed order gives it back.
USING_STATUSES = frozenset({"pending", "on-hold", "processing", "completed", "refunded"})


@dataclass(slots=True)
class Meta:
    """One entry of meta_data; ``value`` is any JSON."""

    id: int
    key: str
    value: Any


@dataclass(slots=True)
class Line:
    """One line of goods; amounts may be finer than the shop shows. ``product_id`` may have ceased to exist."""

    id: int
    name: str
    product_id: int
    variation_id: int
    quantity: int
    subtotal: Decimal
    total: Decimal
    sku: str | None = None
    parent_name: str | None = None
    option: str | None = None


@dataclass(slots=True)
class CouponLine:
    """A code as it was used on an order."""

    id: int
    code: str
    discount: Decimal
    coupon_id: int
    discount_type: str
    amount: Decimal
    free_shipping: bool = False


@dataclass(slots=True)
class CostLine:
    """A shipping line (``method`` is its id) or a fee (``method`` is empty)."""

    id: int
    title: str
    total: Decimal
    method: str = ""


@dataclass(slots=True)
class Refund:
    """Money given back; ``amount`` is positive. ``line`` names the returned line, ``quantity`` how many of it.

    ``shipping`` is what of it was for shipping.
    """

    id: int
    created: datetime
    amount: Decimal
    reason: str
    full: bool = False
    line_id: int | None = None
    quantity: int = 0
    line_total: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)


@dataclass(slots=True)
class Order:
    """One order. ``overrides`` replace rendered fields: the seam for absurd values in tests."""

    id: int
    status: str
    created: datetime
    modified: datetime
    currency: str = "IDR"
    customer_id: int = 0
    billing: Address = field(default_factory=dict)
    shipping: Address = field(default_factory=dict)
    payment: str = ""
    payment_title: str = ""
    created_via: str = "checkout"
    note: str = ""
    key: str = ""
    paid: datetime | None = None
    completed: datetime | None = None
    lines: list[Line] = field(default_factory=list)
    shipping_lines: list[CostLine] = field(default_factory=list)
    fee_lines: list[CostLine] = field(default_factory=list)
    coupon_lines: list[CouponLine] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)
    overrides: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Customer:
    """One account of the shop; guests have none."""

    id: int
    email: str
    created: datetime
    modified: datetime | None = None
    first_name: str = ""
    last_name: str = ""
    role: str = "customer"
    username: str = ""
    billing: Address = field(default_factory=dict)
    shipping: Address = field(default_factory=dict)
    paying: bool = False
    meta: list[Meta] = field(default_factory=list)


@dataclass(slots=True)
class Product:
    """A product, or with ``parent_id`` one variation of it (``option`` is its size)."""

    id: int
    name: str
    slug: str
    sku: str
    price: Decimal
    created: datetime
    modified: datetime
    kind: str = "simple"
    status: str = "publish"
    parent_id: int = 0
    option: str | None = None
    category_ids: list[int] = field(default_factory=list)
    variation_ids: list[int] = field(default_factory=list)
    regular_price: Decimal | None = None
    sale_price: Decimal | None = None
    short_description: str = ""
    meta: list[Meta] = field(default_factory=list)
    visibility: str = "visible"
    # Other fields as they were sent, over those that all products have.
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Category:
    """A product category with its plain name."""

    id: int
    name: str
    slug: str
    parent: int = 0


@dataclass(slots=True)
class Review:
    """A product review."""

    id: int
    product_id: int
    reviewer: str
    email: str
    rating: int
    text: str
    created: datetime
    status: str = "approved"
    verified: bool = False


@dataclass(slots=True)
class Coupon:
    """A code and its rules. ``email_restrictions`` empty means: open to all."""

    id: int
    code: str
    created: datetime
    modified: datetime
    amount: Decimal = Decimal(0)
    status: str = "publish"
    discount_type: str = "fixed_cart"
    description: str = ""
    expires: datetime | None = None
    individual_use: bool = False
    product_ids: list[int] = field(default_factory=list)
    excluded_product_ids: list[int] = field(default_factory=list)
    usage_limit: int | None = None
    usage_limit_per_user: int | None = None
    limit_usage_to_x_items: int | None = None
    free_shipping: bool = False
    product_categories: list[int] = field(default_factory=list)
    excluded_product_categories: list[int] = field(default_factory=list)
    exclude_sale_items: bool = False
    minimum_amount: Decimal = Decimal(0)
    maximum_amount: Decimal = Decimal(0)
    email_restrictions: list[str] = field(default_factory=list)
    # Who used it, by order id: a customer id as text, or the e-mail of a guest.
    uses: dict[int, str] = field(default_factory=dict)
    meta: list[Meta] = field(default_factory=list)


@dataclass(slots=True)
class Webhook:
    """A registered webhook. ``pinged`` is True once a ping was answered with exactly 200."""

    id: int
    name: str
    topic: str
    delivery_url: str
    secret: str
    created: datetime
    modified: datetime | None = None
    status: str = "active"
    failures: int = 0
    pinged: bool = False


@dataclass(slots=True)
class ApiKey:
    """A REST key pair; ``permissions`` is ``read``, ``write`` or ``read_write``; ``privileged`` its user's rights."""

    id: int
    key: str
    secret: str
    permissions: str = "read_write"
    privileged: bool = True
    description: str = ""
