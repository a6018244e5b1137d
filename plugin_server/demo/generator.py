"""The demo shop's two years, from a seed: the same seed, size and ``now`` give the same shop, to the second.

60 % of the contacts bought, 25 % have an account without an order, 15 % are names from an imported list that the
shop itself does not know. Parameters and their sources: docs/demo-shop.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from plugin_server.demo import generator_goods
from plugin_server.demo.generator_ladder import rungs
from plugin_server.demo.generator_orders import Buying, Counter
from plugin_server.demo.generator_people import People
from plugin_server.demo.generator_purchases import (
    FASHION_SHARE,
    Traits,
    basket_worth,
    draw_traits,
    purchase_clock,
)
from plugin_server.demo.generator_season import Season
from plugin_server.demo.generator_social import Referrals, write_review
from plugin_server.demo.generator_trials import tried
from plugin_server.demo.generator_types import (
    Family,
    ShopData,
    ShopOrder,
    ShopPerson,
    ShopReview,
    Standing,
    Truth,
)

ZONE = ZoneInfo("Asia/Jakarta")
DAYS = 730
_FIRST_CUSTOMER_ID = 2
_FIRST_COUPON_ID = 201
_FIRST_ORDER_ID = 1001
_ENROLLED = 0.76
_REVIEWS = {1: 0.05, 2: 0.062}
_GUEST = {1: 0.30, 2: 0.16}


@dataclass(slots=True)
class _Contact:
    """One contact under construction; ``moments`` are the times of the purchases."""

    person: ShopPerson
    traits: Traits | None = None
    moments: list[datetime] = field(default_factory=list)
    referrer: int | None = None
    guest: bool = False


class _Making:
    """One run of the generator."""

    def __init__(self, seed: int, customers: int, now: datetime) -> None:
        self.now = now.astimezone(UTC).replace(microsecond=0)
        self.rng = Random(seed)  # noqa: S311 (a demo, not a secret)
        self.opening: date = (self.now.astimezone(ZONE) - timedelta(days=DAYS)).date() + timedelta(days=1)
        self.opened = datetime.combine(self.opening, time(8), ZONE).astimezone(UTC)
        self.seasons = {family: Season(self.opening, DAYS, family) for family in Family}
        self.people = People(self.rng)
        self.products = generator_goods.catalogue(self.opened)
        self.coupons = generator_goods.coupons(_FIRST_COUPON_ID, self.opened)
        self.buyers = round(customers * 0.60)
        self.prospects = round(customers * 0.25)
        self.suspects = customers - self.buyers - self.prospects

    def moment(self, day: int) -> datetime:
        """A time of ``day`` when people shop: between eight in the morning and eleven at night, before now."""
        seconds = int(self.rng.triangular(8 * 3600, 23 * 3600, 20 * 3600))
        local = datetime.combine(self.opening + timedelta(days=day), time(), ZONE) + timedelta(seconds=seconds)
        latest = self.now - timedelta(minutes=self.rng.randint(5, 240))
        return min(local.astimezone(UTC), latest)

    def draw_buyers(self) -> list[_Contact]:
        """All buyers in the order of their first purchase, each with all purchases and who brought them."""
        starts = []
        for _ in range(self.buyers):
            family = Family.FASHION if self.rng.random() < FASHION_SHARE else Family.SUPPLEMENT
            starts.append((self.rng.random() ** 0.74 * self.seasons[family].length, family))
        starts.sort()
        referrals = Referrals(self.rng)
        return [self._draw_buyer(at, clock, family, referrals) for at, (clock, family) in enumerate(starts)]

    def _draw_buyer(self, at: int, clock: float, family: Family, referrals: Referrals) -> _Contact:
        season = self.seasons[family]
        referrer = referrals.bring(season.day_at(clock))
        traits = draw_traits(self.rng, family, referred=referrer is not None)
        clocks = purchase_clock(self.rng, traits, first=clock, end=season.length)
        moments = sorted(self.moment(season.day_at(one)) for one in clocks)
        sharing = referrals.begins_to_share(len(moments)) if traits.satisfied else None
        if sharing is not None:
            referrals.invite(at, (moments[sharing - 1] - self.opened) / timedelta(days=1))
        person = self.people.draw(Standing.BUYER, moments[0], self.now)
        guest = sharing is None and self.rng.random() < _GUEST.get(len(moments), 0.0)
        if not guest:
            early = timedelta(minutes=self.rng.randint(1, 30), days=self.rng.choice((0, 0, 0, 0, 3, 20)))
            person = replace(person, registered=max(moments[0] - early, self.opened))
        return _Contact(person, traits, moments, referrer, guest)

    def draw_others(self, standing: Standing, count: int) -> list[_Contact]:
        """Prospects with an account, or Suspects without."""
        contacts = []
        for _ in range(count):
            seen = self.moment(self.rng.randrange(DAYS))
            person = self.people.draw(standing, seen, self.now)
            if standing is Standing.PROSPECT:
                person = replace(person, registered=seen)
            contacts.append(_Contact(person))
        return contacts


def generate(*, seed: int, customers: int = 5000, now: datetime, past: bool = True) -> ShopData:
    """The shop as of ``now`` (aware): ``customers`` contacts, 24 months of orders, everything else in proportion.

    Without ``past`` it has never had a campaign.
    """
    making = _Making(seed, customers, now)
    contacts = making.draw_buyers()
    contacts += making.draw_others(Standing.PROSPECT, making.prospects)
    contacts += making.draw_others(Standing.SUSPECT, making.suspects)
    _give_accounts(contacts)
    orders = _number(_take_orders(making, contacts))
    _enrol(making, contacts, orders)
    reviews = _collect_reviews(making, contacts, orders)
    people = tuple(contact.person for contact in contacts)
    reached = rungs(people, orders, reviews, making.now)
    base = ShopData(
        seed=seed,
        now=making.now,
        categories=generator_goods.CATEGORIES,
        products=making.products,
        coupons=making.coupons,
        people=people,
        orders=orders,
        reviews=reviews,
        truths=tuple(_truth(contact, rung) for contact, rung in zip(contacts, reached, strict=True)),
    )
    return with_past(base, seed) if past else base


def with_past(base: ShopData, seed: int) -> ShopData:
    """The shop with the campaigns of its past (see ``generator_trials``), its orders numbered and rungs read anew."""
    data = tried(base, seed)
    if not data.trials:
        return base
    orders = _number(sorted(data.orders, key=lambda order: order.created))
    reached = rungs(data.people, orders, data.reviews, data.now)
    told = tuple(replace(truth, rung=rung) for truth, rung in zip(data.truths, reached, strict=True))
    return replace(data, orders=orders, truths=told)


def _give_accounts(contacts: list[_Contact]) -> None:
    """Customer ids in the order of registration, and with them the ids of those who brought a friend."""
    accounts = sorted(
        (at for at, contact in enumerate(contacts) if contact.person.registered),
        key=lambda at: (contacts[at].person.registered, at),
    )
    for customer_id, at in enumerate(accounts, _FIRST_CUSTOMER_ID):
        contacts[at].person = replace(contacts[at].person, customer_id=customer_id)
    for contact in contacts:
        if contact.referrer is not None:
            brought_by = contacts[contact.referrer].person.customer_id
            contact.person = replace(contact.person, referred_by=brought_by)


def _take_orders(making: _Making, contacts: list[_Contact]) -> list[ShopOrder]:
    rng = making.rng
    counter = Counter(rng, making.products, making.coupons)
    orders: list[ShopOrder] = []
    for at, contact in enumerate(contacts):
        for nth, moment in enumerate(contact.moments, 1):
            orders += counter.sell(_buying(rng, at, contact, nth, moment), making.now)
        if contact.person.standing is Standing.PROSPECT and rng.random() < 0.14:
            family = rng.choice(list(Family))
            seen = contact.person.registered or making.now
            left = min(seen + timedelta(minutes=rng.randint(3, 90)), making.now)
            worth = rng.uniform(80_000, 600_000)
            person = contact.person
            orders.append(
                counter.abandon(
                    Buying(at, person.customer_id or 0, person.email, family, left, worth, 0, None, None)
                )
            )  # fmt: skip
    return orders


def _buying(rng: Random, at: int, contact: _Contact, nth: int, moment: datetime) -> Buying:
    """One purchase; people who have an account check out without logging in now and then, and type in capitals."""
    assert contact.traits is not None  # only buyers have moments  # noqa: S101
    person = contact.person
    logged_in = not contact.guest and (nth == 1 or rng.random() >= 0.04)
    typed = person.email
    if not logged_in and rng.random() < 0.25:
        typed = typed.upper() if rng.random() < 0.5 else typed.title()
    return Buying(
        at, person.customer_id or 0 if logged_in else 0, typed, contact.traits.family, moment,
        basket_worth(rng, contact.traits), nth, person.referred_by, person.consent,
    )  # fmt: skip


def _number(orders: list[ShopOrder]) -> tuple[ShopOrder, ...]:
    """Give ids in the order of time; refunds draw from the same sequence."""
    events: list[tuple[datetime, int, int]] = []
    for at, order in enumerate(orders):
        events.append((order.created, at, -1))
        events += [(refund.at, at, nth) for nth, refund in enumerate(order.refunds)]
    ids = {(at, nth): number for number, (_, at, nth) in enumerate(sorted(events), _FIRST_ORDER_ID)}
    numbered = [
        replace(
            order,
            id=ids[at, -1],
            refunds=tuple(replace(refund, id=ids[at, nth]) for nth, refund in enumerate(order.refunds)),
        )
        for at, order in enumerate(orders)
    ]
    return tuple(sorted(numbered, key=lambda order: order.id))


def _enrol(making: _Making, contacts: list[_Contact], orders: tuple[ShopOrder, ...]) -> None:
    """Membership for most of those with three counting orders, from soon after the third on."""
    third: dict[int, datetime] = {}
    seen: dict[int, int] = {}
    for order in orders:
        if order.counts:
            seen[order.person] = seen.get(order.person, 0) + 1
            if seen[order.person] == 3:
                third[order.person] = order.created
    number = 0
    for at in sorted(third, key=lambda at: third[at]):
        if contacts[at].person.customer_id is not None and making.rng.random() < _ENROLLED:
            number += 1
            since = min(third[at] + timedelta(days=making.rng.randint(0, 9)), making.now).astimezone(ZONE).date()
            contacts[at].person = replace(
                contacts[at].person, member_since=since, member_number=f"TS-{number:06d}"
            )  # fmt: skip


def _collect_reviews(
    making: _Making, contacts: list[_Contact], orders: tuple[ShopOrder, ...]
) -> tuple[ShopReview, ...]:
    rng = making.rng
    last: dict[int, ShopOrder] = {order.person: order for order in orders if order.counts and order.completed}
    reviews = []
    for at, contact in enumerate(contacts):
        if at not in last or contact.traits is None or last[at].completed is None:
            continue
        chance = _REVIEWS[min(2, len(contact.moments))] if contact.traits.satisfied else 0.03
        if rng.random() < chance:
            person = contact.person
            name = f"{person.first_name} {person.last_name}".strip()
            review = write_review(
                rng, product_id=last[at].lines[0].product_id, reviewer=name,
                email=person.email, satisfied=contact.traits.satisfied, after=last[at].completed or making.now,
                now=making.now,
            )  # fmt: skip
            reviews += [review] if review else []
    reviews.sort(key=lambda review: review.at)
    return tuple(replace(review, id=number) for number, review in enumerate(reviews, 1))


def _truth(contact: _Contact, rung: str) -> Truth:
    traits, person = contact.traits, contact.person
    if traits is None:
        return Truth(person.email, person.standing, None, 0.0, 0.0, 0.0, 0.0, rung)
    return Truth(
        person.email, person.standing, traits.family, traits.rate, traits.dropout, traits.spend,
        traits.satisfaction, rung,
    )  # fmt: skip
