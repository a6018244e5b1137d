"""The rung of every contact by the shop's default rules, computed apart from the product: the answer key."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from plugin_server.demo.generator_types import ShopOrder, ShopPerson, ShopReview, Standing

_RAVING_WITHIN = timedelta(days=365)


def rungs(
    people: Iterable[ShopPerson], orders: Iterable[ShopOrder], reviews: Iterable[ShopReview], now: datetime
) -> list[str]:
    """The rung key of each person, in the order of ``people``."""
    people = list(people)
    bought: Counter[int] = Counter()
    first: dict[int, datetime] = {}
    for order in orders:
        if order.counts:
            bought[order.person] += 1
            first[order.person] = min(first.get(order.person, order.created), order.created)
    friends: defaultdict[int, list[datetime]] = defaultdict(list)
    for at, person in enumerate(people):
        if person.referred_by is not None and at in first:
            friends[person.referred_by].append(first[at])
    praised = {review.email.lower() for review in reviews if review.rating >= 4}
    return [
        _rung(person, bought[at], friends.get(person.customer_id or 0, []), person.email.lower() in praised, now)
        for at, person in enumerate(people)
    ]


def _rung(person: ShopPerson, orders: int, friends: list[datetime], praised: bool, now: datetime) -> str:
    if orders == 0:
        return "suspect" if person.standing is Standing.SUSPECT else "prospect"
    if orders == 1:
        return "shopper"
    if orders >= 3 and len(friends) >= 2 and max(friends) >= now - _RAVING_WITHIN:
        return "raving_fan"
    if praised or friends:
        return "advocate"
    return "member" if orders >= 3 and person.member_since else "customer"
