"""What if everybody climbed one rung? The honest part: the extra orders it takes, and no more."""

from __future__ import annotations

from campaigns.ladder.rules import All, Any_, Compare, Rule


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
