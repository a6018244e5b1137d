"""To whom something happened on a day, and campaigns that listen for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from campaigns.calendar import daily, day_of
from campaigns.schema import BadCampaign, parse
from campaigns.triggers import OnEvent, Recurring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.happened import happened
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import ticks
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import add_order, say
from tests.campaigns.test_schedule import DAY, at

RUNGS = ("suspect", "prospect", "shopper", "customer", "member", "advocate", "raving_fan")
TODAY = NOW.astimezone(ZoneInfo("Asia/Jakarta")).date()
Who = Callable[..., list[int]]


@pytest.fixture
def who(app: Services, merchant: int) -> Who:
    """The customers whom a firing on an event is for, today unless said otherwise."""

    def ask(event: str, *, day: date = TODAY, **told: Any) -> list[int]:
        trigger = OnEvent(kind="event", event=event, **told)  # type: ignore[arg-type]
        with tenant(app.engine, merchant) as conn:
            query = happened(trigger, timezone="Asia/Jakarta", day=day, rungs=RUNGS, topic="promotions")
            return sorted(set(conn.scalars(query)))

    return ask


def change(app: Services, merchant: int, sql: str, **values: Any) -> None:
    with tenant(app.engine, merchant) as conn:
        conn.execute(text(sql), values | {"m": merchant} if ":m" in sql else values)


def test_orders_of_a_day_of_the_shop(app: Services, merchant: int, who: Who) -> None:
    late = datetime(2027, 2, 20, 16, 59, tzinfo=NOW.tzinfo)
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        add_order(conn, merchant, 1, store=store, external="late", at=str(late))
        add_order(conn, merchant, 2, store=store, external="next", at=str(late + timedelta(minutes=1)))
        add_order(conn, merchant, 3, store=store, external="open", at=str(late), status="draft", paid=False)
        add_order(conn, merchant, 4, store=store, external="came", at=str(late - 9 * DAY), delivered_at=str(late))
    day = date(2027, 2, 20)
    next_day: dict[str, Any] = {"day": day + DAY, "after_days": 1}
    assert (who("order_delivered", **next_day), who("order_delivered", day=day + 2 * DAY, after_days=1)) == ([4], [])
    assert who("order_paid", **next_day) == [1]
    assert who("order_paid", day=day + 2 * DAY, after_days=1) == [2]
    # Without days between, what came after one firing is for the next: both of these, at 09:00 of the day after.
    assert (who("order_paid", day=day), who("order_paid", day=day + DAY)) == ([], [1, 2])
    assert (who("nth_order", nth=2, **next_day), who("nth_order", nth=1, **next_day)) == ([1], [])
    assert who("checkout_abandoned", day=day + DAY, after_days=1) == [3]


def test_a_checkout_that_was_paid_later_is_not_abandoned(app: Services, merchant: int, who: Who) -> None:
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        add_order(conn, merchant, 3, store=store, external="open", at=str(NOW - DAY), status="draft", paid=False)
        add_order(conn, merchant, 3, store=store, external="paid", at=str(NOW))
        # Paid at the door: nobody left anything, though no money is in yet.
        door = {"status": "draft", "paid": False, "delivered_at": str(NOW)}
        add_order(conn, merchant, 4, store=store, external="door", at=str(NOW - DAY), **door)
    assert who("checkout_abandoned", after_days=1) == []


def test_climbs_falls_and_standing_still(app: Services, merchant: int, who: Who) -> None:
    moves = [(1, "shopper", "customer"), (2, "customer", "shopper"), (3, None, "shopper"), (4, "shopper", "member")]
    for customer, old, new in moves:
        change(
            app, merchant,
            "INSERT INTO rung_change (merchant_id, customer_id, from_rung, to_rung, changed_at, ladder_version) "
            "VALUES (:m, :c, :old, :new, :at, 1)", c=customer, old=old, new=new, at=NOW,
        )  # fmt: skip
    change(app, merchant, "UPDATE customer_facts SET rung_since = :at WHERE customer_id = 5", at=NOW - 30 * DAY)
    told: dict[str, Any] = {"day": TODAY + DAY}
    assert (who("rung_up", **told), who("rung_up", rung="member", **told), who("rung_down", **told)) == (
        [1, 4], [4], [2],
    )  # fmt: skip
    assert (who("stalled", after_days=30), who("stalled", after_days=29)) == ([5], [])


@pytest.mark.parametrize(
    ("born", "day", "met"),
    [
        (date(1990, 2, 24), date(2027, 2, 24), True),
        (date(1992, 2, 29), date(2027, 2, 28), True),
        (date(1992, 2, 29), date(2028, 2, 28), False),
        (date(1992, 2, 29), date(2028, 2, 29), True),
        (date(1992, 2, 29), date(2027, 3, 1), False),
    ],
)
def test_birthdays(app: Services, merchant: int, who: Who, born: date, day: date, met: bool) -> None:
    change(app, merchant, "UPDATE customer SET birthday = :born WHERE id = 6", born=born)
    assert who("birthday", day=day) == ([6] if met else [])
    assert who("birthday", day=day - 3 * DAY, after_days=-3) == ([6] if met else [])


def test_anniversaries_come_from_the_next_year_on(app: Services, merchant: int, who: Who) -> None:
    change(app, merchant, "UPDATE customer_facts SET first_order_at = :at WHERE customer_id = 7", at=NOW)
    change(app, merchant, "UPDATE customer SET member_since = :on WHERE id = 8", on=TODAY)
    next_year = TODAY.replace(year=TODAY.year + 1)
    assert (who("first_order_anniversary"), who("member_anniversary")) == ([], [])
    assert who("first_order_anniversary", day=next_year) == [7]
    assert who("member_anniversary", day=next_year) == [8]


def test_anniversaries_of_the_29th_of_february_and_of_an_evening_elsewhere(
    app: Services, merchant: int, who: Who
) -> None:
    """In a year without one it is the 28th; an order of the evening of the 27th in London was the 28th in Jakarta."""
    change(app, merchant, "UPDATE customer SET member_since = '2024-02-29' WHERE id = 8")
    evening = datetime(2026, 2, 27, 18, tzinfo=NOW.tzinfo)
    change(app, merchant, "UPDATE customer_facts SET first_order_at = :at WHERE customer_id = 7", at=evening)
    days = [date(2027, 2, 27), date(2027, 2, 28), date(2027, 3, 1), date(2028, 2, 28), date(2028, 2, 29)]
    assert [who("member_anniversary", day=day) for day in days] == [[], [8], [], [], [8]]
    assert [who("first_order_anniversary", day=day) for day in days] == [[], [7], [], [7], []]


def test_supply_rhythm_points_and_consent(app: Services, merchant: int, who: Who) -> None:
    change(
        app, merchant,
        "INSERT INTO customer_habits (merchant_id, customer_id, supply_dates) VALUES (:m, 1, ARRAY[:on])",
        on=TODAY + 5 * DAY,
    )  # fmt: skip
    change(
        app, merchant, "UPDATE customer_facts SET order_days = 3, gap_mean_days = 30, last_order_at = :at "
        "WHERE customer_id = 2", at=NOW - 44 * DAY,
    )  # fmt: skip
    change(
        app, merchant, "INSERT INTO point_entry (merchant_id, customer_id, kind, points, open_points, happened_at, "
        "available_at, expires_at) VALUES (:m, 3, 'earn', 5, 5, :at, :at, :ends)", at=NOW, ends=NOW + 14 * DAY,
    )  # fmt: skip
    with tenant(app.engine, merchant) as conn:
        say(conn, merchant, [10], "subscribed", at=str(NOW))
        say(conn, merchant, [1], "subscribed", at=str(NOW))
    assert who("supply_ends", after_days=-5) == [1]
    assert (who("overdue", after_days=14), who("overdue", after_days=13)) == ([2], [])
    assert who("points_end", after_days=-14) == [3]
    assert (who("consent_given"), who("consent_given", day=TODAY + DAY)) == ([], [10])
    assert who("consent_given", day=TODAY + DAY, after_days=1) == [10]


def test_who_is_about_to_lose_a_rung_can_be_told_before(app: Services, merchant: int, who: Who) -> None:
    change(app, merchant, "UPDATE customer_facts SET rung = 'member' WHERE customer_id = 4")
    change(app, merchant, "UPDATE customer_facts SET rung = 'customer' WHERE customer_id = 5")
    for person, days in ((4, 14), (5, 14), (6, 15)):
        change(
            app, merchant, "INSERT INTO rung_review (merchant_id, customer_id, lapsed_on, falls_on) "
            "VALUES (:m, :who, :on, :falls)", who=person, on=TODAY - DAY, falls=TODAY + days * DAY,
        )  # fmt: skip
    assert who("rung_ends", after_days=-14) == [4, 5]
    assert who("rung_ends", after_days=-14, rung="member") == [4]
    assert who("rung_ends") == []


def listening(**trigger: Any) -> dict[str, Any]:
    """A campaign on an event."""
    return {
        "key": "listener",
        "trigger": {"kind": "event", "at": "09:00", **trigger},
        "message": {"en": {"subject": "Hello", "mjml": "<mjml><mj-body><mj-section><mj-column><mj-text>Hi"
                           "</mj-text></mj-column></mj-section></mj-body></mjml>"}},
        "guards": {"quiet_hours": None},
    }  # fmt: skip


def test_a_listening_campaign_fires_daily_for_those_it_happened_to(app: Services, merchant: int) -> None:
    change(app, merchant, "UPDATE customer SET birthday = '1990-02-25' WHERE id IN (1, 9)")
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=parse(listening(event="birthday")), by="test")
        campaigns.set_state(conn, "listener", "active", NOW - timedelta(hours=23))
    assert ticks.tick_merchant(at(app, NOW + DAY), merchant) == 2
    assert ticks.tick_merchant(at(app, NOW + DAY), merchant) == 0
    with tenant(app.engine, merchant) as conn:
        runs = campaigns.runs_of(conn, campaigns.need(conn, "listener").id)
    assert [run.occasion for run in runs] == ["day:2027-02-25", "day:2027-02-24"]


def test_what_no_event_can_mean_is_refused() -> None:
    for wrong, word in [
        ({"event": "order_paid", "after_days": -1}, "beforehand"),
        ({"event": "nth_order"}, "needs it"),
        ({"event": "birthday", "rung": "member"}, "narrow others"),
        ({"event": "stalled"}, "how many days"),
    ]:
        with pytest.raises(BadCampaign, match=word):
            parse(listening(**wrong))


@pytest.mark.parametrize(
    ("rhythm", "days"),
    [
        ({"every": "week", "on": 5}, ["2027-02-26", "2027-03-05"]),
        ({"every": "month", "on": 31}, ["2027-02-28", "2027-03-31"]),
        ({"every": "day"}, ["2027-02-21", "2027-02-22"]),
    ],
)
def test_a_rhythm_falls_on_its_days(rhythm: dict[str, Any], days: list[str]) -> None:
    trigger = Recurring(kind="recurring", **rhythm)
    found = [due.occasion for due in daily(trigger, timezone="Asia/Jakarta", around=NOW)]
    assert found[:2] == [f"day:{day}" for day in days]
    assert day_of(found[0]) == date.fromisoformat(days[0])
