"""Four campaigns of the demo's past whose true effects are known, each with its arms and what it changed.

A trial changes nobody's taste: of those treated it lets some order once more who would not have, or keeps some from
ordering who would have, just so many that the share of buyers moves by the effect on average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from plugin_server.demo.generator_orders import Buying, Counter
from plugin_server.demo.generator_purchases import Traits, basket_worth
from plugin_server.demo.generator_types import Family, ShopData, ShopOrder, ShopPerson, Standing, Tried

WINDOW = timedelta(days=14)
LASTING, HELD_OUT = 0.1, 0.4
"""Share that gets no campaign in that quarter, and the whole share that does not get this one."""
FEWEST = 300
"""A smaller audience shows nothing; small shops have no past campaigns."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign, so many days before now; ``effects`` on the share of buyers by rung (``""``: everybody else)."""

    key: str
    name: str
    days_ago: int
    effects: Mapping[str, float]


PLANS = (
    Plan("past-greeting", "A greeting, the same for all", 400, {}),
    Plan("past-arrivals", "New arrivals", 300, {"": 0.03}),
    Plan("past-third-mail", "A third mail in one week", 200, {"": -0.01}),
    Plan("past-second-order", "Your second order", 100, {"shopper": 0.04}),
)


def tried(data: ShopData, seed: int) -> ShopData:
    """The shop with the campaigns of its past; ``orders`` are in no order and unnumbered where they are new."""
    rng, orders, made = Random(f"{seed}:trials"), list(data.orders), []  # noqa: S311 (a demo, not a secret)
    counter = Counter(rng, data.products, data.coupons)
    for plan in PLANS:
        start = data.now - timedelta(days=plan.days_ago)
        rungs = _reachable(data, orders, start)
        if len(rungs) < FEWEST:
            continue
        arms = {person: _arm(rng.random()) for person in rungs}
        orders = _changed(data, orders, plan, start, rungs, arms, rng, counter)
        members = tuple((data.people[person].email, arms[person], rungs[person]) for person in rungs)
        made.append(Tried(plan.key, plan.name, start, WINDOW.days, LASTING, HELD_OUT, dict(plan.effects), members))
    return replace(data, orders=tuple(orders), trials=tuple(made))


def _arm(luck: float) -> str:
    return "lasting_holdout" if luck < LASTING else "campaign_holdout" if luck < HELD_OUT else "treated"


def _reachable(data: ShopData, orders: Sequence[ShopOrder], start: datetime) -> dict[int, str]:
    """Those who had bought and said yes to mails by then, with the rung they stood on."""
    bought: dict[int, int] = {}
    for order in orders:
        if order.counts and order.created < start:
            bought[order.person] = bought.get(order.person, 0) + 1
    return {
        person: "shopper" if count == 1 else "customer"
        for person, count in sorted(bought.items())
        if _said_yes(data.people[person], start)
    }


def _said_yes(person: ShopPerson, start: datetime) -> bool:
    consent = person.consent
    buyer = person.standing is Standing.BUYER
    return buyer and consent is not None and consent.state == "subscribed" and consent.at < start


def _changed(
    data: ShopData,
    orders: list[ShopOrder],
    plan: Plan,
    start: datetime,
    rungs: Mapping[int, str],
    arms: Mapping[int, str],
    rng: Random,
    counter: Counter,
) -> list[ShopOrder]:
    within = {order.person for order in orders if order.counts and start <= order.created < start + WINDOW}
    lost, more = set[int](), list[ShopOrder]()
    for rung in sorted(set(rungs.values())):
        effect = plan.effects.get(rung, plan.effects.get("", 0.0))
        people = [person for person, stood in rungs.items() if stood == rung]
        # Members keep their orders: their number hangs on the third.
        could = [p for p in people if (p not in within) == (effect > 0) and not (effect < 0 and _bound(data, p))]
        chance = abs(effect) * len(people) / len(could) if could else 0.0
        for person in could:
            if arms[person] == "treated" and rng.random() < chance:
                if effect > 0:
                    more += _order(data, person, start, rng, counter)
                else:
                    lost.add(person)
    kept = [one for one in orders if one.person not in lost or not start <= one.created < start + WINDOW]
    return kept + more


def _bound(data: ShopData, person: int) -> bool:
    return data.people[person].member_since is not None


def _order(data: ShopData, person: int, start: datetime, rng: Random, counter: Counter) -> list[ShopOrder]:
    truth, who = data.truths[person], data.people[person]
    traits = Traits(truth.family or Family.FASHION, truth.rate, truth.dropout, truth.spend, truth.satisfaction)
    at = (start + timedelta(days=rng.uniform(0.2, WINDOW.days - 2))).replace(microsecond=0)
    buying = Buying(
        person, who.customer_id or 0, who.email, traits.family, at, basket_worth(rng, traits), 2, None, who.consent
    )
    # Sent back, the order would not count, and the effect would be smaller than it is said to be.
    return [
        replace(one, refunds=(), status="completed") if one.refunds else one for one in counter.sell(buying, data.now)
    ]
