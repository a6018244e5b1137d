"""The forecast of a shop: its models, how they did when put to the test, and the gates before they are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from babel.numbers import get_currency_precision
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from campaigns.forecast import HORIZON_WEEKS, outlook
from campaigns.forecast.buying import Buying, ModelName, NoFit
from campaigns.forecast.histories import Histories
from campaigns.forecast.outlook import Calibration, Forecast, Gate
from campaigns.forecast.spend import Spend
from connectors.types import Money
from plugin_server.db.ladder import histories


def fitted(
    conn: Connection, *, merchant: Mapping[str, Any], until: date | None, now: datetime, model: ModelName | None = None
) -> tuple[dict[str, Any], Forecast | None, NDArray[np.int64], Histories]:
    """The answer of `tangga forecast fit`, the models (None: they cannot be fitted), and whom they are for.

    ``usable`` is False and ``reason`` says why where a gate is closed: then rules have to do.
    """
    opened, newest = histories.span(conn, zone=merchant["timezone"], until=until)
    last = until or newest or now.date()
    ids, of, _ = histories.read(conn, merchant=merchant, cut=last, until=last)
    days = (last - (opened or last)).days
    made, failure = _fit(of, model)
    calibration = _calibrated(conn, merchant, last, days, model)
    checked = outlook.gates(of, span=days, quiet=(last - (newest or last)).days, made=made, calibration=calibration)
    document = _document(made, failure, checked, calibration, last, merchant["currency"])
    document["stale_days"] = max(0, (now.date() - last).days)
    document["customers"], document["since"] = len(of), (opened or last).isoformat()
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
    _, before, later = histories.read(conn, merchant=merchant, cut=last - timedelta(days=held), until=last)
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
        "orders_between": made.all_between(of, HORIZON_WEEKS),
        "spend": money(float(np.nansum(spend)), currency) if made.spent else None,
        "alive": float(made.alive(of).sum()),
    }


def money(amount: float, currency: str) -> dict[str, str]:
    """An amount in major units, rounded to the smallest coin, as JSON."""
    return Money(round(amount * 10 ** get_currency_precision(currency)), currency).as_json()


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
