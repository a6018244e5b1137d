"""The facts of customers who did nothing but order once more: added to what is written, without reading old orders.

What it costs depends on what came in and not on the size of the shop. Only orders later than all that the facts hold
are added: whatever facts hold an order already are not older than it, so that none is ever counted twice. All else
(changed or late orders, another store, a first row) is for ``facts.refresh``, which reads all orders of a customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from plugin_server.db.ladder import facts

_MORE = f"""
    SELECT customer_id, count(*) AS orders, count(*) FILTER (WHERE home) AS at_home, count(DISTINCT day) AS days,
        min(day) AS first_day, max(day) AS last_day, (array_agg(placed_at ORDER BY day, placed_at))[1:3] AS placed,
        min(placed_at) AS first_at, max(placed_at) AS last_at, sum(net_minor) FILTER (WHERE home) AS spend,
        sum(refunded_minor) FILTER (WHERE home) AS refunded, count(*) FILTER (WHERE discounted) AS discounted,
        min(store_id) AS low, max(store_id) AS high
    FROM (SELECT o.customer_id, o.placed_at, o.store_id, o.net_minor, o.refunded_minor,
              o.currency = {facts.CURRENCY} AS home, {facts.DISCOUNTED} AS discounted,
              (o.placed_at AT TIME ZONE {facts.ZONE})::date AS day
          FROM shop_order o WHERE o.id = ANY(:orders) AND o.customer_id = ANY(:ids) AND o.counts
          OFFSET 0) AS counted
    GROUP BY customer_id"""

# Before: k, the facts as written. More: m, the orders that came. The rest is the customer's own, c.
_CHANGED = {
    "orders": "(k.orders + m.orders)::int",
    "order_days": "d.days",
    "spend_minor": "(k.spend_minor + coalesce(m.spend, 0))::bigint",
    "foreign_orders": "(k.foreign_orders + m.orders - m.at_home)::int",
    "average_order_minor": "round((k.spend_minor + coalesce(m.spend, 0)) "
    "/ nullif(k.orders - k.foreign_orders + m.at_home, 0))::bigint",
    "first_order_at": "d.placed[1]",
    "second_order_at": "d.placed[2]",
    "third_order_at": "d.placed[3]",
    "last_order_at": "m.last_at",
    "gap_mean_days": f"round((m.last_day - (d.placed[1] AT TIME ZONE {facts.ZONE})::date)::numeric "
    "/ nullif(d.days - 1, 0), 3)::numeric(10, 3)",
    "discount_orders": "(k.discount_orders + m.discounted)::int",
    "refunded_minor": "(k.refunded_minor + coalesce(m.refunded, 0))::bigint",
    "known_since": "least(c.created_at, c.enquired_at, d.placed[1])",
}
_OWN = ("country", "language", "birthday", "tags", "has_account", "enquired_at", "member_since")

_ROWS = f"""
    SELECT {
    ", ".join(f"{_CHANGED.get(name) or ('c.' if name in _OWN else 'k.') + name} AS {name}" for name in facts.NAMES)
}
    FROM ({_MORE}) AS m
    JOIN customer_facts k ON k.customer_id = m.customer_id
    JOIN customer c ON c.id = m.customer_id AND c.merged_into IS NULL
    CROSS JOIN LATERAL (SELECT (k.last_order_at AT TIME ZONE {facts.ZONE})::date AS day) AS last
    CROSS JOIN LATERAL (
        SELECT k.order_days + m.days::int - CASE WHEN m.first_day = last.day THEN 1 ELSE 0 END AS days,
            (array_remove(ARRAY[k.first_order_at, k.second_order_at, k.third_order_at], NULL) || m.placed)[1:3]
                AS placed
    ) AS d
    WHERE (k.last_order_at IS NULL OR (m.first_at > k.last_order_at AND m.first_day >= last.day))
        AND m.low = m.high AND m.low::text = ANY(k.stores)"""


def add(
    conn: Connection, *, merchant_id: int, customer_ids: Sequence[int], order_ids: Sequence[int], now: datetime
) -> set[int]:
    """Add new orders to the facts of these customers, of whom nothing else changed but their own row.

    Gives the customers whose facts are up to date now; the others' are as they were. ``order_ids`` may hold orders
    of other people, which are left alone.
    """
    if not customer_ids or not order_ids:
        return set()
    facts.take_turn(conn, merchant_id)
    given = {"ids": list(customer_ids), "orders": list(order_ids), "merchant_id": merchant_id, "now": now}
    statement = text(f"{facts.upsert(f'({_ROWS})')} RETURNING f.customer_id")
    return set(conn.scalars(statement.bindparams(facts.ids(), facts.ids(name="orders"), facts.NOW_AT), given))
