"""What an app makes in the shop: discounts, credit, activities, subscriptions, bulk operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from plugin_server.demo.shopify_shop.model import (
    NOTHING,
    Checkout,
    Collection,
    Customer,
    Metafield,
    Order,
    Product,
)


@dataclass(slots=True)
class RedeemCode:
    """One code of a discount and the orders it was used on (order id → who)."""

    KIND: ClassVar[str] = "DiscountRedeemCode"
    id: int
    code: str
    uses: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Discount:
    """A discount with its terms; ``form`` is Basic, Bxgy or FreeShipping. Terms keep the words of the input.

    ``context`` is ``{"all": "ALL"}``, ``{"customers": [ids]}`` or ``{"segments": [ids]}``.
    """

    KIND: ClassVar[str] = "Discount"
    id: int
    form: str
    automatic: bool
    title: str
    starts_at: datetime
    ends_at: datetime | None
    created_at: datetime
    updated_at: datetime
    context: dict[str, Any]
    gets: dict[str, Any] = field(default_factory=dict)
    buys: dict[str, Any] = field(default_factory=dict)
    minimum: dict[str, Any] = field(default_factory=dict)
    combines: dict[str, bool] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    usage_limit: int | None = None
    once_per_customer: bool = False
    uses_per_order: int | None = None
    destination: dict[str, Any] = field(default_factory=dict)
    maximum_shipping: Decimal | None = None
    codes: list[RedeemCode] = field(default_factory=list)
    uses: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class CodeImport:
    """One batch of codes on its way into a discount; ``outcomes`` are (code, redeem code id, error)."""

    KIND: ClassVar[str] = "DiscountRedeemCodeBulkCreation"
    id: int
    discount_id: int
    created_at: datetime
    codes: list[str]
    outcomes: list[tuple[str, int | None, str | None]] = field(default_factory=list)
    done: bool = False
    polls: int = 0


@dataclass(slots=True)
class CreditMove:
    """One movement of a store credit account; debits are negative."""

    KIND: ClassVar[str] = "StoreCreditAccountTransaction"
    id: int
    account_id: int
    amount: Decimal
    created_at: datetime
    balance: Decimal
    expires_at: datetime | None = None
    event: str = "ADJUSTMENT"


@dataclass(slots=True)
class CreditAccount:
    """The store credit of one customer in one currency."""

    KIND: ClassVar[str] = "StoreCreditAccount"
    id: int
    customer_id: int
    currency: str
    moves: list[CreditMove] = field(default_factory=list)

    @property
    def balance(self) -> Decimal:
        """What can be spent."""
        return sum((move.amount for move in self.moves), NOTHING)


@dataclass(slots=True)
class Activity:
    """A campaign as Shopify's Marketing page shows it; ``engagements`` by day."""

    KIND: ClassVar[str] = "MarketingActivity"
    id: int
    remote_id: str
    title: str
    status: str
    tactic: str
    channel: str
    remote_url: str
    utm: dict[str, str]
    created_at: datetime
    updated_at: datetime
    start: datetime | None = None
    end: datetime | None = None
    engagements: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Subscription:
    """A webhook subscription made over the API, or by the app's configuration (``declared``)."""

    KIND: ClassVar[str] = "WebhookSubscription"
    id: int
    topic: str
    uri: str
    created_at: datetime
    updated_at: datetime
    filter: str | None = None
    include_fields: list[str] = field(default_factory=list)
    name: str | None = None
    declared: bool = False
    failures: int = 0


@dataclass(slots=True)
class MetafieldDefinition:
    """What a metafield of a kind of thing looks like."""

    KIND: ClassVar[str] = "MetafieldDefinition"
    id: int
    name: str
    namespace: str
    key: str
    type: str
    owner_type: str
    access: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class BulkOperation:
    """One bulk query. ``rows`` are its JSONL lines once it ran; ``partial`` marks those of a failed one."""

    KIND: ClassVar[str] = "BulkOperation"
    id: int
    query: str
    created_at: datetime
    status: str = "CREATED"
    error_code: str | None = None
    completed_at: datetime | None = None
    object_count: int = 0
    root_count: int = 0
    size: int = 0
    has_file: bool = False
    partial: bool = False
    grouped: bool = False


Record = (
    Customer | Order | Product | Collection | Checkout | Discount | CodeImport | CreditAccount | Activity | Subscription
    | Metafield | MetafieldDefinition | BulkOperation
)  # fmt: skip
