"""What follows between facts by their nature: nobody without an order has spent money. Said once, in three tables.

``contradiction`` finds where conditions on different facts can never hold together. It is cautious: what it does not
see, a preview with real customers shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.ladder import sense
from campaigns.ladder.facts import CATALOGUE, FactType
from campaigns.ladder.rules import All, Any_, BadRule, Compare, IsSet, Leaf, Not, Rule, children
from campaigns.ladder.sense import Span, impossible, span

NEEDS: dict[str, tuple[str, int]] = {
    "spend": ("orders", 1),
    "average_order": ("orders", 1),
    "refunded": ("orders", 1),
    "first_order_at": ("orders", 1),
    "second_order_at": ("orders", 2),
    "third_order_at": ("orders", 3),
    "last_order_at": ("orders", 1),
    "gap_mean_days": ("order_days", 2),
    "gap_spread": ("order_days", 3),
    "days_since_order": ("orders", 1),
    "recency_percent": ("order_days", 2),
    "discount_percent": ("orders", 1),
    "refund_percent": ("orders", 1),
    "products": ("orders", 1),
    "product_count": ("orders", 1),
    "categories": ("orders", 1),
    "category_count": ("orders", 1),
    "margin_percent": ("orders", 1),
    "supply_ends_on": ("orders", 1),
    "supply_days_left": ("orders", 1),
    "first_source": ("orders", 1),
    "first_review_at": ("reviews", 1),
    "last_review_at": ("reviews", 1),
    "first_referral_at": ("referrals_converted", 1),
    "second_referral_at": ("referrals_converted", 2),
    "last_referral_at": ("referrals_converted", 1),
    "last_click_at": ("mail_clicks", 1),
    "last_reply_at": ("replies", 1),
}
"""Of whom this is known (what is counted or summed: is above zero), has at least so many of that."""

AS_MANY: dict[str, str] = {
    "order_days": "orders",
    "discount_orders": "orders",
    "foreign_orders": "orders",
    "referrals_converted": "referrals_made",
    "mail_clicks": "mails",
    "mails_since_click": "mails",
    "mail_opens": "mails",
    "machine_opens": "mails",
}
"""Who has so many of this has at least as many of that."""

BRINGS: dict[str, tuple[tuple[int, str], ...]] = {
    "orders": (
        (1, "order_days"), (1, "first_order_at"), (1, "last_order_at"), (1, "days_since_order"),
        (1, "discount_percent"), (2, "second_order_at"), (3, "third_order_at"),
    ),
    "order_days": ((2, "gap_mean_days"),),
    "reviews": ((1, "first_review_at"), (1, "last_review_at")),
    "referrals_converted": ((1, "first_referral_at"), (2, "second_referral_at"), (1, "last_referral_at")),
    "mail_clicks": ((1, "last_click_at"),),
    "replies": ((1, "last_reply_at"),),
}  # fmt: skip
"""Of whoever has at least so many of this, that is known."""


BOUNDS: dict[str, tuple[int | None, int | None]] = {
    "spend": (0, None),
    "average_order": (0, None),
    "refunded": (0, None),
    "expected_spend": (0, None),
    "discount_percent": (0, 100),
    "refund_percent": (0, 100),
    "margin_percent": (None, 100),
    "alive_percent": (0, 100),
    "buys_percent": (0, 100),
    "nps_score": (0, 10),
}
"""Between what a known value always lies; counts are never below 0."""


class Clash(BadRule):
    """Conditions on two different facts that nobody can meet at once."""

    def __init__(self, path: str, one: str, other: str) -> None:
        self.one, self.other = one, other
        super().__init__(
            path, f"Nobody can meet this: what is asked of {one} cannot be together with what is asked of {other}."
        )


def contradiction(rule: Rule, path: str = "") -> BadRule | None:
    """Why nobody can ever meet the rule, within one fact or between several; None where somebody may."""
    return impossible(rule, path) or _clash(rule, path)


def implies(one: Rule, other: Rule) -> bool:
    """Whether whoever meets ``one`` always meets ``other``; False where that cannot be told."""
    return sense.implies(one, other) or contradiction(All(rules=(one, Not(rule=other)))) is not None


def check(rule: Rule, path: str = "") -> None:
    """Raises ``BadRule`` at the place of a contradiction."""
    if found := contradiction(rule, path):
        raise found


def _clash(rule: Rule, path: str) -> BadRule | None:
    if isinstance(rule, Any_):
        below = [contradiction(child, _step(path, step)) for step, child in children(rule)]
        return below[0] if all(below) else None
    asked = list(_asked(rule, path))
    leaves = tuple(one for _, one in asked if not isinstance(one, Any_))
    if found := _between([(place, one) for place, one in asked if not isinstance(one, Any_)]):
        return found
    for place, one in asked:
        if isinstance(one, Any_) and leaves:
            each = [contradiction(All(rules=(*leaves, child))) for child in one.rules]
            first = next((bad for bad in each if isinstance(bad, Clash)), None)
            if all(each):
                return Clash(place, first.one, first.other) if first else BadRule(place, each[0].problem)  # type: ignore[union-attr]
    return None


def _asked(rule: Rule, path: str) -> Iterator[tuple[str, Rule]]:
    """All that must hold at once, with its path: conditions, denied conditions, and alternatives."""
    if isinstance(rule, All):
        for step, child in children(rule):
            yield from _asked(child, _step(path, step))
    elif isinstance(rule, Not) and isinstance(rule.rule, Any_):
        for child in rule.rule.rules:  # none of them: not the one and not the other
            yield from _asked(Not(rule=child), path)
    elif isinstance(rule, Not) and isinstance(rule.rule, All):
        yield path, Any_(rules=tuple(Not(rule=child) for child in rule.rule.rules))
    elif isinstance(rule, Not) and isinstance(rule.rule, Not):
        yield from _asked(rule.rule.rule, path)
    else:
        yield path, rule


_CONTRARY = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def _left(rule: Rule) -> tuple[str, Span] | None:
    """The fact of a condition, plain or denied, and what it leaves open; None where nothing can be told."""
    if isinstance(rule, Not):
        denied = rule.rule
        if isinstance(denied, IsSet):
            return denied.fact, Span(unknown=True)
        if isinstance(denied, Compare) and counted(denied.fact):
            return _left(Compare(fact=denied.fact, op=_CONTRARY[denied.op], value=denied.value))  # type: ignore[arg-type]
        return None
    if isinstance(rule, All | Any_):
        return None
    return rule.fact, _floored(rule)


def _floored(leaf: Leaf) -> Span:
    low, high = BOUNDS.get(leaf.fact, (CATALOGUE[leaf.fact].least, None))
    return Span(low=low, high=high).both(span(leaf))


def counted(fact: str) -> bool:
    """Whether it is 0 of whoever has none of it, and never unknown."""
    known = CATALOGUE[fact]
    return fact in ("spend", "refunded") or (
        known.type is FactType.WHOLE and known.kept in ("facts", "habits", "contact") and known.least == 0
    )


def _between(asked: list[tuple[str, Rule]]) -> BadRule | None:
    """The first clash: what is asked is followed from fact to fact until nothing new comes out."""
    open_, origin, place = dict[str, Span](), dict[str, str](), dict[str, str]()
    for path, rule in asked:
        if (left := _left(rule)) is not None:
            fact, asks = left
            open_[fact], origin[fact], place[fact] = open_.get(fact, Span()).both(asks), fact, path
            if open_[fact].empty():
                return BadRule(path, f"Nobody can meet this: no value of {fact} is left.")
    waiting = list(open_)
    while waiting:
        fact = waiting.pop(0)
        for other, more in _follows(fact, open_[fact]):
            before = open_.get(other, Span())
            after = before.both(more)
            if after.empty():
                one, two = origin[fact], origin.get(other, other)
                return Clash(place[two] if two in place else place[one], one, two if two != one else other)
            if after != before:
                open_[other] = after
                origin.setdefault(other, origin[fact])
                waiting.append(other)
    return None


def _follows(fact: str, left: Span) -> Iterator[tuple[str, Span]]:
    """What must be of other facts where this much is left of one."""
    least = _least(left) if counted(fact) else None
    has = left.known if least is None else least > 0
    if has and fact in NEEDS:
        other, number = NEEDS[fact]
        yield other, Span(known=True, low=number)
    if least is None:
        return
    if least > 0 and fact in AS_MANY:
        yield AS_MANY[fact], Span(known=True, low=least)
    for number, other in BRINGS.get(fact, ()):
        if least >= number:
            yield other, Span(known=True, low=1) if counted(other) else Span(known=True)


def _least(left: Span) -> float:
    """The smallest number that is left; a hair more than an end that is left out."""
    if left.only is not None:
        return float(min((value for value in left.only if left.holds(value)), default=0))
    low = float(left.low or 0)
    return low + 1e-9 if left.low_open or low in left.without else low


def _step(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step
