"""What the API takes and gives, each a model: the answers are made of them, and so is the OpenAPI document."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Asked(BaseModel):
    """What somebody sends: an unknown word is a mistake, and no wish."""

    model_config = ConfigDict(extra="forbid")


class Fault(BaseModel):
    """One thing that is wrong: where, and how to mend it."""

    at: str
    sentence: str


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = []


class Money(BaseModel):
    """An amount as a decimal string, and its ISO 4217 currency."""

    amount: str
    currency: str


class AsOf(Asked):
    """A day in the shop's zone; today where none is given."""

    as_of: date | None = Field(default=None, description="As the end of this day was; now where it is left out.")


class RungCount(BaseModel):
    """How many stand on a rung, and their share of everybody."""

    key: str
    name: str
    count: int
    share: float


class Activity(BaseModel):
    """Everybody by activity."""

    active: int
    cooling: int
    lapsed: int
    none: int


class Ladder(BaseModel):
    """The ladder with its counts, from the lowest rung up."""

    as_of: date
    ladder: str
    ladder_version: int
    customers: int
    rungs: list[RungCount]
    activity: Activity


class CustomersAsked(Asked):
    """Which customers, page by page."""

    email: str = Field(default="", max_length=254, description="The one with exactly this address.")
    rung: str = Field(default="", description="Those on this rung, by its key.")
    activity: str = Field(default="", description="Those who are `active`, `cooling`, `lapsed` or `none`.")
    after: str = Field(default="", description="`next` of the page before.")
    limit: int = Field(default=50, ge=1, le=200)


class CustomerHead(BaseModel):
    """One customer in a list."""

    id: int
    email: str | None
    first_name: str
    last_name: str
    rung: str | None
    rung_since: datetime | None
    activity: str
    orders: int
    spend: Money
    last_order_at: datetime | None


class Customers(BaseModel):
    """A page of customers, those who ordered last first. ``next`` is None on the last page."""

    items: list[CustomerHead]
    next: str | None


class Reason(BaseModel):
    """A condition of the ladder: whether it holds for this customer, and the figure it was held against."""

    fact: str
    holds: bool
    value: Any
    sentence: str
    rule: dict[str, Any]
    short_by: int | None = None


class NextRung(BaseModel):
    """The rung above, and what is missing for it."""

    rung: str
    missing: list[Reason]


class Customer(CustomerHead):
    """One customer with facts, rung, why there, and what is missing for the next."""

    phone: str | None
    country: str | None
    language: str | None
    birthday: date | None
    member_since: date | None
    member_number: str | None
    average_order: Money | None
    first_order_at: datetime | None
    refunded: Money
    discount_orders: int
    referrals_converted: int
    reviews: int
    consent_promotions: str
    because: list[Reason]
    next: NextRung | None


class CampaignHead(BaseModel):
    """A campaign in a list."""

    key: str
    name: str
    state: str
    version: int
    trigger: str


class Campaigns(BaseModel):
    """All campaigns by key."""

    items: list[CampaignHead]


class Drafted(CampaignHead):
    """A draft as it was saved, with what is worth knowing about it."""

    warnings: list[str]


class AudienceCounts(BaseModel):
    """Whom a campaign would reach now, and why others not."""

    campaign: str
    audience: int
    treated: int
    holdout: int
    excluded: dict[str, int]
    counted_at: AwareDatetime


class Figures(BaseModel):
    """A document whose further fields may grow."""

    model_config = ConfigDict(extra="allow")


class Results(Figures):
    """What came of a campaign: treated against holdout, with intervals."""

    campaign: str
    state: str
    goal: str
    runs: list[dict[str, Any]]
    arms: dict[str, dict[str, Any]]
    differences: dict[str, dict[str, Any] | None]
    verdict: str
    sample_ratio_p: float | None
    offers: dict[str, Any]
    movement: dict[str, dict[str, int]]
    figures: dict[str, Any]
    messages: dict[str, int]


class SegmentCount(BaseModel):
    """A segment and how many it holds, counted one by one."""

    key: str
    name: str
    sentence: str
    count: int
    total: int


class Segments(BaseModel):
    """All segments by name."""

    items: list[SegmentCount]


class AuditAsked(Asked):
    """The days of an audit; as far as orders reach where they are left out."""

    since: date | None = Field(default=None, alias="from", description="The first day.")
    until: date | None = Field(default=None, alias="to", description="The last day.")


class AuditMonth(Figures):
    """One month of the audit."""

    month: str
    new_revenue: Money
    existing_revenue: Money
    existing_share: float | None
    retention: float | None
    buyers: int
    flagged_incomplete: bool
    partial: bool


class Cohort(Figures):
    """Those who first bought in one month, and how many of them bought again in each month after."""

    month: str
    size: int
    active: list[int]


class Audit(Figures):
    """The audit, with the moment it was made; ``stale_since`` where orders changed after it."""

    made_at: AwareDatetime
    stale_since: datetime | None
    customers: int
    orders: int
    revenue: Money
    average_order: Money | None
    orders_per_customer: dict[str, int]
    repeat_rate: float | None
    existing_share: float | None
    months: list[AuditMonth]
    cohorts: list[Cohort]
    gap_days: dict[str, float | None]
    first_to_second_median_days: float | None
    top_decile_revenue_share: float | None
    window_retention: dict[str, Any]
    guests: dict[str, Any]
