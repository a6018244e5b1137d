"""What the demo shop is made of: frozen values that the generator gives and the shop server serves.

Money is whole rupiah; times are aware datetimes in UTC with whole seconds; ids are those of the shop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Family(StrEnum):
    """The two product families; a buyer belongs to one of them."""

    FASHION = "fashion"
    SUPPLEMENT = "supplement"


class Standing(StrEnum):
    """How the shop knows a contact: by orders, by an account alone, or only from an imported list."""

    BUYER = "buyer"
    PROSPECT = "prospect"
    SUSPECT = "suspect"


@dataclass(frozen=True, slots=True)
class ShopCategory:
    """A product category; ``parent`` is 0 at the top."""

    id: int
    name: str
    slug: str
    parent: int = 0


@dataclass(frozen=True, slots=True)
class ShopVariation:
    """One size of a fashion product."""

    id: int
    option: str
    sku: str
    price: int
    unit_cost: int


@dataclass(frozen=True, slots=True)
class ShopProduct:
    """A product; with ``variations`` it is sold only as one of them. ``days_of_supply`` is of one unit."""

    id: int
    name: str
    slug: str
    sku: str
    family: Family
    category_ids: tuple[int, ...]
    price: int
    unit_cost: int
    created: datetime
    blurb: str = ""
    days_of_supply: int | None = None
    variations: tuple[ShopVariation, ...] = ()


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person said about promotions by e-mail: ``subscribed``, ``unsubscribed`` or ``pending``."""

    state: str
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class ShopPerson:
    """One contact. ``customer_id`` is None for guests and Suspects; ``referred_by`` is a customer id."""

    standing: Standing
    first_name: str
    last_name: str
    email: str
    phone: str
    address: str
    city: str
    state: str
    postcode: str
    language: str
    registered: datetime | None = None
    customer_id: int | None = None
    birthday: date | None = None
    consent: Consent | None = None
    member_since: date | None = None
    member_number: str | None = None
    referred_by: int | None = None


@dataclass(frozen=True, slots=True)
class ShopLine:
    """One line of a basket. ``total`` is after the discount; ``variation_id`` is 0 for a product without sizes."""

    product_id: int
    variation_id: int
    quantity: int
    subtotal: int
    total: int


@dataclass(frozen=True, slots=True)
class ShopRefund:
    """Money given back; ``line`` is the index of the returned line, None for a mere amount."""

    id: int
    at: datetime
    amount: int
    reason: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """One order. ``person`` is an index into ``ShopData.people``; ``email`` is as typed at the checkout."""

    id: int
    person: int
    customer_id: int
    email: str
    status: str
    created: datetime
    modified: datetime
    payment: str
    lines: tuple[ShopLine, ...]
    shipping: int = 0
    coupon: str | None = None
    paid: datetime | None = None
    completed: datetime | None = None
    refunds: tuple[ShopRefund, ...] = ()
    referred_by: int | None = None
    consent: Consent | None = None

    @property
    def total(self) -> int:
        """What was to be paid; refunds do not lower it."""
        return sum(line.total for line in self.lines) + self.shipping

    @property
    def counts(self) -> bool:
        """Paid and worth something net of refunds."""
        return self.paid is not None and self.total > sum(refund.amount for refund in self.refunds)


@dataclass(frozen=True, slots=True)
class ShopReview:
    """A product review as its writer left it."""

    id: int
    product_id: int
    reviewer: str
    email: str
    rating: int
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShopCoupon:
    """One of the shop's own public codes; ``percent`` or an amount off the cart."""

    id: int
    code: str
    percent: bool
    amount: int
    created: datetime


@dataclass(frozen=True, slots=True)
class Truth:
    """What nobody can see in a real shop: the latent traits behind one contact, and the rung that follows.

    ``rate`` is purchases per week, ``dropout`` the chance to be lost after each purchase, ``spend`` the mean basket.
    """

    email: str
    standing: Standing
    family: Family | None
    rate: float
    dropout: float
    spend: float
    satisfaction: float
    rung: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A campaign of the past: when it began, for how many days it is read, who was in which arm on which rung.

    ``members`` are (e-mail, ``treated``, ``lasting_holdout`` or ``campaign_holdout``, rung); ``lasting`` and
    ``held_out`` are the shares of the lasting holdout and of all held out; ``effects`` is the truth, by rung.
    """

    key: str
    name: str
    began: datetime
    days: int
    lasting: float
    held_out: float
    effects: dict[str, float]
    members: tuple[tuple[str, str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShopData:
    """A whole shop as of ``now``."""

    seed: int
    now: datetime
    categories: tuple[ShopCategory, ...]
    products: tuple[ShopProduct, ...]
    coupons: tuple[ShopCoupon, ...]
    people: tuple[ShopPerson, ...]
    orders: tuple[ShopOrder, ...]
    reviews: tuple[ShopReview, ...]
    truths: tuple[Truth, ...] = field(repr=False, default=())
    trials: tuple[Tried, ...] = ()
