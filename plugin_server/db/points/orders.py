"""What orders earn: by the programme of their first look, for as long as they count, and exactly back again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns.points.program import Program, amount_rules, multiplier_rows, parse_program
from plugin_server.db.ingest.staging import staged
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points.pausing import NOT_PAUSED


@dataclass(frozen=True, slots=True)
class InForce:
    """The programme in force, its version, and the merchant's zone and currency. Nothing earns while ``paused``."""

    program: Program
    version: int
    paused: bool
    timezone: str
    currency: str

    @property
    def since(self) -> datetime:
        """The first instant whose orders earn."""
        return datetime.combine(self.program.since, time(), ZoneInfo(self.timezone))


def in_force(conn: Connection) -> InForce | None:
    """The newest programme of the merchant; None where there never was one."""
    row = conn.execute(text(_IN_FORCE)).one_or_none()
    if row is None:
        return None
    return InForce(parse_program(row.definition), row.version, row.paused, row.timezone, row.currency)


def settle(conn: Connection, *, merchant_id: int, order_ids: Sequence[int] | None, now: datetime) -> int:
    """Give and take back what the orders (all with ``None``) are worth now; gives how many entries that took.

    Looking again at the same orders changes nothing. A shop without a programme costs one query.
    """
    now_in_force = in_force(conn)
    if now_in_force is None:
        return 0
    given: dict[str, Any] = {"merchant": merchant_id, "orders": None if order_ids is None else list(order_ids)}
    conn.execute(text(_BASES), given | _terms(now_in_force))
    whose = list(conn.scalars(text(_WHOSE), given))
    if not whose:
        return 0
    points_ledger.hold(conn, whose)
    points_ledger.expire(conn, whose, now)
    staged(conn, "in_points", _WANTED, given)
    life = {"pending": now_in_force.program.pending_days, "life": now_in_force.program.expires_days}
    made = conn.execute(text(_ENTER), life | {"now": now, "merchant": merchant_id}).rowcount
    if made:
        # Orders of long ago bring lots that have ended already.
        points_ledger.expire(conn, whose, now)
        points_ledger.allocate(conn, whose, now)
    return int(made)


def _terms(of: InForce) -> dict[str, Any]:
    return {
        "rules": json.dumps(amount_rules(of.program, of.currency)),
        "times": json.dumps(multiplier_rows(of.program)),
        "since": of.since,
        "version": of.version,
        "currency": of.currency,
        "shipping": of.program.include_shipping,
    }


_IN_FORCE = """
SELECT p.definition, p.version, p.paused, m.timezone, m.currency FROM point_program p CROSS JOIN merchant m
ORDER BY p.version DESC LIMIT 1
"""
_THESE = "(CAST(:orders AS bigint[]) IS NULL OR o.id = ANY(:orders))"

# The rung is that before the order. A category is meant by its name or by its number in the shop.
_BASES = f"""
WITH rule AS (SELECT * FROM jsonb_to_recordset(CAST(:rules AS jsonb))
                  AS r(place int, category text, points bigint, per bigint)),
times AS (SELECT * FROM jsonb_to_recordset(CAST(:times AS jsonb)) AS t(rung text, hundredths bigint)),
fresh AS MATERIALIZED (
    SELECT o.id, o.store_id, o.total_minor, CASE WHEN :shipping THEN 0 ELSE o.shipping_minor END AS shipping_minor,
           (SELECT c.to_rung FROM rung_change c WHERE c.customer_id = o.customer_id AND c.changed_at < o.placed_at
            ORDER BY c.changed_at DESC, c.id DESC LIMIT 1) AS rung
    FROM shop_order o
    WHERE o.merchant_id = :merchant AND {_THESE} AND o.counts AND o.customer_id IS NOT NULL AND o.placed_at >= :since
      AND o.currency = :currency AND NOT EXISTS (SELECT FROM point_basis b WHERE b.order_id = o.id)
      AND {NOT_PAUSED.format(moment="o.placed_at")}
), goods AS (
    SELECT f.id, r.place, sum(l.total_minor) AS minor
    FROM fresh f JOIN rule r ON r.category IS NOT NULL JOIN order_line l ON l.order_id = f.id
    JOIN product p ON p.store_id = f.store_id AND p.external_id = l.product_external_id
    WHERE EXISTS (SELECT FROM category c WHERE c.store_id = f.store_id AND c.external_id = ANY(p.category_ids)
                  AND (lower(c.name) = lower(r.category) OR c.external_id = r.category))
    GROUP BY f.id, r.place
)
INSERT INTO point_basis (merchant_id, order_id, version, gross_minor, rung, parts)
SELECT :merchant, f.id, :version, f.total_minor, f.rung,
       jsonb_build_object('shipping', f.shipping_minor, 'rules', coalesce(jsonb_agg(jsonb_build_array(
           base.minor, r.points * coalesce(t.hundredths, 100), r.per * 100) ORDER BY r.place)
           FILTER (WHERE base.minor > 0), '[]'))
FROM fresh f CROSS JOIN rule r
LEFT JOIN goods g ON g.id = f.id AND g.place = r.place LEFT JOIN times t ON t.rung = f.rung
CROSS JOIN LATERAL (
    SELECT CASE WHEN r.category IS NULL THEN f.total_minor - f.shipping_minor ELSE g.minor END
) AS base(minor)
GROUP BY f.id, f.total_minor, f.shipping_minor, f.rung
ON CONFLICT (order_id) DO NOTHING
"""

_WHOSE = f"""
SELECT o.customer_id FROM point_basis b JOIN shop_order o ON o.id = b.order_id
WHERE b.merchant_id = :merchant AND {_THESE} AND o.customer_id IS NOT NULL
UNION SELECT e.customer_id FROM point_entry e JOIN shop_order o ON o.id = e.order_id
WHERE e.merchant_id = :merchant AND {_THESE}
"""

# What earned nothing takes nothing back: a refund of shipping leaves the points of the goods, one of all goods takes
# all of them. Points that ended on their own are not taken back again: only what lies above them is.
_WANTED = f"""
WITH worth AS (
    SELECT o.id AS order_id, o.customer_id, o.placed_at, b.version,
           CASE WHEN o.counts THEN (
               SELECT coalesce(sum(div((p.part->>0)::numeric * greatest(o.net_minor - kept.minor, 0)
                                       * (p.part->>1)::numeric,
                                       nullif(b.gross_minor - beside.minor, 0) * (p.part->>2)::numeric)), 0)
               FROM jsonb_array_elements(b.parts->'rules') AS p(part)) ELSE 0 END::bigint AS points
    FROM point_basis b JOIN shop_order o ON o.id = b.order_id
    CROSS JOIN LATERAL (SELECT coalesce((b.parts->>'shipping')::numeric, 0)) AS beside(minor)
    CROSS JOIN LATERAL (SELECT greatest(beside.minor - CASE WHEN o.refunded_minor > 0 THEN (
        SELECT coalesce(sum(r.shipping_minor), 0) FROM order_refund r WHERE r.order_id = o.id) ELSE 0 END, 0)
    ) AS kept(minor)
    WHERE b.merchant_id = :merchant AND {_THESE}
), had AS (
    SELECT e.order_id, e.customer_id, sum(e.points)::bigint AS points,
           sum((SELECT coalesce(sum(u.points), 0) FROM point_use u JOIN point_entry d ON d.id = u.debit_id
                WHERE u.lot_id = e.id AND d.kind = 'expire'))::bigint AS ended
    FROM point_entry e JOIN worth w ON w.order_id = e.order_id GROUP BY e.order_id, e.customer_id
), compared AS (
    SELECT coalesce(w.order_id, h.order_id) AS order_id, coalesce(w.customer_id, h.customer_id) AS customer_id,
           coalesce(w.points, 0) - coalesce(h.points, 0) AS change, coalesce(h.ended, 0) AS ended
    FROM (SELECT * FROM worth WHERE customer_id IS NOT NULL) w
    FULL JOIN had h ON h.order_id = w.order_id AND h.customer_id = w.customer_id
)
SELECT c.order_id, c.customer_id, w.placed_at, w.version,
       CASE WHEN c.change > 0 THEN c.change ELSE least(c.change + c.ended, 0) END AS points
FROM compared c JOIN worth w ON w.order_id = c.order_id
WHERE c.change > 0 OR c.change + c.ended < 0
"""
_ENTER = """
INSERT INTO point_entry (merchant_id, customer_id, kind, points, open_points, order_id, version, happened_at,
                         available_at, expires_at)
SELECT :merchant, i.customer_id, CASE WHEN i.points > 0 THEN 'earn' ELSE 'reverse' END, i.points, abs(i.points),
       i.order_id, i.version, CASE WHEN i.points > 0 THEN i.placed_at ELSE CAST(:now AS timestamptz) END,
       CASE WHEN i.points > 0 THEN days.available END,
       CASE WHEN i.points > 0 THEN days.available + make_interval(days => CAST(:life AS int)) END
FROM in_points i CROSS JOIN LATERAL (SELECT i.placed_at + make_interval(days => :pending)) AS days(available)
ORDER BY i.customer_id, i.placed_at, i.order_id
"""
