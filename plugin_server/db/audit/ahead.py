"""The curve of what a customer brings, carried on beyond what has been seen: the forecast, drawn dashed.

Month by month it adds what a newcomer is expected to buy in it (Fader, Hardie & Lee 2005, equation 9) at what a repeat
purchase is worth on average (Gamma-Gamma), times the margin. It begins where the observed curve ends, and is drawn only
while the forecast may be shown at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
from babel.numbers import get_currency_precision
from sqlalchemy import Connection

from connectors.types import Money
from plugin_server.db.ladder import forecast

AHEAD: Final = 12
"""Months that the curve is carried on."""
WEEKS_A_MONTH: Final = 365.25 / 12 / 7
CLOSED: Final = "There is no forecast to carry the curve on with: "


def ahead(
    conn: Connection, *, curve: Sequence[dict[str, str]], cac: dict[str, str] | None, rate: float, currency: str
) -> dict[str, Any]:
    """``{"curve": [money …], "payback_month", "reason"}``: the twelve months after the observed ``curve``.

    Empty where the kept forecast is closed or missing, or the worth of an order cannot be told; ``reason`` says why.
    ``payback_month``: the first of these months in which the curve reaches ``cac``.
    """
    each, reason = _each_month(conn, len(curve))
    unit = 10 ** get_currency_precision(currency)
    at, made = Decimal(curve[-1]["amount"]) if curve else Decimal(0), list[Decimal]()
    for worth in each:
        at += Decimal(worth * rate)
        made.append(at)
    reached = next((len(curve) + n for n, point in enumerate(made) if cac and point >= Decimal(cac["amount"])), None)
    return {
        "curve": [Money(round(point * unit), currency).as_json() for point in made],
        "payback_month": reached,
        "reason": reason,
    }


def _each_month(conn: Connection, seen: int) -> tuple[list[float], str]:
    """What a newcomer spends in each month to come (major units), or why that cannot be told."""
    kept = forecast.kept(conn)
    if not seen or kept is None:
        return [], CLOSED + "it has not been made yet."
    if not kept[1]["usable"]:
        return [], CLOSED + kept[1]["reason"].removesuffix(".") + "."
    models = forecast.models(kept[1])
    if models.spent is None or models.spent.q <= 1:
        return [], CLOSED + "the worth of an order cannot be told from the orders so far."
    weeks = np.arange(seen - 1, seen + AHEAD, dtype=np.float64) * WEEKS_A_MONTH
    orders = np.diff(models.again.newcomer(weeks))
    return [float(n) * models.spent.p * models.spent.v / (models.spent.q - 1) for n in orders], ""
