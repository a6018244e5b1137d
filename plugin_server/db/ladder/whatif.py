"""What if everybody climbed one rung?

The headline counts only the orders that are missing for it, each at the customer's own average order. The upper bound
swaps each customer's figures for the average of the next rung: it is a ceiling and no forecast, because people higher
up differ in more than their rung. It is never below the headline.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Integer, Numeric, case, cast, func, literal_column, select, text

from campaigns.ladder.simulate import orders_needed
from connectors.types import Money
from plugin_server.db.effort import whole_shop
from plugin_server.db.ladder import rungs
from plugin_server.db.ladder.rungs import Shop
from plugin_server.db.models.facts import CustomerFacts

ASSUMED_MARGIN = 0.30
"""Used where no product's unit cost is known, and called an assumption in the answer."""

FACTS = CustomerFacts.__table__

_MARGIN = """
    SELECT sum(l.total_minor) AS sales, sum(l.total_minor) FILTER (WHERE p.unit_cost_minor IS NOT NULL) AS known,
        sum(l.total_minor - round(l.quantity * p.unit_cost_minor)) AS margin
    FROM order_line l JOIN shop_order o ON o.id = l.order_id AND o.counts AND o.currency = :currency
    LEFT JOIN product p ON p.store_id = o.store_id AND p.currency = o.currency
        AND p.external_id = coalesce(l.variant_external_id, l.product_external_id)"""

OWN_AVERAGE = "spend_minor / nullif(orders - foreign_orders, 0)::numeric"
"""Of a row of facts, a customer's average order to its last fraction: the fact itself is rounded for rules to read."""
FIRST_ORDER = f"SELECT avg({OWN_AVERAGE}) FROM customer_facts WHERE orders = 1"
_ANY = f"SELECT avg({OWN_AVERAGE}) FROM customer_facts"


def simulate(conn: Connection, *, merchant_id: int) -> dict[str, Any]:
    """Headline, upper bound and both per rung; money as JSON; ``assumptions`` says what they rest on."""
    on = rungs.shop(conn, merchant_id)
    rate, basis, covered = _margin(conn, on.currency)
    newcomer = float(conn.scalar(text(FIRST_ORDER)) or conn.scalar(text(_ANY)) or 0)
    bands = _bands(conn, on, newcomer)
    steps = [_step(on, bands, index, rate) for index in range(len(on.ladder.rungs) - 1)]
    return {
        "headline": _told(on, _sum(steps, "headline")),
        "upper_bound": _told(on, _sum(steps, "upper_bound")),
        "per_rung": [
            {**step, "headline": _told(on, step["headline"]), "upper_bound": _told(on, step["upper_bound"])}
            for step in steps
        ],
        "assumptions": {
            "margin_rate": round(rate, 4),
            "margin_basis": basis,
            "costs_known": covered,
            "newcomer_order": Money(round(newcomer), on.currency).as_json(),
        },
    }


def simulated(conn: Connection, *, merchant_id: int) -> dict[str, Any]:
    """``simulate``, and whether the margin in it is only assumed."""
    found = simulate(conn, merchant_id=merchant_id)
    assumptions = found["assumptions"]
    assumptions["margin_assumed"] = str(assumptions["margin_basis"]).startswith("An assumption")
    return found


def margin(conn: Connection, currency: str) -> tuple[float, str]:
    """The margin that unit costs give, else the assumed one; and a sentence on what it rests on."""
    rate, basis, _ = _margin(conn, currency)
    return rate, basis


def _margin(conn: Connection, currency: str) -> tuple[float, str, float | None]:
    """The same with the share of sales whose unit costs are known; None where no line of an order is."""
    with whole_shop(conn):
        row = conn.execute(text(_MARGIN), {"currency": currency}).one()
    covered = float((row.known or 0) / row.sales) if row.sales else None
    if not row.known or row.known <= 0:
        return ASSUMED_MARGIN, f"An assumption ({ASSUMED_MARGIN:.0%}): no product has a unit cost yet.", covered
    return float(row.margin / row.known), f"Unit costs of the products behind {covered:.0%} of sales.", covered


def _bands(conn: Connection, on: Shop, newcomer: float) -> dict[str, Any]:
    """Per rung: customers, missing orders for the next rung, what they would bring, and averages."""
    above = {
        rung.key: orders_needed(higher.rule) for rung, higher in zip(on.ladder.rungs, on.ladder.rungs[1:], strict=False)
    }
    missing = func.greatest(0, cast(case(above, value=FACTS.c.rung, else_=0), Integer) - FACTS.c.orders)
    own = func.coalesce(literal_column(OWN_AVERAGE, Numeric), newcomer)
    query = select(
        FACTS.c.rung,
        func.count().label("customers"),
        func.sum(missing).label("missing"),
        func.sum(missing * own).label("worth"),
        func.avg(FACTS.c.orders).label("orders"),
        func.avg(FACTS.c.spend_minor).label("spend"),
    ).group_by(FACTS.c.rung)
    return {row.rung: row for row in conn.execute(query)}


def _step(on: Shop, bands: dict[str, Any], index: int, rate: float) -> dict[str, Any]:
    here, above = on.ladder.keys[index], on.ladder.keys[index + 1]
    band, higher = bands.get(here), bands.get(above)
    people = band.customers if band else 0
    orders = spend = 0.0
    if band and higher:
        orders = people * max(0.0, float(higher.orders - band.orders))
        spend = people * max(0.0, float(higher.spend - band.spend))
    missing, worth = (int(band.missing), float(band.worth)) if band else (0, 0.0)
    # Where nobody stands above yet there is no average to swap for: the ceiling is then what the climb itself takes.
    spend = max(spend, worth)
    return {
        "rung": here,
        "to": above,
        "customers": people,
        "headline": (missing, worth, worth * rate),
        "upper_bound": (max(round(orders), missing), spend, spend * rate),
    }


def _sum(steps: list[dict[str, Any]], part: str) -> tuple[float, float, float]:
    return tuple(sum(step[part][place] for step in steps) for place in range(3))


def _told(on: Shop, figures: tuple[float, float, float]) -> dict[str, Any]:
    orders, revenue, margin = figures
    return {
        "extra_orders": int(orders),
        "extra_revenue": Money(round(revenue), on.currency).as_json(),
        "extra_margin": Money(round(margin), on.currency).as_json(),
    }
