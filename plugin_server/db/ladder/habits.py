"""What people buy, as SQL: products, categories, margin, regularity, supply, and where they came from first."""

from __future__ import annotations

from plugin_server.db.ladder import facts
from plugin_server.db.models.habits import CustomerHabits

TABLE = CustomerHabits.__table__

_ZONE = "(SELECT timezone FROM merchant WHERE id = :merchant_id)"
_CURRENCY = "(SELECT currency FROM merchant WHERE id = :merchant_id)"

_SUPPLY = """lasting AS (
        SELECT customer_id, day, product, title,
            day + ceil(least(36500, units * (days + coalesce(sum(used) OVER so_far, 0))
                                  / (1 + count(used) OVER so_far)))::int AS ends
        FROM (SELECT customer_id, day, product, title, units, days, CASE WHEN lag(day) OVER own IS NOT NULL THEN
                  least(greatest((day - lag(day) OVER own) / lag(units) OVER own, days / 3), days * 3) END AS used
              FROM (SELECT customer_id, day, product, max(coalesce(title, product)) AS title,
                        1.0 * sum(quantity) AS units, 1.0 * sum(quantity * days) / sum(quantity) AS days
                    FROM line WHERE days > 0 GROUP BY customer_id, day, product) AS taken
              WINDOW own AS (PARTITION BY customer_id, product ORDER BY day)) AS again
        WINDOW so_far AS (PARTITION BY customer_id, product ORDER BY day)
    ), supply AS (
        SELECT customer_id, min(ends) FILTER (WHERE ends >= last) AS ends,
            array_agg(title ORDER BY ends, title) AS titles, array_agg(ends ORDER BY ends, title) AS dates
        FROM (SELECT DISTINCT ON (customer_id, product) customer_id, title, ends, max(day) OVER own AS last
              FROM lasting WINDOW own AS (PARTITION BY customer_id) ORDER BY customer_id, product, day DESC) AS newest
        GROUP BY customer_id
    )"""


def query(*, some: bool, then: bool) -> str:
    """The habits of all customers or of ``:ids``; now, or as of ``:at``. Customers without any have no row.

    A product is named by its SKU, else by its title. Each of the goods that get used up has an end of its own, counted
    from when it was last bought; a customer's supply ends with the nearest of those that were not over at their last
    such order. A unit lasts as long as the shop says and as each own reorder shows, all weighing the
    same: (D + Σ gapᵢ ÷ unitsᵢ) ÷ (1 + reorders). Each gap counts for a third of D at least and three times D at most,
    for who buys ahead, or stays away, does not use it faster or slower.
    Irregularity is the deviation of the gaps in percent of their mean: 0 is a clockwork.
    """
    orders = facts.ORDERS_THEN if then else facts.ORDERS_NOW
    only = "AND o.customer_id = ANY(:ids)" if some else ""
    return f"""
    WITH bought AS MATERIALIZED (
        SELECT o.id, o.customer_id, o.store_id, o.placed_at, o.source, o.currency,
            (o.placed_at AT TIME ZONE {_ZONE})::date AS day
        FROM {orders} AND o.customer_id IS NOT NULL {only}
    ), line AS (
        SELECT b.customer_id, b.day, b.currency = {_CURRENCY} AND p.currency = b.currency AS home,
            coalesce(nullif(l.sku, ''), nullif(p.sku, ''), nullif(l.title, ''), p.title) AS product,
            coalesce(nullif(l.title, ''), p.title) AS title,
            l.total_minor, l.quantity, p.unit_cost_minor, coalesce(p.days_of_supply, up.days_of_supply) AS days,
            b.store_id, coalesce(nullif(p.category_ids, '{{}}'), up.category_ids, '{{}}') AS category_ids
        FROM bought b JOIN order_line l ON l.order_id = b.id AND l.quantity > 0
        LEFT JOIN product p ON p.store_id = b.store_id
            AND p.external_id = coalesce(l.variant_external_id, l.product_external_id)
        LEFT JOIN product up ON up.store_id = b.store_id AND up.external_id = p.parent_external_id
    ), basket AS (
        SELECT customer_id, array_agg(DISTINCT product ORDER BY product) FILTER (WHERE product IS NOT NULL) AS products,
            100.0 * sum(total_minor - round(quantity * unit_cost_minor)) FILTER (WHERE home)
                / nullif(sum(total_minor) FILTER (WHERE home AND unit_cost_minor IS NOT NULL), 0) AS margin
        FROM line GROUP BY customer_id
    ), shelf AS (
        SELECT customer_id, array_agg(DISTINCT c.name ORDER BY c.name) AS categories
        FROM (SELECT DISTINCT customer_id, store_id, unnest(category_ids) AS external_id FROM line) AS each
        JOIN category c USING (store_id, external_id) GROUP BY customer_id
    ), {_SUPPLY}, wait AS (
        SELECT customer_id, 100 * stddev_pop(days) / nullif(avg(days), 0) AS spread
        FROM (SELECT customer_id, lead(day) OVER (PARTITION BY customer_id ORDER BY day) - day AS days
              FROM (SELECT DISTINCT customer_id, day FROM bought) AS days_bought) AS waits
        WHERE days IS NOT NULL GROUP BY customer_id HAVING count(*) >= 2
    ), start AS (
        SELECT DISTINCT ON (customer_id) customer_id, source FROM bought ORDER BY customer_id, placed_at, id
    )
    SELECT CAST(:merchant_id AS bigint) AS merchant_id, s.customer_id,
        round(w.spread, 3)::numeric(10, 3) AS gap_spread,
        coalesce(b.products, '{{}}') AS products, coalesce(cardinality(b.products), 0)::int AS product_count,
        coalesce(h.categories, '{{}}') AS categories, coalesce(cardinality(h.categories), 0)::int AS category_count,
        round(greatest(least(b.margin, 100), -999999), 3)::numeric(10, 3) AS margin_percent,
        u.ends AS supply_ends_on, coalesce(u.titles, '{{}}') AS supply_products,
        coalesce(u.dates, '{{}}') AS supply_dates, nullif(s.source, '') AS first_source
    FROM start s LEFT JOIN basket b USING (customer_id) LEFT JOIN shelf h USING (customer_id)
    LEFT JOIN supply u USING (customer_id) LEFT JOIN wait w USING (customer_id)
    WHERE b.customer_id IS NOT NULL OR w.customer_id IS NOT NULL OR s.source <> ''"""
