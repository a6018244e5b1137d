"""What the orders of people earned, net of everything that was given away for them. SQL, in whole minor units.

An order earns what is left of it after the unit costs of its goods; goods without a cost of their own, shipping and
fees are taken to cost what the shop's goods do on the whole. Prices cut at the till are in its total already. Beside
them every give-away counts once, with the order that earned it: cashback with the order that it is for, whether it is
paid yet or not; the customer's own code for a friend with that friend's order; shipping that a code took over at what
the shop usually asks; a reward taken for points where its code is used.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection

from plugin_server.db.offers import cashback

GIVEN: Final = ("codes", "gifts", "shipping", "rewards", "cashback", "friends")
"""Kinds of give-aways: prices cut, goods given (at their cost), shipping taken over, rewards for points, cashback, and
what friends and those who brought them got."""


def owed(conn: Connection) -> dict[str, Any]:
    """Parameters of ``EARNED``: cashback that orders have earned and nobody has paid yet."""
    found = cashback.owed(conn)
    return {"owed_orders": list(found), "owed_minors": list(found.values())}


FREE_SHIPPING: Final = "'free_shipping' IN (c.kind, c.terms ->> 'kind')"
GIFT_LINES: Final = """
SELECT sum(l.discount_minor) AS worth,
       sum(round(coalesce(l.quantity * coalesce(v.unit_cost_minor, p.unit_cost_minor),
                          l.discount_minor * (1 - CAST(:margin AS numeric))))) AS cost
FROM order_line l
LEFT JOIN product v ON v.store_id = {store} AND v.external_id = l.variant_external_id AND v.currency = :currency
LEFT JOIN product p ON p.store_id = {store} AND p.external_id = l.product_external_id AND p.currency = :currency
WHERE l.order_id = {order} AND l.total_minor = 0 AND l.discount_minor > 0 AND l.quantity > 0
"""
PAID: Final = """
SELECT CAST(c.terms ->> 'paid_minor' AS bigint) FROM offer_code k WHERE k.id = c.id AND NOT EXISTS (
    SELECT FROM credit_intent i WHERE i.cause = 'cashback:' || (c.terms ->> 'order') AND i.state = 'refused')
"""
_COST: Final = "coalesce(v.unit_cost_minor, p.unit_cost_minor)"
_WITHIN: Final = "s.placed_at >= l.begins AND s.placed_at < l.ends"
_ORDER: Final = """l.person, l.arm, l.variant, s.id, s.store_id, s.total_minor, s.net_minor, s.discount_minor,
           s.currency = :currency AS home, s.coupon_codes <> '{}' AS coded"""
# Of friends who stand in no arm themselves.
ORDERS: Final = f"""
bought AS MATERIALIZED (
    SELECT DISTINCT {_ORDER}, true AS own FROM looked l
    JOIN shop_order s ON s.customer_id = l.person AND s.counts WHERE {_WITHIN}
    UNION ALL
    SELECT DISTINCT {_ORDER}, false FROM looked l
    JOIN referral f ON f.advocate_id = l.person AND f.joined_at >= l.begins AND f.joined_at < l.ends
    JOIN shop_order s ON s.customer_id = f.friend_id AND s.counts
    WHERE {_WITHIN} AND NOT EXISTS (SELECT FROM looked o WHERE o.person = f.friend_id)
      AND NOT EXISTS (SELECT FROM referral_join j WHERE j.friend_id = f.friend_id AND j.state IN ('review', 'refused'))
)"""
EARNED: Final = f"""
goods AS (
    SELECT o.id, sum(l.total_minor + l.discount_minor) FILTER (WHERE {_COST} IS NOT NULL) AS worth,
           sum(l.quantity * {_COST}) AS cost
    FROM (SELECT DISTINCT id, store_id FROM bought WHERE home) o JOIN order_line l ON l.order_id = o.id
    LEFT JOIN product v ON v.store_id = o.store_id AND v.external_id = l.variant_external_id AND v.currency = :currency
    LEFT JOIN product p ON p.store_id = o.store_id AND p.external_id = l.product_external_id AND p.currency = :currency
    GROUP BY o.id
), used AS (
    SELECT o.id, sum(r.discount_minor) FILTER (WHERE k.points > 0) AS rewards,
           sum(r.discount_minor) FILTER (WHERE k.points = 0 AND (k.reward = 'cashback' OR EXISTS (
               SELECT FROM referral_join j WHERE j.own_claim_id = k.id))) AS earlier,
           sum(greatest(CAST(:shipping AS bigint) - r.discount_minor, 0)) FILTER (WHERE {FREE_SHIPPING}) AS shipping
    FROM (SELECT DISTINCT id, store_id FROM bought WHERE home AND coded) o
    JOIN redemption r ON r.store_id = o.store_id AND r.order_id = o.id AND r.released_at IS NULL
    JOIN offer_code c ON c.id = r.offer_code_id LEFT JOIN reward_claim k ON k.id = c.claim_id
    GROUP BY o.id
), each AS (
    SELECT b.*, coalesce(u.rewards, 0) AS rewards, coalesce(u.earlier, 0) AS earlier,
           coalesce(u.shipping, 0) AS shipping, coalesce(g.worth, 0) AS gift_worth, coalesce(g.cost, 0) AS gift_cost,
           b.net_minor - coalesce(round((coalesce(x.cost, 0) + (b.total_minor + b.discount_minor - coalesce(x.worth, 0))
               * (1 - CAST(:margin AS numeric))) * (b.net_minor + b.discount_minor)
               / nullif(b.total_minor + b.discount_minor, 0)), 0) AS gain
    FROM bought b LEFT JOIN goods x USING (id) LEFT JOIN used u USING (id)
    LEFT JOIN LATERAL ({GIFT_LINES.format(store="b.store_id", order="b.id")}) g ON b.home AND b.discount_minor > 0
), back AS (
    SELECT person, arm, variant, sum(minor) AS minor FROM (
        SELECT DISTINCT l.person, l.arm, l.variant, paid.id, paid.minor
        FROM (SELECT CAST(c.terms ->> 'order' AS bigint) AS id, ({PAID}) AS minor FROM offer_code c
              WHERE c.kind = 'cashback' AND c.state = 'kept'
              UNION ALL SELECT * FROM unnest(CAST(:owed_orders AS bigint[]), CAST(:owed_minors AS bigint[]))) paid
        JOIN shop_order s ON s.id = paid.id JOIN looked l ON l.person = s.customer_id WHERE {_WITHIN}) once
    GROUP BY person, arm, variant
), thanks AS (
    SELECT person, arm, variant, sum(minor) AS minor FROM (
        SELECT DISTINCT l.person, l.arm, l.variant, d.id, d.discount_minor AS minor FROM looked l
        JOIN referral f ON f.advocate_id = l.person AND f.converted_at >= l.begins AND f.converted_at < l.ends
        JOIN referral_join j ON j.friend_id = f.friend_id JOIN offer_code c ON c.claim_id = j.own_claim_id
        JOIN redemption d ON d.offer_code_id = c.id AND d.released_at IS NULL) once
    GROUP BY person, arm, variant
), given AS (
    SELECT person, arm, variant, count(*) FILTER (WHERE own) AS orders,
           sum(net_minor) FILTER (WHERE own AND home) AS revenue,
           count(*) FILTER (WHERE own AND NOT home) AS foreign_orders,
           sum(discount_minor - gift_worth - rewards - earlier) FILTER (WHERE own AND home) AS codes,
           sum(gift_cost) FILTER (WHERE own AND home) AS gifts, sum(shipping) FILTER (WHERE home) AS shipping,
           sum(rewards) FILTER (WHERE own AND home) AS rewards,
           sum(discount_minor - gift_worth + gift_cost - earlier) FILTER (WHERE NOT own AND home) AS friends,
           sum(gain + earlier - shipping) FILTER (WHERE home) AS gain
    FROM each GROUP BY person, arm, variant
), earned AS (
    SELECT person, arm, variant, coalesce(orders, 0) AS orders, coalesce(revenue, 0) AS revenue,
           coalesce(foreign_orders, 0) AS foreign_orders, coalesce(codes, 0) AS codes, coalesce(gifts, 0) AS gifts,
           coalesce(shipping, 0) AS shipping, coalesce(rewards, 0) AS rewards, coalesce(back.minor, 0) AS cashback,
           coalesce(friends, 0) + coalesce(thanks.minor, 0) AS friends,
           coalesce(gain, 0) - coalesce(back.minor, 0) - coalesce(thanks.minor, 0) AS gain
    FROM given FULL JOIN back USING (person, arm, variant) FULL JOIN thanks USING (person, arm, variant)
)"""
