"""What a shop or a customer tells late: made up once within the time in which a missed firing is, and never later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from campaigns.calendar import GRACE
from campaigns.schema import parse
from connectors.types import Order, OrderStatus
from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.customers import answers
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import ticks
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import add_order
from tests.campaigns.test_events import listening
from tests.campaigns.test_schedule import DAY, at

HOUR = timedelta(hours=1)
BEGIN = NOW - 6 * DAY
"""The listening campaigns are active from here on; they fire at 09:00 in Jakarta, as ``NOW`` is."""
keys = (f"listener-{n}" for n in count())
Tell = Callable[[datetime], None]


def begin(app: Services, merchant: int, **trigger: Any) -> str:
    key = next(keys)
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=parse(listening(**trigger) | {"key": key}), by="test")
        campaigns.set_state(conn, key, "active", BEGIN)
    return key


def fire(app: Services, merchant: int, key: str, moment: datetime) -> list[int]:
    """Whom the campaign meets at this time."""
    ticks.tick_merchant(at(app, moment), merchant)
    with tenant(app.engine, merchant) as conn:
        met: list[int] = []
        for run in campaigns.runs_of(conn, campaigns.need(conn, key).id):
            if run.state == "planned":
                audience.freeze(conn, run, moment)
                met += conn.scalars(text("SELECT customer_id FROM audience_member WHERE run_id = :r"), {"r": run.id})
        return sorted(met)


def told(app: Services, merchant: int, key: str, tellings: dict[datetime, Tell]) -> dict[int, list[datetime]]:
    """Fire daily, telling what is told in between; gives when whom was met."""
    met: dict[int, list[datetime]] = {}
    for firing in (BEGIN + n * DAY for n in range(1, 12)):
        for moment in sorted(moment for moment in tellings if firing - DAY <= moment < firing):
            tellings.pop(moment)(moment)
        for customer in fire(app, merchant, key, firing):
            met.setdefault(customer, []).append(firing)
    assert not tellings
    return met


def own_firing(moment: datetime, after: int) -> datetime:
    """When a campaign of 09:00 in Jakarta, which is 02:00 UTC, comes for something, ``after`` days on."""
    if after == 0:
        return BEGIN + ((moment - BEGIN) // DAY + 1) * DAY
    midnight = (moment + 7 * HOUR).replace(hour=0, minute=0)
    return midnight + after * DAY + 2 * HOUR


MINUTES = st.integers(min_value=0, max_value=5 * 24 * 60 - 1).map(lambda n: BEGIN + timedelta(minutes=n))
WORDS = st.lists(st.tuples(MINUTES, st.integers(min_value=0, max_value=4 * 24 * 60)), min_size=8, max_size=8)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=WORDS, after=st.integers(min_value=0, max_value=2))
def test_each_parcel_is_met_once_unless_its_word_came_too_late(
    app: Services, merchant: int, words: list[tuple[datetime, int]], after: int
) -> None:
    key, tellings, wanted = begin(app, merchant, event="order_delivered", after_days=after), dict[datetime, Tell](), {}
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("DELETE FROM shop_order"))
    for customer, (came, late) in enumerate(words, 1):
        heard = came + timedelta(minutes=late, seconds=customer)
        tellings[heard] = lambda now, who=customer, came=came: _parcel(app, merchant, who, came, now)  # type: ignore[misc]
        own = own_firing(came, after)
        first = max(own, own_firing(heard, 0))
        wanted[customer] = [first] if first - own <= GRACE else []
    met = told(app, merchant, key, tellings)
    assert met == {customer: firings for customer, firings in wanted.items() if firings}


def _parcel(app: Services, merchant: int, customer: int, came: datetime, now: datetime) -> None:
    with tenant(app.engine, merchant) as conn:
        times = {"at": str(came - 9 * DAY), "delivered_at": str(came), "delivery_heard_at": now}
        add_order(conn, merchant, customer, store=_store(conn), external=f"p{customer}", **times)


def _store(conn: Connection) -> int:
    return int(conn.execute(text("SELECT id FROM store")).scalar_one())


ORDER = Order("t1", "t1", OrderStatus.PENDING, "on-hold", False, NOW, None, "IDR", 20000000, email="c1@example.com")


def heard(app: Services, merchant: int, order: Order, **told: Any) -> Tell:
    """The shop tells of an order."""

    def tell(now: datetime) -> None:
        with tenant(app.engine, merchant) as conn:
            given = replace(order, **{"updated_at": now} | told)
            ingest_orders(conn, merchant_id=merchant, store_id=_store(conn), orders=[given], now=now)

    return tell


PAID = {"status": OrderStatus.PAID, "raw_status": "processing", "paid": True}


def test_a_transfer_counts_from_when_it_came_and_the_order_from_when_it_was_placed(
    app: Services, merchant: int
) -> None:
    waiting, paid = heard(app, merchant, ORDER, placed_at=NOW), heard(app, merchant, ORDER, placed_at=NOW, **PAID)
    for event, told_of in (("order_placed", NOW + HOUR), ("order_paid", NOW + 3 * DAY)):
        key = begin(app, merchant, event=event)
        tellings = {NOW + HOUR: waiting, NOW + 3 * DAY: paid}
        with tenant(app.engine, merchant) as conn:
            conn.execute(text("DELETE FROM shop_order WHERE external_id = 't1'"))
        assert told(app, merchant, key, tellings) == {1: [own_firing(told_of, 0)]}


@pytest.mark.parametrize(("known", "met"), [(timedelta(0), True), (4 * DAY, False)])
def test_of_a_payment_that_the_shop_has_long_known_nobody_is_told(
    app: Services, merchant: int, known: timedelta, met: bool
) -> None:
    key, when = begin(app, merchant, event="order_paid"), NOW + 4 * DAY + HOUR
    early = heard(app, merchant, ORDER, placed_at=BEGIN - DAY, updated_at=BEGIN)
    late = heard(app, merchant, ORDER, placed_at=BEGIN - DAY, **PAID, updated_at=when - known)
    assert told(app, merchant, key, {BEGIN + HOUR: early, when: late}) == ({1: [own_firing(when, 0)]} if met else {})


def test_a_basket_that_is_bought_days_later_is_placed_then(app: Services, merchant: int) -> None:
    key = begin(app, merchant, event="order_placed")
    draft = heard(app, merchant, ORDER, placed_at=NOW, status=OrderStatus.DRAFT, raw_status="checkout-draft")
    bought = heard(app, merchant, ORDER, placed_at=NOW, **PAID)
    assert told(app, merchant, key, {NOW + HOUR: draft, NOW + 3 * DAY: bought}) == {1: [NOW + 4 * DAY]}


def test_a_birthday_and_a_yes_that_are_told_late_are_made_up_the_same_way(app: Services, merchant: int) -> None:
    key, telling = begin(app, merchant, event="birthday", after_days=-1), NOW + DAY + HOUR

    def born(now: datetime) -> None:
        with tenant(app.engine, merchant) as conn:
            answers.born(conn, 1, (NOW + DAY).date().replace(year=1990), now)  # its firing was at NOW
            answers.born(conn, 2, (NOW - 2 * DAY).date().replace(year=1990), now)  # three days before

    assert told(app, merchant, key, {telling: born}) == {1: [NOW + 2 * DAY]}
    key = begin(app, merchant, event="consent_given")

    def yes(now: datetime) -> None:
        with tenant(app.engine, merchant) as conn:
            for customer, moment in ((10, NOW - HOUR), (9, NOW - 3 * DAY)):
                conn.execute(
                    text(
                        "INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at, recorded_at) "
                        "VALUES (:m, :c, 'subscribed', 'shop', :at, :now)"
                    ),
                    {"m": merchant, "c": customer, "at": moment, "now": now},
                )

    assert told(app, merchant, key, {NOW + DAY + HOUR: yes}) == {10: [NOW + 2 * DAY]}


def test_whom_a_firing_met_is_not_met_again_under_the_name_they_took_since(app: Services, merchant: int) -> None:
    key = begin(app, merchant, event="order_delivered")
    _parcel(app, merchant, 1, NOW - HOUR, NOW - HOUR)
    assert fire(app, merchant, key, NOW) == [1]
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE customer SET merged_into = 2 WHERE id = 1"))
        conn.execute(text("UPDATE shop_order SET customer_id = 2, delivery_heard_at = :t WHERE customer_id = 1"),
                     {"t": NOW + HOUR})  # fmt: skip
    assert fire(app, merchant, key, NOW + DAY) == []
