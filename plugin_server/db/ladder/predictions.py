"""What a fit says of each customer: one line a head, with intervals and a window for the next order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from campaigns.forecast import HORIZON_WEEKS
from campaigns.forecast.histories import WEEK, Histories
from campaigns.forecast.outlook import LEVEL, Forecast
from plugin_server.db.ladder import histories
from plugin_server.db.ladder.forecast import kept, models, money

CHUNK = 20_000
FAR = 520.0
"""Weeks beyond which a next order is not dated."""

_NAMES = """
    SELECT c.id, c.email, (SELECT external_id FROM identity i WHERE i.customer_id = c.id ORDER BY i.id LIMIT 1)
    FROM customer c WHERE c.id = ANY(:ids)"""


def customers(
    conn: Connection, *, made: Forecast, ids: NDArray[np.int64], of: Histories, weeks: float, until: date, currency: str
) -> Iterator[dict[str, Any]]:
    """One document per customer over the ``weeks`` after ``until``, in the order of their ids."""
    for start in range(0, len(ids), CHUNK):
        part = np.zeros(len(ids), dtype=np.bool_)
        part[start : start + CHUNK] = True
        numbers = [int(number) for number in ids[part]]
        names = {row[0]: (row[1], row[2]) for row in conn.execute(text(_NAMES), {"ids": numbers})}
        yield from _lines(made, numbers, of.of(part), names, weeks, until, currency)


def by_rules(conn: Connection, *, ids: NDArray[np.int64], reason: str) -> Iterator[dict[str, Any]]:
    """The same without predictions: each customer's activity by the shop's own rhythm, and why there is no more."""
    query = text(
        "SELECT n.*, f.activity FROM (" + _NAMES + ") AS n (id, email, external) "
        "LEFT JOIN customer_facts f ON f.customer_id = n.id ORDER BY n.id"
    )
    nothing = dict.fromkeys(("p_alive", "p_buys", "expected_orders", "expected_spend", "interval", "next_order"))
    for row in conn.execute(query, {"ids": [int(number) for number in ids]}):
        names = {"external_id": row.external, "email": row.email}
        yield {**names, **nothing, "activity": row.activity or "none", "reason": reason}


def _lines(
    made: Forecast,
    numbers: list[int],
    of: Histories,
    names: dict[int, tuple[str | None, str | None]],
    weeks: float,
    until: date,
    currency: str,
) -> Iterator[dict[str, Any]]:
    alive, buys, orders = made.alive(of), made.buys(of, weeks), made.orders(of, weeks)
    between, window = made.between(of, weeks), made.window(of)
    nothing = np.full(len(of), np.nan)
    value = made.spent.value(of) if made.spent else nothing
    spend = [
        made.spent.total(of, between[row].astype(np.float64), share) if made.spent else nothing
        for row, share in enumerate(((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    ]

    def told(amount: float) -> dict[str, str] | None:
        return None if np.isnan(amount) else money(amount, currency)

    for n, number in enumerate(numbers):
        email, external = names.get(number, (None, None))
        known = not np.isnan(value[n])
        yield {
            "external_id": external,
            "email": email,
            "p_alive": float(alive[n]),
            "p_buys": float(buys[n]),
            "expected_orders": float(orders[n]),
            "expected_spend": told(float(orders[n] * value[n])),
            "interval": {
                "level": LEVEL,
                "orders": [int(between[0][n]), int(between[1][n])],
                "spend": [told(float(part[n])) for part in spend] if known else None,
            },
            "average_order": told(float(value[n])),
            "next_order": _window(float(window[0][n]), float(window[1][n]), until) if alive[n] >= 0.5 else None,
        }


def _window(first: float, last: float, until: date) -> dict[str, str | None]:
    """Between which days the next order falls half of the time; never a single date."""
    return {
        name: (until + timedelta(days=round(weeks * WEEK))).isoformat() if weeks <= FAR else None
        for name, weeks in (("from", first), ("to", last))
    }


def one(conn: Connection, *, merchant: Mapping[str, Any], customer_id: int, now: datetime) -> dict[str, Any] | None:
    """The forecast of one customer from today on, with the models kept last.

    None where there are none, where they are not usable, or where the customer has never ordered.
    """
    found = kept(conn)
    if found is None or not found[1]["usable"]:
        return None
    today = now.astimezone(ZoneInfo(merchant["timezone"])).date()
    ids, of, _ = histories.read(conn, merchant=merchant, cut=today, until=today, customer_ids=[customer_id])
    told = customers(
        conn, made=models(found[1]), ids=ids, of=of, weeks=HORIZON_WEEKS, until=today, currency=merchant["currency"]
    )
    return next(told, None)
