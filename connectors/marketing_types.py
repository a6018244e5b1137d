"""What a shop is told of our campaigns for its own marketing page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class MarketingActivity:
    """A campaign as the shop's own marketing page shows it. ``key`` is ours; ``utm_campaign`` never changes later."""

    key: str
    title: str
    url: str
    utm_campaign: str
    started_at: datetime
    ended_at: datetime | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class MarketingDay:
    """What one campaign did on one day, in numbers of that day alone."""

    day: date
    sends: int = 0
    opens: int = 0
    clicks: int = 0
    unique_clicks: int = 0
    unsubscribes: int = 0
    failures: int = 0
    complaints: int = 0
    orders: int = 0
    sales_minor: int | None = None
    currency: str | None = None
