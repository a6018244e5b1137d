"""What winning customers costs and what they bring: CAC, observed lifetime value on contribution, payback.

CAC is acquisition spend over first-order customers of the same months. Lifetime value is what customers really brought
by the month after their first order, times the margin: cohorts count in a month only when they have lived through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sqlalchemy import Connection, text

from connectors.types import Money

LONGEST = 36
"""Months of the curve."""

_COHORTS = """
    SELECT cohort, (extract(year FROM month) - extract(year FROM cohort))::int * 12
            + (extract(month FROM month) - extract(month FROM cohort))::int AS distance,
        buyers AS people, fresh + existing AS net
    FROM cell"""


class BadSpend(ValueError):
    """An entry that cannot be right: ``what`` is ``amount``, ``channel`` or ``month``."""

    def __init__(self, what: str) -> None:
        super().__init__(f"This {what} cannot be right.")
        self.what = what


def enter(
    conn: Connection, *, merchant_id: int, month: date, channel: str, amount: Money, by: str, now: datetime
) -> None:
    """Put down what a channel cost in a month; nothing takes the entry away. Raises ``BadSpend``."""
    if amount.minor < 0:
        raise BadSpend("amount")
    if not channel.strip():
        raise BadSpend("channel")
    if month > now.date():
        raise BadSpend("month")
    given = {"m": merchant_id, "month": month.replace(day=1), "channel": channel.strip(), "minor": amount.minor}
    if not amount.minor:
        conn.execute(text("DELETE FROM spend_entry WHERE month = :month AND channel = :channel"), given)
        return
    conn.execute(
        text(
            "INSERT INTO spend_entry (merchant_id, month, channel, amount_minor, currency, entered_at, entered_by) "
            "VALUES (:m, :month, :channel, :minor, :currency, :at, :by) ON CONFLICT (merchant_id, month, channel) "
            "DO UPDATE SET amount_minor = excluded.amount_minor, currency = excluded.currency, "
            "entered_at = excluded.entered_at, entered_by = excluded.entered_by"
        ),
        {**given, "currency": amount.currency, "at": now, "by": by},
    )


def entries(conn: Connection) -> list[dict[str, Any]]:
    """All that was put down, newest month first."""
    rows = conn.execute(
        text("SELECT month, channel, amount_minor, currency FROM spend_entry ORDER BY month DESC, channel")
    )
    return [dict(row._mapping) for row in rows]


def acquisition(
    conn: Connection, *, first: date | None, last: date | None, flagged: Sequence[str], rate: float, currency: str
) -> dict[str, Any]:
    """CAC, curve, ratio and payback month; None where there is nothing to divide by.

    ``flagged``: months (``2026-01``) whose newcomers may be old customers: they count neither as new nor as a cohort,
    unless there are no others.
    """
    sizes, curve = _curve(conn, last, set(flagged))
    spent = {
        row["month"]: row["amount_minor"]
        for row in _by_month(entries(conn), currency)
        if (first is None or row["month"] >= first.replace(day=1)) and (last is None or row["month"] <= last)
    }
    total, won = sum(spent.values()), sum(sizes.get(month, 0) for month in spent)
    cac = Decimal(total) / won if won and total else None
    worth = [point * Decimal(str(rate)) for point in curve]
    year = worth[min(12, len(worth) - 1)] if worth else None
    return {
        "spend": Money(total, currency).as_json(),
        "new_customers": won,
        "cac": _money(cac, currency),
        "ltv": {
            "months": min(12, len(worth) - 1) if worth else None,
            "contribution": _money(year, currency),
            "curve": [_money(point, currency) for point in worth],
        },
        "ltv_to_cac": float(year / cac) if cac and year is not None else None,
        "payback_month": next((month for month, point in enumerate(worth) if cac and point >= cac), None),
    }


def _by_month(rows: list[dict[str, Any]], currency: str) -> list[dict[str, Any]]:
    sums: dict[date, int] = {}
    for row in rows:
        if row["currency"] == currency:
            sums[row["month"]] = sums.get(row["month"], 0) + row["amount_minor"]
    return [{"month": month, "amount_minor": minor} for month, minor in sums.items()]


def _curve(conn: Connection, last: date | None, flagged: set[str]) -> tuple[dict[date, int], list[Decimal]]:
    """Newcomers by month, and what one customer brought by month after the first order, summed up (minor units)."""
    if last is None:
        return {}, []
    cells: dict[date, dict[int, Any]] = {}
    for row in conn.execute(text(_COHORTS)):
        cells.setdefault(row.cohort, {})[row.distance] = row
    sizes = {cohort: held[0].people for cohort, held in cells.items()}
    used = {cohort: held for cohort, held in cells.items() if f"{cohort:%Y-%m}" not in flagged} or cells
    # The last month has not been lived through unless its last day has come.
    through = last if (last + timedelta(days=1)).day == 1 else last.replace(day=1) - timedelta(days=1)
    made, total = list[Decimal](), Decimal(0)
    for distance in range(LONGEST + 1):
        old = [cohort for cohort in used if _months(cohort, through) >= distance]
        people = sum(sizes[cohort] for cohort in old)
        if not people:
            break
        net = sum(used[cohort][distance].net or 0 for cohort in old if distance in used[cohort])
        total += Decimal(net) / people
        made.append(total)
    return sizes, made


def _months(cohort: date, through: date) -> int:
    return (through.year - cohort.year) * 12 + through.month - cohort.month


def _money(minor: Decimal | None, currency: str) -> dict[str, str] | None:
    if minor is None:
        return None
    return Money(int(minor.quantize(Decimal(1), ROUND_HALF_EVEN)), currency).as_json()
