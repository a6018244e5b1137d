"""The audit: who buys, who comes back, what that is worth. Definitions as in the glossary, all as set-based SQL.

One pass turns the counting orders of identified people into *visits*: a person, a day in the shop's zone, and what was
bought on it. Everything else reads that. Money is the merchant's currency; other currencies are listed apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, text

from connectors.types import Money
from plugin_server.db.audit import by_month, people, story
from plugin_server.db.audit.ahead import ahead
from plugin_server.db.audit.by_month import share
from plugin_server.db.audit.spending import acquisition
from plugin_server.db.effort import whole_shop
from plugin_server.db.ladder import standing
from plugin_server.db.ladder.history import movement
from plugin_server.db.ladder.whatif import margin

WINDOW_DAYS = 90
MOVED_DAYS = 30

# The first order is looked for in the order of days, so that one sort serves the grouping by day too.
_VISITS = """
    CREATE TEMP TABLE visit ON COMMIT DROP AS
    SELECT customer_id, day, date_trunc('month', day::timestamp)::date AS month, orders, net, new_net,
        row_number() OVER w AS visit, day - lag(day) OVER w AS gap,
        min(day) OVER (PARTITION BY customer_id) AS first_day
    FROM (
        SELECT customer_id, day, count(*) AS orders, coalesce(sum(net), 0) AS net,
            coalesce(sum(net) FILTER (WHERE number = 1), 0) AS new_net
        FROM (
            SELECT customer_id, (placed_at AT TIME ZONE :zone)::date AS day,
                CASE WHEN currency = :currency THEN net_minor END AS net,
                row_number() OVER (PARTITION BY customer_id
                    ORDER BY (placed_at AT TIME ZONE :zone)::date, placed_at, id) AS number
            FROM shop_order WHERE counts AND customer_id IS NOT NULL AND placed_at < :end
        ) AS bought GROUP BY customer_id, day
    ) AS days WINDOW w AS (PARTITION BY customer_id ORDER BY day)"""

_INSIDE = "day >= coalesce(:first, day)"

_PEOPLE = f"""
    SELECT count(*) AS customers, coalesce(sum(orders), 0)::bigint AS orders, coalesce(sum(net), 0)::bigint AS revenue,
        coalesce(sum(existing), 0)::bigint AS existing,
        count(*) FILTER (WHERE orders = 1) AS "1", count(*) FILTER (WHERE orders = 2) AS "2",
        count(*) FILTER (WHERE orders BETWEEN 3 AND 4) AS "3-4",
        count(*) FILTER (WHERE orders BETWEEN 5 AND 9) AS "5-9", count(*) FILTER (WHERE orders >= 10) AS "10+",
        coalesce(sum(net) FILTER (WHERE place <= ceil(people / 10.0)), 0)::bigint AS top_decile
    FROM (SELECT orders, net, existing, count(*) OVER () AS people,
              row_number() OVER (ORDER BY net DESC, customer_id) AS place
          FROM (SELECT customer_id, sum(orders) AS orders, sum(net) AS net, sum(net - new_net) AS existing
                FROM visit WHERE {_INSIDE} GROUP BY customer_id) AS each) AS ranked"""

_GAPS = f"""
    SELECT percentile_cont(ARRAY[0.5, 0.8, 0.9, 0.95]) WITHIN GROUP (ORDER BY gap) AS quantiles,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) FILTER (WHERE visit = 2) AS second
    FROM visit WHERE gap IS NOT NULL AND {_INSIDE}"""

_USUAL_WAIT = "SELECT percentile_cont(0.8) WITHIN GROUP (ORDER BY gap) FROM visit"
"""Of the whole history, also where only some days are asked for: a month is an opening one whatever was asked."""

_WINDOW = """
    SELECT count(*) AS started, count(*) FILTER (WHERE again) AS kept
    FROM (SELECT customer_id, bool_or(day >= :middle) AS again, bool_or(day < :middle) AS before
          FROM visit WHERE day >= :start AND day < :end GROUP BY customer_id) AS seen WHERE before"""

_APART = """
    SELECT customer_id IS NULL AS guest, currency, count(*) AS orders, sum(net_minor)::bigint AS minor
    FROM shop_order WHERE counts AND placed_at >= coalesce(:begin, placed_at) AND placed_at < :end
    GROUP BY 1, 2 ORDER BY 2"""


def audit(
    conn: Connection,
    *,
    merchant: Mapping[str, Any],
    date_from: date | None,
    date_to: date | None,
    now: datetime,
    window_days: int = WINDOW_DAYS,
) -> dict[str, Any]:
    """The audit of the days from ``date_from`` to ``date_to`` (both included; None: as far as orders reach).

    ``merchant`` needs ``timezone`` and ``currency``. What is new is judged by the whole history, not by the days asked
    for. Days to come hold nothing yet: they are left out. Shares of nothing are None.
    """
    today = now.astimezone(ZoneInfo(merchant["timezone"])).date()
    date_to = date_to and min(date_to, today)
    with whole_shop(conn):
        return _audit(conn, merchant, date_from, date_to, now, window_days)


def _audit(
    conn: Connection,
    merchant: Mapping[str, Any],
    date_from: date | None,
    date_to: date | None,
    now: datetime,
    window_days: int,
) -> dict[str, Any]:
    zone, currency = merchant["timezone"], merchant["currency"]
    begin, end = _moment(conn, date_from, zone), _moment(conn, date_to and date_to + timedelta(days=1), zone)
    conn.execute(text("DROP TABLE IF EXISTS visit"))
    conn.execute(text(_VISITS), {"zone": zone, "currency": currency, "end": end or now})
    conn.execute(text("ANALYZE visit"))
    by_month.prepare(conn)
    span = conn.execute(text("SELECT min(day) AS opened, max(day) AS last FROM visit")).one()
    sums = conn.execute(text(_PEOPLE), {"first": date_from}).one()
    gaps = conn.execute(text(_GAPS), {"first": date_from}).one()
    apart = conn.execute(text(_APART), {"begin": begin, "end": end or now}).all()
    quantiles = gaps.quantiles or [None] * 4
    wait = quantiles[1] if date_from is None else conn.scalar(text(_USUAL_WAIT))
    last = date_to or span.last
    months = by_month.months(conn, span, (date_from, date_to), wait, currency)
    return {
        **_people(sums, apart, currency),
        "months": months,
        "cohorts": by_month.cohorts(conn, span, date_from, last),
        "gap_days": dict(zip(("median", "p80", "p90", "p95"), quantiles, strict=True)),
        "first_to_second_median_days": gaps.second,
        "window_retention": _window(conn, last, window_days),
        "from": date_from and date_from.isoformat(),
        "to": last and last.isoformat(),
        **_conclusions(conn, merchant, months, (date_from, span.opened, last), end or now, now),
    }


def _conclusions(
    conn: Connection,
    merchant: Mapping[str, Any],
    months: list[dict[str, Any]],
    days: tuple[date | None, date | None, date | None],
    end: datetime,
    now: datetime,
) -> dict[str, Any]:
    """What the owner can do something with: people kept and lost, cost and worth of a customer, what to do next."""
    zone, currency, (first, opened, last) = merchant["timezone"], merchant["currency"], days
    rate, basis = margin(conn, currency)
    flagged = [month["month"] for month in months if month["flagged_incomplete"]]
    acquired = acquisition(conn, first=first, last=last, flagged=flagged, rate=rate, currency=currency)
    curve, cac = acquired["ltv"]["curve"], acquired["cac"]
    acquired["ltv"]["forecast"] = ahead(conn, curve=curve, cac=cac, rate=round(rate, 4), currency=currency)
    return {
        "margin": {"rate": round(rate, 4), "basis": basis, "assumed": basis.startswith("An assumption")},
        "rungs": [
            {name: rung[name] for name in ("key", "count", "share")}
            for rung in standing.counts(conn, merchant_id=merchant["id"], now=now)["rungs"]
        ],
        "moved": {"days": MOVED_DAYS, **_moved(conn, now)},
        "cross_sell": people.cross_sell(conn, zone=zone, first=first, end=end),
        "lost": people.lost(conn, today=last, currency=currency),
        "best_customers": people.best(conn, first=first, now=now, currency=currency),
        "acquisition": acquired,
        "last_month": story.last_month(months, last),
        "levers": story.levers(conn, opened=opened, last=last, zone=zone, rate=rate, currency=currency),
        "next_actions": story.actions(conn, now=now, rate=rate, currency=currency, days=people.LATELY_DAYS),
        "covers": _covers(days, now.astimezone(ZoneInfo(zone)).date()),
    }


def _covers(days: tuple[date | None, date | None, date | None], today: date) -> dict[str, Any]:
    """From and to which day the figures reach that do not all look at the days asked for; null where there is none."""
    first, opened, last = days
    year = last and last - timedelta(days=story.YEAR - 1)
    lately = today - timedelta(days=people.LATELY_DAYS)
    spans = {
        "cross_sell": (first or opened, last),
        "lost": (opened, last),
        "best_customers": (first or opened, last),
        "done_for_the_best": (lately, today),
        "levers": (year, last),
        "rungs": (today, today),
        "moved": (today - timedelta(days=MOVED_DAYS), today),
        "next_actions": (opened, today),
    }
    return {
        name: {"from": begin and begin.isoformat(), "to": end and end.isoformat()}
        for name, (begin, end) in spans.items()
    }


def _moved(conn: Connection, now: datetime) -> dict[str, int]:
    found = movement(conn, now - timedelta(days=MOVED_DAYS), now)
    return {name: found[name] for name in ("climbed", "fell", "arrived")}


def _moment(conn: Connection, day: date | None, zone: str) -> datetime | None:
    """Midnight at the beginning of a day of the shop's zone."""
    if day is None:
        return None
    found: datetime = conn.execute(
        text("SELECT cast(:day AS timestamp) AT TIME ZONE :zone"), {"day": day, "zone": zone}
    ).scalar_one()
    return found


def _people(sums: Row[Any], apart: Sequence[Row[Any]], currency: str) -> dict[str, Any]:
    at_home = sum(row.orders for row in apart if not row.guest and row.currency == currency)
    guests = [row for row in apart if row.guest]
    buckets = ("1", "2", "3-4", "5-9", "10+")
    return {
        "customers": sums.customers,
        "orders": sums.orders,
        "revenue": _money(sums.revenue, currency),
        "average_order": _money(round(Decimal(sums.revenue) / at_home), currency) if at_home else None,
        "orders_per_customer": {bucket: sums._mapping[bucket] for bucket in buckets},
        "repeat_rate": share(sums.customers - sums._mapping["1"], sums.customers),
        "existing_share": share(sums.existing, sums.revenue),
        "top_decile_revenue_share": share(sums.top_decile, sums.revenue),
        "guests": {
            "orders": sum(row.orders for row in guests),
            "revenue": _money(sum(row.minor for row in guests if row.currency == currency), currency),
        },
        "other_currencies": [
            {"orders": row.orders, "revenue": _money(row.minor, row.currency), "guests": row.guest}
            for row in apart
            if row.currency != currency
        ],
    }


def _money(minor: int, currency: str) -> dict[str, str]:
    return Money(int(minor), currency).as_json()


def _window(conn: Connection, last: date | None, days: int) -> dict[str, Any]:
    """Of those who ordered in the ``days`` before t0: the share who did in the ``days`` after it, up to ``last``."""
    if last is None:
        return {"days": days, "value": None}
    end = last + timedelta(days=1)
    middle = end - timedelta(days=days)
    row = conn.execute(text(_WINDOW), {"start": middle - timedelta(days=days), "middle": middle, "end": end}).one()
    return {"days": days, "value": share(row.kept, row.started)}
