"""Our words for what shops and mail providers tell us. Every connector translates into these and nothing else.

Money is in ISO-4217 minor units beside its currency; times are aware, in UTC; unknown words stay in ``raw_status``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from babel.numbers import get_currency_precision

from connectors.offer_types import EVERYTHING, Reach


def minor_units(amount: Decimal | str | int, currency: str) -> int:
    """The integer of minor units nearest to ``amount`` of ``currency``; halves go away from zero.

    The one place that rounds: 33333.335 IDR gives 3333334. Raises ``decimal.InvalidOperation`` or ``ValueError`` (NaN).
    """
    value = Decimal(amount)
    if not value.is_finite():
        raise ValueError(f"{amount!r} is not an amount of money")
    return int(value.scaleb(get_currency_precision(currency)).to_integral_value(rounding=ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: integer minor units and the ISO-4217 code."""

    minor: int
    currency: str

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with all its digits: ``Decimal("1250000.00")``."""
        return Decimal(self.minor).scaleb(-get_currency_precision(self.currency))

    def as_json(self) -> dict[str, str]:
        """``{"amount": "1250000.00", "currency": "IDR"}``."""
        return {"amount": str(self.amount), "currency": self.currency}


class OrderStatus(StrEnum):
    """What an order is, in our words. ``paid`` is kept apart: a cancelled order may have been paid."""

    DRAFT = "draft"
    PENDING = "pending"
    PAID = "paid"
    COMPLETED = "completed"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    FAILED = "failed"
    TRASHED = "trashed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of goods. ``total_minor`` is after line discounts and without tax; returns are negative."""

    external_id: str
    title: str
    quantity: Decimal
    total_minor: int
    product_external_id: str | None = None
    variant_external_id: str | None = None
    sku: str | None = None
    discount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back on an order; ``amount_minor`` is positive, ``shipping_minor`` is what of it was for shipping."""

    external_id: str
    amount_minor: int
    refunded_at: datetime | None = None
    shipping_minor: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """One order as its store tells it. ``total_minor`` never shrinks by refunds: net = total − sum(refunds).

    ``customer_external_id``: None for a guest; ``consent``: ticked at the till; ``delivered_at``: arrived, or sent off;
    ``way_back``: where its buyer can go on and pay (as good as a log-in), and until when."""

    external_id: str
    number: str
    status: OrderStatus
    raw_status: str
    paid: bool
    placed_at: datetime
    updated_at: datetime | None
    currency: str
    total_minor: int
    customer_external_id: str | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    country: str | None = None
    language: str | None = None
    discount_minor: int = 0
    shipping_minor: int = 0
    tax_minor: int = 0
    coupon_codes: tuple[str, ...] = ()
    lines: tuple[OrderLine, ...] = ()
    refunds: tuple[Refund, ...] = ()
    source: str | None = None
    referred_by: str | None = None
    test: bool = False
    consent: str | None = None
    delivered_at: datetime | None = None
    way_back: tuple[str, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """One account of a store. Guests are known by their orders alone.

    ``consent`` is ``subscribed``, ``unsubscribed``, ``pending`` or None where the store says nothing.
    ``member_since`` and ``referred_by`` (external id or e-mail) come from the store's meta data where it keeps them.
    """

    external_id: str
    email: str | None
    first_name: str = ""
    last_name: str = ""
    phone: str | None = None
    country: str | None = None
    language: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    birthday: date | None = None
    consent: str | None = None
    consent_at: datetime | None = None
    consent_source: str | None = None
    member_since: date | None = None
    member_number: str | None = None
    referred_by: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A sellable thing: a product, or one variation (with its parent). ``listed``: found in the shop's catalogue."""

    external_id: str
    title: str
    price_minor: int | None
    currency: str
    parent_external_id: str | None = None
    sku: str | None = None
    unit_cost_minor: int | None = None
    days_of_supply: int | None = None
    category_ids: tuple[str, ...] = ()
    image_url: str | None = None
    url: str | None = None
    active: bool = True
    updated_at: datetime | None = None
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Category:
    """A product category; ``name`` is plain text, entities resolved."""

    external_id: str
    name: str
    parent_external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A product review as its writer left it."""

    external_id: str
    product_external_id: str
    email: str
    rating: int
    text: str
    created_at: datetime
    approved: bool


class DiscountKind(StrEnum):
    """What a code takes off."""

    PERCENTAGE = "percentage"
    FIXED = "fixed"
    FREE_SHIPPING = "free_shipping"
    BUY_GET = "buy_get"


@dataclass(frozen=True, slots=True)
class CodeSpec:
    """A personal code that is to exist in the store. ``value`` is percent points (``10``) or an amount in major units.

    For ``email`` only, ``usage_limit`` times, until ``expires_at`` (UTC); beside other codes only if it ``combines``.
    """

    code: str
    kind: DiscountKind
    value: Decimal
    currency: str
    email: str
    expires_at: datetime
    minimum_minor: int = 0
    usage_limit: int = 1
    description: str = ""
    product_external_ids: tuple[str, ...] = ()
    reach: Reach = EVERYTHING
    combines: bool = False


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What became of one ``CodeSpec``: created or found equal (``external_id``), or refused with a reason."""

    code: str
    external_id: str | None
    error: str | None = None
    permanent: bool = True


class DealKind(StrEnum):
    """What a shared offer takes off. ``BUY_GET``: buy so many or for so much, get so many others cheaper or free."""

    PERCENTAGE = "percentage"
    FIXED = "fixed"
    FREE_SHIPPING = "free_shipping"
    BUY_GET = "buy_get"


@dataclass(frozen=True, slots=True)
class Deal:
    """An offer to many at once: under the shared ``code``, or applied by the shop itself where it is None.

    ``key`` is ours, one offer each: making the same key again makes nothing new. ``value`` is percent points or an
    amount in major units; ``customers`` (external ids) may use it, everybody where it is empty.
    """

    key: str
    title: str
    kind: DealKind
    value: Decimal
    currency: str
    starts_at: datetime
    ends_at: datetime | None = None
    code: str | None = None
    usage_limit: int | None = None
    once_per_customer: bool = True
    minimum_minor: int = 0
    minimum_quantity: int = 0
    product_external_ids: tuple[str, ...] = ()
    collection_external_ids: tuple[str, ...] = ()
    buy_quantity: int = 0
    get_quantity: int = 0
    get_product_external_ids: tuple[str, ...] = ()
    uses_per_order: int = 0
    customers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """A customer's answer to marketing mails, to be told to the shop. ``state`` in the words of ``Customer.consent``.

    ``confirmed``: by a mail (double opt-in). The shop changes whatever address it has: told only where it is ``email``.
    """

    customer_external_id: str
    email: str
    state: str
    at: datetime
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class CreditIntent:
    """Store credit that is to be given once, written down before the shop is asked.

    The shop keeps no reference of ours: what was given is recognised by customer, amount and ``expires_at``, which must
    differ by a second at least between two intents for one customer. ``began_at`` is when the intent was written down.
    """

    customer_external_id: str
    amount_minor: int
    currency: str
    began_at: datetime
    expires_at: datetime | None = None
    notify: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One finding about a connection: what was tried, whether it is well, and how to mend it if not."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store says of itself. ``timezone`` is an IANA name or a fixed offset such as ``+07:00``.

    ``url`` is the address the store itself tells, which a copy of it tells differently; empty where it keeps silent.
    """

    name: str
    url: str
    currency: str
    timezone: str
    platform_version: str
    capabilities: frozenset[str] = frozenset()


class StoreEventKind(StrEnum):
    """What a verified store webhook is about."""

    ORDER = "order"
    ORDER_GONE = "order_gone"
    CUSTOMER = "customer"
    CUSTOMER_GONE = "customer_gone"
    PRODUCT = "product"
    PRODUCT_GONE = "product_gone"
    COUPON = "coupon"
    CUSTOMERS_MERGED = "customers_merged"
    CHECKOUT = "checkout"
    BULK_FINISHED = "bulk_finished"
    SCOPES = "scopes"
    UNINSTALLED = "uninstalled"
    DATA_REQUEST = "data_request"
    CUSTOMER_ERASE = "customer_erase"
    STORE_ERASE = "store_erase"
    PING = "ping"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class DataSubject:
    """Whom a request about personal data is about, as far as the store names him. ``request_id`` is the store's own."""

    customer_external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    order_external_ids: tuple[str, ...] = ()
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """One store webhook in our words: the thing itself, or its id, to be read again (``refetch``, perhaps slim).

    ``source`` is the address the shop gives as its own: a copy of a shop keeps our webhooks and their secret.
    ``other_id`` is the account that was given up in a merge; ``about`` whom a request about personal data names.
    """

    kind: StoreEventKind
    external_id: str | None = None
    order: Order | None = None
    customer: Customer | None = None
    products: tuple[Product, ...] = ()
    refetch: bool = False
    note: str = ""
    source: str | None = None
    other_id: str | None = None
    about: DataSubject | None = None
