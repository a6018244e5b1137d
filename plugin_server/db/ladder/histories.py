"""Histories out of a shop's orders: what the models of buying read.

Orders of one customer on one day of the shop's zone are one transaction. Time runs from the first of them to ``until``.
A purchase that a coupon paid in full brings no money and counts nowhere else, but it is a sign of life: here it is a
transaction, as it is in the published histories of CDNOW. A gift is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from typing import Any

import numpy as np
from babel.numbers import get_currency_precision
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from campaigns.forecast.histories import Histories
from plugin_server.db.effort import whole_shop
from plugin_server.db.models.order import NOTHING_TO_PAY

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


def span(conn: Connection, *, zone: str, until: date | None) -> tuple[date | None, date | None]:
    """The days of the first and of the last purchase of all, up to ``until``; None where there is none."""
    row = conn.execute(text(_SPAN), {"zone": zone, "until": until}).one()
    return row.opened, row.last
