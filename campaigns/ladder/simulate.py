"""What if everybody climbed one rung, or some of each? The honest part: the extra orders it takes, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from campaigns.ladder.rules import All, Any_, Compare, Rule
from connectors.types import Money, minor_units

WHOLE = Decimal(1)
PARTS = ("headline", "upper_bound")


def orders_needed(rule: Rule | None) -> int:
    """The fewest orders with which a rule can hold, as far as it asks for orders at all.

    Of several conditions the most, of alternatives the least: ``orders >= 3 and (reviews >= 1 or …)`` gives 3.
    """
    if isinstance(rule, All):
        return max(map(orders_needed, rule.rules))
    if isinstance(rule, Any_):
        return min(map(orders_needed, rule.rules))
    if isinstance(rule, Compare) and rule.fact in ("orders", "order_days") and rule.op in (">=", "=", ">"):
        return int(rule.value) + (rule.op == ">")
    return 0


def scaled(found: Mapping[str, Any], shares: Mapping[str, Decimal], rate: Decimal | None = None) -> dict[str, Any]:
    """A simulation where only a share of each rung climbs (by its key; all of it where not named), at another margin.

    ``found`` is the answer of `tangga ladder simulate`; the result has the same shape, with each step's ``share``.
    Those who climb are taken to be like the rung as a whole. Money is rounded once per step, and the sums are exact.
    """
    margin = rate if rate is not None else Decimal(str(found["assumptions"]["margin_rate"]))
    given = rate is not None
    steps = [
        {
            **step,
            "share": float(shares.get(step["rung"], WHOLE)),
            **{part: _part(step[part], shares.get(step["rung"], WHOLE), margin if given else None) for part in PARTS},
        }
        for step in found["per_rung"]
    ]
    return {
        **found,
        **{part: _sum([step[part] for step in steps], found[part]) for part in PARTS},
        "per_rung": steps,
        "assumptions": {**found["assumptions"], "margin_rate": float(margin), "margin_given": given},
    }


def _part(figures: Mapping[str, Any], share: Decimal, rate: Decimal | None) -> dict[str, Any]:
    """Orders and money of a share of a step; the margin anew where another rate is given."""
    revenue, margin = (Decimal(figures[name]["amount"]) * share for name in ("extra_revenue", "extra_margin"))
    currency = figures["extra_revenue"]["currency"]
    return {
        "extra_orders": int((Decimal(figures["extra_orders"]) * share).to_integral_value()),
        "extra_revenue": _money(revenue, currency),
        "extra_margin": _money(revenue * rate if rate is not None else margin, currency),
    }


def _sum(parts: list[dict[str, Any]], like: Mapping[str, Any]) -> dict[str, Any]:
    money = {
        name: _money(sum((Decimal(part[name]["amount"]) for part in parts), Decimal(0)), like[name]["currency"])
        for name in ("extra_revenue", "extra_margin")
    }
    return {"extra_orders": sum(part["extra_orders"] for part in parts), **money}


def _money(amount: Decimal, currency: str) -> dict[str, str]:
    return Money(minor_units(amount, currency), currency).as_json()
