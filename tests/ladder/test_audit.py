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
from plugin_server.db import merchants
from plugin_server.db.audit import audit
from plugin_server.db.session import tenant
from tests.conftest import shared
from tests.ladder.shops import Shop, open_shop

NOW = datetime(2026, 11, 1, tzinfo=UTC)


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


def naive(
    orders: Iterable[Bought], zone: ZoneInfo, currency: str, first: date | None, last: date | None, window: int
) -> Any:
    """The audit again, person by person and order by order."""
    ordered = sorted(orders, key=lambda o: o.at)
    local = [(o, o.at.astimezone(zone).date()) for o in ordered]
    local = [(o, d) for o, d in local if last is None or d <= last]
    known = [(o, d) for o, d in local if o.who is not None]
    by_person: dict[int, list[tuple[Bought, date, bool]]] = defaultdict(list)
    for o, d in known:
        assert o.who is not None
        by_person[o.who].append((o, d, not by_person[o.who]))
    opened = min((d for _, d in known), default=None)
    until = last or max((d for _, d in known), default=None)

    def inside(d: date) -> bool:
        return first is None or d >= first

    def money(o: Bought) -> int:
        return o.net if o.home else 0

    held = {who: [item for item in items if inside(item[1])] for who, items in by_person.items()}
    held = {who: items for who, items in held.items() if items}
    sizes = Counter(len(items) for items in held.values())
    spent = {who: sum(money(o) for o, _, _ in items) for who, items in held.items()}
    revenue, at_home = sum(spent.values()), sum(o.home for items in held.values() for o, _, _ in items)
    existing = sum(money(o) for items in held.values() for o, _, new in items if not new)
    best = sorted(spent.values(), reverse=True)[: ceil(len(spent) / 10)]
    days = {who: sorted({d for _, d, _ in items}) for who, items in by_person.items()}
    gaps = [(b - a).days for ds in days.values() for a, b in pairwise(ds) if inside(b)]
    seconds = [(ds[1] - ds[0]).days for ds in days.values() if len(ds) > 1 and inside(ds[1])]
    guests = [o for o, d in local if o.who is None and inside(d)]
    p80 = quantile(gaps, 0.8)

    buyers: dict[str, set[int]] = defaultdict(set)
    fresh, old = Counter[str](), Counter[str]()
    for who, items in by_person.items():
        for o, d, new in items:
            buyers[month_of(d)].add(who)
            (fresh if new else old)[month_of(d)] += money(o)
    months, cohorts = [], []
    if opened is not None and until is not None:
        for month in months_between(first or opened, until):
            begins = date.fromisoformat(f"{month}-01")
            before = buyers[month_of(begins - timedelta(days=1))]
            months.append(
                {
                    "month": month,
                    "new_revenue": Money(fresh[month], currency).as_json(),
                    "existing_revenue": Money(old[month], currency).as_json(),
                    "existing_share": ratio(old[month], fresh[month] + old[month]),
                    "retention": ratio(len(before & buyers[month]), len(before)),
                    "buyers": len(buyers[month]),
                    "flagged_incomplete": p80 is None or begins < opened + timedelta(days=p80),
                }
            )
        for month in months_between(first or opened, until):
            members = {who for who, ds in days.items() if month_of(ds[0]) == month}
            if members:
                later = months_between(date.fromisoformat(f"{month}-01"), until)[1:]
                cohorts.append(
                    {"month": month, "size": len(members), "active": [len(members & buyers[m]) for m in later]}
                )
    kept = None
    if until is not None:
        middle = until + timedelta(days=1 - window)
        start = {who for who, ds in days.items() if any(middle - timedelta(days=window) <= d < middle for d in ds)}
        end = {who for who, ds in days.items() if any(middle <= d <= until for d in ds)}
        kept = ratio(len(start & end), len(start))
    average = Money(round(Decimal(revenue) / at_home), currency).as_json() if at_home else None
    return {
        "customers": len(held),
        "orders": sum(map(len, held.values())),
        "revenue": Money(revenue, currency).as_json(),
        "average_order": average,
        "orders_per_customer": {
            "1": sizes[1],
            "2": sizes[2],
            "3-4": sizes[3] + sizes[4],
            "5-9": sum(sizes[n] for n in range(5, 10)),
            "10+": sum(count for n, count in sizes.items() if n >= 10),
        },
        "repeat_rate": ratio(len(held) - sizes[1], len(held)),
        "existing_share": ratio(existing, revenue),
        "months": months,
        "cohorts": cohorts,
        "gap_days": {
            "median": quantile(gaps, 0.5),
            "p80": p80,
            "p90": quantile(gaps, 0.9),
            "p95": quantile(gaps, 0.95),
        },
        "first_to_second_median_days": statistics.median(seconds) if seconds else None,
        "top_decile_revenue_share": ratio(sum(best), revenue),
        "window_retention": {"days": window, "value": kept},
        "guests": {
            "orders": len(guests),
            "revenue": Money(sum(money(o) for o in guests), currency).as_json(),
        },
    }


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
    wanted = naive(orders, ZoneInfo("Asia/Jakarta"), "IDR", first, last, window)
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
    wanted = naive(orders, ZoneInfo("Europe/London"), "GBP", None, None, 90)
    assert wanted["customers"] > 4000
    assert rounded({key: found[key] for key in wanted}) == rounded(wanted)
