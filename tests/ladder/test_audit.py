"""Every figure of the audit against a naive computation, on made-up histories and on a year of real orders."""

from __future__ import annotations

import csv
import gzip
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from connectors.types import Money
from plugin_server.db.audit.figures import audit
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from tests.conftest import shared
from tests.ladder.shops import Shop, open_shop

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SALES = ("new_revenue", "existing_revenue")


class Bought(NamedTuple):
    """A counting order: ``who`` is None for a guest."""

    who: int | None
    at: datetime
    net: int
    home: bool = True


def month_of(day: date) -> str:
    return day.strftime("%Y-%m")


def months_between(first: date, last: date) -> list[str]:
    found, day = [], first.replace(day=1)
    while day <= last:
        found.append(month_of(day))
        day = (day + timedelta(days=32)).replace(day=1)
    return found


def quantile(values: list[int], share: float) -> float | None:
    """As PostgreSQL's percentile_cont: linear between the neighbours."""
    if not values:
        return None
    ordered, place = sorted(values), share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


class Naive:
    """The audit again, person by person and order by order."""

    def __init__(self, orders: Iterable[Bought], zone: ZoneInfo, currency: str, first: date | None, last: date | None):
        local = [(o, o.at.astimezone(zone).date()) for o in sorted(orders, key=lambda o: o.at)]
        self.local = [(o, d) for o, d in local if last is None or d <= last]
        self.currency, self.first, self.last = currency, first, last
        self.people: dict[int, list[tuple[Bought, date, bool]]] = defaultdict(list)
        for o, d in self.local:
            if o.who is not None:
                self.people[o.who].append((o, d, not self.people[o.who]))
        known = [d for items in self.people.values() for _, d, _ in items]
        self.opened, self.until = min(known, default=None), last or max(known, default=None)
        self.days = {who: sorted({d for _, d, _ in items}) for who, items in self.people.items()}
        waits = [(b, (b - a).days) for ds in self.days.values() for a, b in pairwise(ds)]
        self.waits, self.gaps = [gap for _, gap in waits], [gap for day, gap in waits if self.inside(day)]
        self.buyers: dict[str, set[int]] = defaultdict(set)
        for who, items in self.people.items():
            for _, d, _ in items:
                self.buyers[month_of(d)].add(who)

    def inside(self, day: date) -> bool:
        return self.first is None or day >= self.first

    def money(self, minor: int) -> dict[str, str]:
        return Money(minor, self.currency).as_json()

    def figures(self, window: int) -> dict[str, Any]:
        """All of it, as ``audit`` gives it."""
        seconds = [(ds[1] - ds[0]).days for ds in self.days.values() if len(ds) > 1 and self.inside(ds[1])]
        guests = [o for o, d in self.local if o.who is None and self.inside(d)]
        names = {"median": 0.5, "p80": 0.8, "p90": 0.9, "p95": 0.95}
        return {
            **self.sums(),
            "months": self.months(),
            "cohorts": self.cohorts(),
            "gap_days": {name: quantile(self.gaps, share) for name, share in names.items()},
            "first_to_second_median_days": statistics.median(seconds) if seconds else None,
            "window_retention": {"days": window, "value": self.kept(window)},
            "guests": {"orders": len(guests), "revenue": self.money(sum(worth(o) for o in guests))},
        }

    def sums(self) -> dict[str, Any]:
        """Customers, orders, revenue and shares."""
        held = {who: [item for item in items if self.inside(item[1])] for who, items in self.people.items()}
        held = {who: items for who, items in held.items() if items}
        sizes = Counter(len(items) for items in held.values())
        spent = [sum(worth(o) for o, _, _ in items) for items in held.values()]
        at_home = sum(o.home for items in held.values() for o, _, _ in items)
        existing = sum(worth(o) for items in held.values() for o, _, new in items if not new)
        best = sorted(spent, reverse=True)[: ceil(len(spent) / 10)]
        return {
            "customers": len(held),
            "orders": sum(map(len, held.values())),
            "revenue": self.money(sum(spent)),
            "average_order": self.money(round(Decimal(sum(spent)) / at_home)) if at_home else None,
            "orders_per_customer": {
                "1": sizes[1],
                "2": sizes[2],
                "3-4": sizes[3] + sizes[4],
                "5-9": sum(sizes[n] for n in range(5, 10)),
                "10+": sum(count for n, count in sizes.items() if n >= 10),
            },
            "repeat_rate": ratio(len(held) - sizes[1], len(held)),
            "existing_share": ratio(existing, sum(spent)),
            "top_decile_revenue_share": ratio(sum(best), sum(spent)),
        }

    def months(self) -> list[dict[str, Any]]:
        """New against existing, and who came back."""
        if self.opened is None or self.until is None:
            return []
        fresh, old = Counter[str](), Counter[str]()
        inside: dict[str, set[int]] = defaultdict(set)
        for who, items in self.people.items():
            for o, d, new in items:
                if self.inside(d):
                    (fresh if new else old)[month_of(d)] += worth(o)
                    inside[month_of(d)].add(who)
        p80, made = quantile(self.waits, 0.8), []
        for month in months_between(self.first or self.opened, self.until):
            begins = date.fromisoformat(f"{month}-01")
            before = self.buyers[month_of(begins - timedelta(days=1))]
            made.append(
                {
                    "month": month,
                    "new_revenue": self.money(fresh[month]),
                    "existing_revenue": self.money(old[month]),
                    "existing_share": ratio(old[month], fresh[month] + old[month]),
                    "retention": ratio(len(before & inside[month]), len(before)),
                    "buyers": len(inside[month]),
                    "flagged_incomplete": p80 is None or begins < self.opened + timedelta(days=p80),
                    "partial": self.leaves_out_some_of(begins),
                }
            )
        return made

    def leaves_out_some_of(self, begins: date) -> bool:
        """Whether the days asked for leave out some of the month that begins then."""
        ends = (begins + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        late = self.first is not None and begins < self.first <= ends
        return late or (self.last is not None and begins <= self.last < ends)

    def cohorts(self) -> list[dict[str, Any]]:
        """Who began in a month, and how many of them ordered in each later one."""
        if self.opened is None or self.until is None:
            return []
        made = []
        for month in months_between(self.first or self.opened, self.until):
            members = {who for who, ds in self.days.items() if month_of(ds[0]) == month and self.inside(ds[0])}
            later = months_between(date.fromisoformat(f"{month}-01"), self.until)[1:]
            if members:
                active = [len(members & self.buyers[m]) for m in later]
                made.append({"month": month, "size": len(members), "active": active})
        return made

    def kept(self, window: int) -> float | None:
        """Of those who ordered in the window before the last: the share who did in the last."""
        if self.until is None:
            return None
        middle = self.until + timedelta(days=1 - window)
        begin = middle - timedelta(days=window)
        start = {who for who, ds in self.days.items() if any(begin <= d < middle for d in ds)}
        end = {who for who, ds in self.days.items() if any(middle <= d <= self.until for d in ds)}
        return ratio(len(start & end), len(start))


def worth(order: Bought) -> int:
    return order.net if order.home else 0


def rounded(figures: Any) -> Any:
    """Floats to twelve digits: sums in another order may differ in the last."""
    if isinstance(figures, dict):
        return {key: rounded(value) for key, value in figures.items()}
    if isinstance(figures, list):
        return [rounded(value) for value in figures]
    return float(f"{figures:.12g}") if isinstance(figures, float) else figures


def audited(shop: Shop, first: date | None = None, last: date | None = None, window: int = 90) -> dict[str, Any]:
    with shop.work() as conn:
        return audit(conn, merchant=merchants.get(conn), date_from=first, date_to=last, now=NOW, window_days=window)


def same(shop: Shop, orders: list[Bought], first: date | None, last: date | None, window: int) -> None:
    found = audited(shop, first, last, window)
    wanted = Naive(orders, ZoneInfo("Asia/Jakarta"), "IDR", first, last).figures(window)
    assert rounded({key: found[key] for key in wanted}) == rounded(wanted)


BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
ORDERS = st.lists(
    st.tuples(
        st.sampled_from([None, 0, 1, 2, 3, 4]),
        st.integers(0, 500 * 24).map(lambda hours: BEGIN + timedelta(hours=hours)),
        st.integers(1, 500_00),
        st.sampled_from([True, True, True, False]),
    ).map(lambda four: Bought(*four)),
    max_size=25,
    unique_by=lambda bought: bought.at,
)
DAYS = st.none() | st.integers(0, 520).map(lambda day: (BEGIN + timedelta(days=day)).date())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=ORDERS, days=st.tuples(DAYS, DAYS), window=st.integers(1, 200))
def test_every_figure_as_computed_by_hand(
    shop: Shop, orders: list[Bought], days: tuple[date | None, date | None], window: int
) -> None:
    first, last = days
    if first and last and first > last:
        first, last = last, first
    with shop.undone():
        people = [shop.person() for _ in range(5)]
        for who, at, net, home in orders:
            shop.order(
                None if who is None else people[who],
                at.replace(tzinfo=None).isoformat(),
                net,
                currency="IDR" if home else "EUR",
            )
        same(shop, orders, first, last, window)


def test_days_that_begin_within_a_month_leave_its_earlier_days_out(shop: Shop) -> None:
    early, late = shop.person(), shop.person()
    shop.order(early, "2026-02-20", 10_00)
    shop.order(early, "2026-03-02", 20_00)
    shop.order(late, "2026-03-20", 40_00)
    shop.order(early, "2026-03-21", 50_00)
    shop.order(early, "2026-04-02", 80_00)
    found = audited(shop, date(2026, 3, 15), date(2026, 4, 30))
    march, april = found["months"]
    assert (march["new_revenue"]["amount"], march["existing_revenue"]["amount"]) == ("40.00", "50.00")
    assert (march["buyers"], march["retention"], march["partial"]) == (2, 1.0, True)
    assert (april["retention"], april["partial"]) == (0.5, False)
    assert found["cohorts"] == [{"month": "2026-03", "size": 1, "active": [0]}]
    assert found["last_month"] is None
    together = sum(Decimal(month[name]["amount"]) for month in found["months"] for name in SALES)
    assert str(together) == found["revenue"]["amount"]


def test_what_does_not_count_is_not_there(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01", 100_00, status="cancelled")
    shop.order(who, "2026-01-02", 100_00, refunded_minor=100_00)
    shop.order(who, "2026-01-03", 100_00, paid=False)
    found = audited(shop)
    assert (found["customers"], found["orders"], found["average_order"]) == (0, 0, None)
    assert (found["months"], found["cohorts"], found["repeat_rate"]) == ([], [], None)


def test_other_currencies_stand_apart(shop: Shop) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01", 100_00)
    shop.order(who, "2026-01-09", 70_00, currency="EUR")
    found = audited(shop)
    assert (found["orders"], found["revenue"]["amount"], found["average_order"]["amount"]) == (2, "100.00", "100.00")
    assert found["other_currencies"] == [
        {"orders": 1, "revenue": {"amount": "70.00", "currency": "EUR"}, "guests": False}
    ]


def real_orders() -> list[tuple[str | None, datetime, int]]:
    """Invoices of a real year: sums of their lines, returns and gifts left out."""
    invoices: dict[str, tuple[str | None, datetime]] = {}
    totals: Counter[str] = Counter()
    with gzip.open(shared("data", "online-retail-1", "online_retail.csv.gz"), "rt", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if row["InvoiceNo"].startswith("C"):
                continue
            placed = datetime.fromisoformat(row["InvoiceDate"]).replace(tzinfo=UTC)
            invoices.setdefault(row["InvoiceNo"], (row["CustomerID"] or None, placed))
            totals[row["InvoiceNo"]] += round(Decimal(row["UnitPrice"]) * int(row["Quantity"]) * 100)
    return [(who, placed, totals[number]) for number, (who, placed) in invoices.items() if totals[number] > 0]


@pytest.mark.slow
def test_a_year_of_real_orders(ladder_engine: Engine) -> None:
    read = real_orders()
    shop = open_shop(ladder_engine, timezone="Europe/London", currency="GBP")
    numbers: dict[str, int] = {}
    with tenant(shop.engine, shop.merchant_id) as conn:
        for who in sorted({who for who, _, _ in read if who}):
            numbers[who] = len(numbers) + 1_000_000
        orders = [Bought(numbers[who] if who else None, placed, total) for who, placed, total in read]
        cursor = conn.connection.cursor()
        cursor.execute(
            "CREATE TEMP TABLE staged (n bigint, who bigint, placed timestamptz, total bigint) ON COMMIT DROP"
        )
        with cursor.copy("COPY staged FROM STDIN") as copy:  # type: ignore[attr-defined]
            for number, bought in enumerate(orders):
                copy.write_row((number, bought.who, bought.at, bought.net))
        cursor.execute(
            "INSERT INTO shop_order (merchant_id, store_id, external_id, customer_id, status, paid, placed_at, "
            "currency, total_minor, content) "
            "SELECT %s, %s, n, who, 'completed', true, placed, 'GBP', total, '' FROM staged ORDER BY n",
            (shop.merchant_id, shop.store_id),
        )
        found = audit(conn, merchant=merchants.get(conn), date_from=None, date_to=None, now=NOW)
    wanted = Naive(orders, ZoneInfo("Europe/London"), "GBP", None, None).figures(90)
    assert wanted["customers"] > 4000
    assert rounded({key: found[key] for key in wanted}) == rounded(wanted)


def test_days_to_come_are_left_out(shop: Shop) -> None:
    shop.order(shop.person(), "2026-01-01")
    asked = audited(shop, last=date(2999, 1, 1))
    assert asked == audited(shop, last=NOW.date())
    assert asked["to"] == NOW.date().isoformat()
