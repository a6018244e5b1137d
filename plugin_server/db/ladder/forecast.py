"""Forecasts of a shop: histories out of its orders, models, gates, and one line per customer.

Orders of one customer on one day of the shop's zone are one transaction. Time runs from the first of them to ``until``.
A purchase that a coupon paid in full brings no money and counts nowhere else, but it is a sign of life: here it is a
transaction, as it is in the published histories of CDNOW. A gift is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from babel.numbers import get_currency_precision
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from campaigns.forecast import outlook
from campaigns.forecast.buying import Buying, ModelName, NoFit
from campaigns.forecast.histories import WEEK, Histories
from campaigns.forecast.outlook import LEVEL, Calibration, Forecast, Gate
from campaigns.forecast.spend import Spend
from connectors.types import Money
from plugin_server.db.effort import whole_shop
from plugin_server.db.ladder.outlook import CHUNK, HORIZON_WEEKS
from plugin_server.db.models.order import NOTHING_TO_PAY

FAR = 520.0
"""Weeks beyond which a next order is not dated."""

_BOUGHT = f"""
    SELECT customer_id, placed_at, net_minor, currency FROM shop_order WHERE counts AND customer_id {{whose}}
    UNION ALL
    SELECT customer_id, placed_at, net_minor, currency FROM shop_order o
    WHERE {NOTHING_TO_PAY} AND customer_id {{whose}} AND (discount_minor > 0 OR coalesce(
        (SELECT max(l.total_minor + l.discount_minor) > 0 FROM order_line l WHERE l.order_id = o.id), true))"""
"""A gift is known by its lines: nothing in it has a price. An order without lines is none as far as anybody knows."""

_DAYS = f"""
    SELECT customer_id, (placed_at AT TIME ZONE :zone)::date AS day,
        sum(net_minor) FILTER (WHERE currency = :currency) AS net
    FROM ({_BOUGHT}) AS bought GROUP BY 1, 2"""

_HISTORIES = """
    SELECT customer_id, count(*) FILTER (WHERE day <= :cut) - 1 AS repeats,
        max(day) FILTER (WHERE day <= :cut) - min(first) AS last, cast(:cut AS date) - min(first) AS age,
        avg(net) FILTER (WHERE day > first AND day <= :cut) AS value, count(*) FILTER (WHERE day > :cut) AS later
    FROM (SELECT *, min(day) OVER (PARTITION BY customer_id) AS first FROM ({days}) AS days) AS bought
    WHERE day <= :until AND first <= :cut GROUP BY customer_id ORDER BY customer_id"""

_SPAN = f"""
    SELECT (min(placed_at) AT TIME ZONE :zone)::date AS opened, (max(placed_at) AT TIME ZONE :zone)::date AS last
    FROM ({_BOUGHT.format(whose="IS NOT NULL")}) AS bought
    WHERE cast(:until AS date) IS NULL OR (placed_at AT TIME ZONE :zone)::date <= :until"""

_NAMES = """
    SELECT c.id, c.email, (SELECT external_id FROM identity i WHERE i.customer_id = c.id ORDER BY i.id LIMIT 1)
    FROM customer c WHERE c.id = ANY(:ids)"""


def read(
    conn: Connection,
    *,
    merchant: Mapping[str, Any],
    cut: date,
    until: date,
    customer_ids: Sequence[int] | None = None,
) -> tuple[NDArray[np.int64], Histories, NDArray[np.int64]]:
    """Customer ids, their histories up to ``cut``, and how many days with orders followed by ``until``.

    Of everybody, or of some customers.
    """
    given = {"zone": merchant["timezone"], "currency": merchant["currency"], "cut": cut, "until": until}
    whose = "IS NOT NULL" if customer_ids is None else "= ANY(:who)"
    query = _HISTORIES.format(days=_DAYS.format(whose=whose))
    with whole_shop(conn) if customer_ids is None else nullcontext():
        rows = conn.execute(text(query), given if customer_ids is None else given | {"who": list(customer_ids)}).all()
    unit = 10 ** get_currency_precision(merchant["currency"])
    ids, repeats, last, age, value, later = zip(*rows, strict=True) if rows else ((),) * 6
    worth = np.array([np.nan if one is None else float(one) / unit for one in value], dtype=np.float64)
    whole = [np.array(column, dtype=np.int64) for column in (ids, repeats, last, age, later)]
    return whole[0], Histories(whole[1], whole[2], whole[3], worth), whole[4]


def fitted(
    conn: Connection, *, merchant: Mapping[str, Any], until: date | None, now: datetime, model: ModelName | None = None
) -> tuple[dict[str, Any], Forecast | None, NDArray[np.int64], Histories]:
    """The answer of `tangga forecast fit`, the models (None: they cannot be fitted), and whom they are for.

    ``usable`` is False and ``reason`` says why where a gate is closed: then rules have to do.
    """
    span = conn.execute(text(_SPAN), {"zone": merchant["timezone"], "until": until}).one()
    last = until or span.last or now.date()
    ids, of, _ = read(conn, merchant=merchant, cut=last, until=last)
    days = (last - (span.opened or last)).days
    made, failure = _fit(of, model)
    calibration = _calibrated(conn, merchant, last, days, model)
    checked = outlook.gates(of, span=days, quiet=(last - (span.last or last)).days, made=made, calibration=calibration)
    document = _document(made, failure, checked, calibration, last, merchant["currency"])
    document["stale_days"] = max(0, (now.date() - last).days)
    document["customers"] = len(of)
    if made is not None:
        document["outlook"] = _sums(made, of, merchant["currency"])
    return document, made, ids, of


def _fit(of: Histories, model: ModelName | None) -> tuple[Forecast | None, str]:
    try:
        return outlook.fit(of, model), ""
    except NoFit as refusal:
        return None, str(refusal)


def _calibrated(
    conn: Connection, merchant: Mapping[str, Any], last: date, days: int, model: ModelName | None
) -> Calibration | None:
    """The check against the latest part of the history; None where it is too short, or its beginning too bare."""
    held = outlook.holdout_days(days)
    if not held:
        return None
    _, before, later = read(conn, merchant=merchant, cut=last - timedelta(days=held), until=last)
    try:
        return outlook.calibrate(before, later, held, model)
    except NoFit:
        return None


def _document(
    made: Forecast | None,
    failure: str,
    checked: list[Gate],
    calibration: Calibration | None,
    until: date,
    currency: str,
) -> dict[str, Any]:
    closed = [gate for gate in checked if not gate.ok]
    again, spent = (made.again, made.spent) if made else (None, None)
    names = ("r", "alpha", "a", "b")
    return {
        "model": again.model if again else None,
        "parameters": {name: getattr(again, name) for name in names} if again else None,
        "log_likelihood": again.log_likelihood if again else None,
        "time_unit": "week",
        "one_timers": made
        and {"model": made.once.model, "parameters": {name: getattr(made.once, name) for name in names}},
        "spend": spent and {"p": spent.p, "q": spent.q, "v": spent.v, "currency": currency},
        "gates": [
            {"name": gate.name, "ok": gate.ok, "detail": detail(gate), "found": gate.found, "wanted": gate.wanted}
            for gate in checked
        ],
        "usable": not closed and made is not None,
        "reason": failure or "; ".join(detail(gate) for gate in closed),
        "confidence": _confidence(calibration) if not closed else None,
        "until": until.isoformat(),
        "calibration": calibration and _calibration(calibration),
    }


def detail(gate: Gate) -> str:
    """The sentence of a gate in English."""
    found = gate.found or 0
    sentences = {
        "buyers": f"customers who have ordered: {found:,.0f}; {gate.wanted:,.0f} are needed",
        "history": f"days since the first order: {found:,.0f}; {gate.wanted:,.0f} are needed",
        "recent": f"days since the last order: {found:,.0f}; {gate.wanted:,.0f} are the most",
        "regulars": f"days with an order of the best customer: {found:,.0f}; {gate.wanted:,.0f} are needed",
        "fit": "nothing could be fitted"
        if gate.found is None
        else ("customers are seen dropping out" if gate.ok else "nobody is seen dropping out: the fit has degenerated"),
        "holdout": "there were no later orders to check against"
        if gate.found is None
        else f"the check missed the orders that came by {found:.1%}; {gate.wanted:.0%} is the most",
    }  # fmt: skip
    return sentences[gate.name]


def _confidence(calibration: Calibration | None) -> str | None:
    error = calibration.error if calibration else None
    return None if error is None else "good" if error <= 0.1 else "fair"


def _calibration(calibration: Calibration) -> dict[str, Any]:
    def bins(part: str) -> list[dict[str, Any]]:
        return [
            {"label": one.label, "customers": one.customers, "predicted": one.predicted, "actual": one.actual}
            for one in getattr(calibration, part)
        ]

    return {
        "weeks": calibration.weeks,
        "customers": calibration.customers,
        "predicted": calibration.predicted,
        "actual": calibration.actual,
        "error": calibration.error,
        "by_repeats": bins("by_repeats"),
        "by_chance": bins("by_chance"),
    }


def _sums(made: Forecast, of: Histories, currency: str) -> dict[str, Any]:
    """The shop as a whole over the next quarter."""
    orders = made.orders(of, HORIZON_WEEKS)
    spend = made.spent.value(of) * orders if made.spent else np.full(len(of), np.nan)
    return {
        "weeks": HORIZON_WEEKS,
        "orders": float(orders.sum()),
        "spend": _money(float(np.nansum(spend)), currency) if made.spent else None,
        "alive": float(made.alive(of).sum()),
    }


def _money(amount: float, currency: str) -> dict[str, str]:
    return Money(round(amount * 10 ** get_currency_precision(currency)), currency).as_json()


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
    money = [
        made.spent.total(of, between[row].astype(np.float64), share) if made.spent else nothing
        for row, share in enumerate(((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    ]

    def told(amount: float) -> dict[str, str] | None:
        return None if np.isnan(amount) else _money(amount, currency)

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
                "spend": [told(float(part[n])) for part in money] if known else None,
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


def keep(conn: Connection, *, merchant_id: int, document: Mapping[str, Any], now: datetime) -> None:
    """Remember a fit for the pages."""
    conn.execute(
        text(
            "INSERT INTO forecast_fit (merchant_id, fitted_at, document) VALUES (:m, :at, cast(:d AS jsonb)) "
            "ON CONFLICT (merchant_id) DO UPDATE SET fitted_at = excluded.fitted_at, document = excluded.document"
        ),
        {"m": merchant_id, "at": now, "d": json.dumps(document)},
    )


def kept(conn: Connection) -> tuple[datetime, dict[str, Any]] | None:
    """The newest fit and when it was made."""
    row = conn.execute(text("SELECT fitted_at, document FROM forecast_fit")).one_or_none()
    return (row.fitted_at, row.document) if row else None


def one(conn: Connection, *, merchant: Mapping[str, Any], customer_id: int, now: datetime) -> dict[str, Any] | None:
    """The forecast of one customer from today on, with the models kept last.

    None where there are none, where they are not usable, or where the customer has never ordered.
    """
    found = kept(conn)
    if found is None or not found[1]["usable"]:
        return None
    today = now.astimezone(ZoneInfo(merchant["timezone"])).date()
    ids, of, _ = read(conn, merchant=merchant, cut=today, until=today, customer_ids=[customer_id])
    told = customers(
        conn, made=models(found[1]), ids=ids, of=of, weeks=HORIZON_WEEKS, until=today, currency=merchant["currency"]
    )
    return next(told, None)


def models(document: Mapping[str, Any]) -> Forecast:
    """The models of a kept document. Raises ``KeyError`` where it has none."""

    def buying(part: Mapping[str, Any]) -> Buying:
        return Buying(model=part["model"], log_likelihood=0.0, **part["parameters"])

    spent = document["spend"]
    return Forecast(
        buying(document),
        buying(document["one_timers"]),
        spent and Spend(spent["p"], spent["q"], spent["v"], 0.0),
    )
