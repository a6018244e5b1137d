"""The audit's conclusions: last month against the one before, the five levers, and what to do next, in money.

Levers (Sugars): known people × share who bought × orders per buyer × average order × margin = profit, over the year to
the last order and the year before; the logarithms of their changes share out the change of profit between them.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, text

from connectors.types import Money
from plugin_server.db.ladder.whatif import FIRST_ORDER, OWN_AVERAGE

YEAR = 365
ONE_IN_TEN = 0.1
"""How many of a group are taken to answer, until holdouts have shown it: an assumption, and called so."""
A_TENTH = 0.1
ALL_UP = (1 + A_TENTH) ** 5

_YEAR = """
    SELECT count(*) AS buyers, coalesce(sum(orders), 0)::bigint AS orders, coalesce(sum(net), 0)::bigint AS net
    FROM (SELECT customer_id, sum(orders) AS orders, sum(net) AS net FROM visit
          WHERE day > cast(:last AS date) - cast(:back AS int) AND day <= cast(:last AS date) - cast(:until AS int)
          GROUP BY customer_id) AS each"""

_KNOWN = """
    SELECT count(*) FROM customer c LEFT JOIN customer_facts f ON f.customer_id = c.id
    LEFT JOIN (SELECT customer_id, first_day FROM visit WHERE visit = 1) v ON v.customer_id = c.id
    WHERE c.merged_into IS NULL AND least((coalesce(f.known_since, c.created_at) AT TIME ZONE :zone)::date, v.first_day)
        <= cast(:last AS date) - cast(:until AS int)"""

_WILLING = """f.consent_promotions = 'subscribed' AND c.email_norm IS NOT NULL
    AND NOT EXISTS (SELECT FROM suppression s WHERE s.email_norm = c.email_norm)"""
"""Whom a promotion written today would reach: agreed, with an address that is not shut off."""

GROUPS = f"""
    WITH grouped AS (
        SELECT {OWN_AVERAGE} AS worth, {_WILLING} AS willing,
            CASE WHEN orders = 1 AND activity <> 'lapsed' THEN 'second_order'
                WHEN order_days >= 2 AND activity = 'cooling' THEN 'cooling'
                WHEN order_days >= 2 AND activity = 'lapsed' THEN 'win_back'
                WHEN orders = 0 AND consent_promotions = 'subscribed' THEN 'first_order' END AS action
        FROM customer_facts f JOIN customer c ON c.id = f.customer_id)
    SELECT action, count(*) AS people, count(*) FILTER (WHERE willing) AS reachable,
        CASE WHEN action = 'first_order' THEN
            count(*) FILTER (WHERE willing) * ({FIRST_ORDER})
            ELSE sum(worth) FILTER (WHERE willing) END AS worth
    FROM grouped WHERE action IS NOT NULL GROUP BY action"""

_BEST = f"""
    SELECT 'best_forgotten' AS action, count(*) AS people, count(*) FILTER (WHERE willing) AS reachable,
        sum(worth) FILTER (WHERE willing) AS worth
    FROM (SELECT {OWN_AVERAGE} AS worth, {_WILLING} AS willing
        FROM best JOIN customer_facts f USING (customer_id) JOIN customer c ON c.id = f.customer_id
        WHERE NOT EXISTS (SELECT FROM message m WHERE m.customer_id = f.customer_id AND m.accepted_at >= :since)
            AND NOT EXISTS (SELECT FROM offer_code o WHERE o.customer_id = f.customer_id AND o.issued_at >= :since)
    ) AS forgotten"""


def last_month(months: Sequence[Mapping[str, Any]], last: date | None) -> dict[str, Any] | None:
    """The last whole month that is over against the one before; None where there are not two."""
    over = [month for month in months if last and not month["partial"] and _is_over(month["month"], last)]
    if len(over) < 2:
        return None
    before, after = over[-2:]
    return {
        "month": after["month"],
        "before": before["month"],
        **{
            name: {"now": after[name], "before": before[name], "change": _change(after[name], before[name])}
            for name in ("buyers", "new_revenue", "existing_revenue", "retention", "existing_share")
        },
        "flagged_incomplete": bool(before["flagged_incomplete"] or after["flagged_incomplete"]),
    }


def _is_over(month: str, last: date) -> bool:
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, monthrange(year, number)[1]) <= last


def _change(after: Any, before: Any) -> Any:
    """Money as money, counts and shares as their difference."""
    if isinstance(after, dict):
        amount = Decimal(after["amount"]) - Decimal(before["amount"])
        return {"amount": str(amount), "currency": after["currency"]}
    return None if after is None or before is None else after - before


def levers(
    conn: Connection, *, opened: date | None, last: date | None, zone: str, rate: float, currency: str
) -> dict[str, Any] | None:
    """The five levers of the last 365 days and of the 365 before; None where nobody bought in the last.

    The year before is None where the records do not reach back over all of it.
    """
    if last is None or opened is None:
        return None
    now, before = (_year(conn, last, zone, years) for years in (0, 1))
    if not now[1].buyers or not now[0]:
        return None
    values, old = _values(*now, rate), _values(*before, rate)
    profit, was = round(now[1].net * rate), round(before[1].net * rate)
    whole = opened <= last - timedelta(days=2 * YEAR - 1)
    parts = _shared_out(values, old, profit - was) if whole else None
    return {
        "from": (last - timedelta(days=YEAR - 1)).isoformat(),
        "to": last.isoformat(),
        "profit": Money(profit, currency).as_json(),
        "profit_before": Money(was, currency).as_json() if parts else None,
        "levers": [
            {
                "lever": name,
                "now": _told(name, value, currency),
                "before": _told(name, old[name], currency) if parts else None,
                "effect": Money(parts[name], currency).as_json() if parts else None,
                "up_a_tenth": Money(round(profit * A_TENTH), currency).as_json(),
            }
            for name, value in values.items()
        ],
        "each_up_a_tenth": Money(round(profit * (ALL_UP - 1)), currency).as_json(),
    }


def _year(conn: Connection, last: date, zone: str, years: int) -> tuple[int, Row[Any]]:
    given = {"last": last, "until": years * YEAR, "back": (years + 1) * YEAR, "zone": zone}
    return int(conn.scalar(text(_KNOWN), given) or 0), conn.execute(text(_YEAR), given).one()


def _values(known: int, row: Row[Any], rate: float) -> dict[str, float]:
    return {
        "people": known,
        "conversion": row.buyers / known if known else 0.0,
        "orders": row.orders / row.buyers if row.buyers else 0.0,
        "average": row.net / row.orders if row.orders else 0.0,
        "margin": rate,
    }


def _told(name: str, value: float, currency: str) -> float | dict[str, str]:
    return Money(round(value), currency).as_json() if name == "average" else value


def _shared_out(now: Mapping[str, float], before: Mapping[str, float], change: int) -> dict[str, int] | None:
    """What each lever did to the profit, in minor units that add up to the change; None where a year is bare."""
    if min(*now.values(), *before.values()) <= 0:
        return None
    logs = {name: math.log(now[name] / before[name]) for name in now}
    total = sum(logs.values())
    parts = {name: round(change * log / total) if abs(total) > 1e-12 else 0 for name, log in logs.items()}
    # What rounding left over goes to the lever that moved most.
    largest = max(logs, key=lambda name: abs(logs[name]))
    parts[largest] += change - sum(parts.values())
    return parts


def actions(conn: Connection, *, now: datetime, rate: float, currency: str, days: int) -> list[dict[str, Any]]:
    """The three groups whose answer would bring most margin, if one in ten of those a mail reaches ordered as usual.

    Each with the figures it rests on: how many people, how many of them a mail reaches, the average order of these, the
    share taken to answer. Where nobody is reached there is nothing to do. Needs the table ``best``.
    """
    groups = [
        *conn.execute(text(GROUPS)),
        conn.execute(text(_BEST), {"since": now - timedelta(days=days)}).one(),
    ]
    made = [
        {
            "action": group.action,
            "people": group.people,
            "reachable": group.reachable,
            "average_order": Money(round(group.worth / group.reachable), currency).as_json(),
            "answering": ONE_IN_TEN,
            "margin_rate": round(rate, 4),
            "worth": Money(round(float(group.worth) * ONE_IN_TEN * rate), currency).as_json(),
        }
        for group in groups
        if group.reachable and group.worth
    ]
    return sorted(made, key=lambda action: Decimal(action["worth"]["amount"]), reverse=True)[:3]
