"""An order is delivered once, whatever carriers and shopkeepers say of it later."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from campaigns.triggers import OnEvent, firing_times
from plugin_server.db.campaigning.happened import happened
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.contract.conftest import NOW
from tests.contract.counters import Counter

ZONE = "Asia/Jakarta"
START = (NOW.astimezone(ZoneInfo(ZONE)) - timedelta(days=30)).replace(hour=0, minute=0, second=0)
Telling = tuple[float, float, float | None]
"""(told, sent off, arrived) in days from ``START``."""


class Parcel:
    """An order of the shop that we follow, and the firings of campaigns some days after its delivery."""

    def __init__(self, app: Services, merchant: int, store: int, shop: Counter, email: str) -> None:
        self.app, self.merchant, self.store, self.shop = app, merchant, store, shop
        self.email, self.id = email, shop.sell(email, at=moment(-1.0))

    def hear(self, told: Telling) -> None:
        at, sent, arrived = told
        came = moment(arrived) if arrived is not None else None
        self.shop.send_off(self.id, moment(sent), touched=moment(at), arrived=came)
        found = self.shop.store.order(self.id)
        assert found is not None
        of = {"merchant_id": self.merchant, "store_id": self.store, "now": moment(at)}
        with tenant(self.app.engine, self.merchant) as connection:
            ingest_orders(connection, orders=[found], **of)  # type: ignore[arg-type]

    def fired(self, after_days: int, tellings: Sequence[Telling], days: int = 20) -> list[int]:
        """The days on which a campaign fires for it, hearing of it as time goes on."""
        trigger = OnEvent(kind="event", event="order_delivered", after_days=after_days)
        waiting, found = sorted(tellings), []
        (first, nine), *_ = [one for one in firing_times(trigger, timezone=ZONE, around=START) if one[1] > START]
        for number in range(days):
            while waiting and moment(waiting[0][0]) < nine + timedelta(days=number):
                self.hear(waiting.pop(0))
            query = happened(trigger, timezone=ZONE, day=first + timedelta(days=number), rungs=(), topic="promotions")
            with tenant(self.app.engine, self.merchant) as connection:
                me = connection.scalar(text("SELECT id FROM customer WHERE email = :email"), {"email": self.email})
                found += [number for who in connection.scalars(query) if who == me]
        return found


def moment(days: float) -> datetime:
    return (START + timedelta(days=days)).astimezone(UTC).replace(microsecond=0)


@pytest.mark.parametrize(
    ("after", "tellings", "days"),
    [
        (3, [(1.1, 1.0, None)], [4]),
        # The carrier tells only later that it came later: in time, it counts from there; too late, it is let be.
        (3, [(1.1, 1.0, None), (2.9, 1.0, 2.8)], [5]),
        (1, [(1.1, 1.0, None), (5.0, 1.0, 4.9)], [2]),
        (3, [(1.1, 1.0, None), (2.9, 1.0, 2.8), (3.5, 1.0, 3.4), (9.0, 1.0, 8.9)], [5]),
        # An order of long ago that somebody touches again.
        (3, [(1.1, 1.0, 1.05), (12.0, 1.0, 1.05)], [4]),
    ],
)
def test_an_order_is_delivered_once(
    app: Services, merchant: int, store: int, shop: Counter, after: int, tellings: list[Telling], days: list[int]
) -> None:
    assert Parcel(app, merchant, store, shop, "sekali@contoh.test").fired(after, tellings) == days


def test_no_course_of_tellings_fires_twice(app: Services, merchant: int, store: int, shop: Counter) -> None:
    chance = random.Random(4)
    for number in range(8):
        sent = chance.uniform(0, 3)
        times = sorted(chance.uniform(sent, 14) for _ in range(chance.randrange(1, 5)))
        tellings = [(at, sent, chance.choice((None, chance.uniform(sent, at)))) for at in times]
        parcel = Parcel(app, merchant, store, shop, f"kali{number}@contoh.test")
        assert len(parcel.fired(chance.choice((0, 1, 3, 7)), tellings)) <= 1, tellings
