"""Made-up histories: increments lead where one full reading leads, and any past day is as it was then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ladder.shops import Shop

BEGIN = datetime(2026, 1, 1, 6, tzinfo=UTC)
END = BEGIN + timedelta(days=200)
PEOPLE = 3


@dataclass(frozen=True)
class Event:
    """Something that happens to somebody on a day (and is heard of in the order of the list)."""

    kind: str
    who: int
    day: int

    @property
    def at(self) -> str:
        """The moment, as the shop's methods want it."""
        return (BEGIN + timedelta(days=self.day)).replace(tzinfo=None).isoformat()


events = st.builds(
    Event,
    kind=st.sampled_from(["order", "order", "order", "review", "friend", "consent"]),
    who=st.integers(0, PEOPLE - 1),
    day=st.integers(0, 150),
)
HISTORIES = st.lists(events, max_size=8)
QUIET = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def happen(shop: Shop, people: list[int], event: Event) -> None:
    who = people[event.who]
    if event.kind == "order":
        shop.order(who, event.at, 100_00 + event.day)
    elif event.kind == "review":
        shop.review(who, event.at)
    elif event.kind == "consent":
        shop.consent(who, "subscribed", event.at)
    else:
        shop.friend(who, event.at)


def newcomers(shop: Shop) -> list[int]:
    first = [shop.person(known="2026-01-01") for _ in range(PEOPLE)]
    with shop.work() as conn:
        conn.exec_driver_sql(f"UPDATE customer SET member_since = '2026-02-01' WHERE id = {first[0]}")
    return first


def standing(shop: Shop, people: list[int]) -> list[Any]:
    columns = "orders, spend_minor, order_days, gap_mean_days, reviews, referrals_converted, consent_promotions"
    found = shop.rows(
        f"SELECT {columns}, rung, rung_since, activity FROM customer_facts WHERE customer_id = ANY(:ids) "
        "ORDER BY customer_id",
        ids=people,
    )
    return [*found, *(ends(shop, who) for who in people)]


def ends(shop: Shop, who: int) -> list[tuple[str, datetime]]:
    """Where each instant of the path led. Heard of one by one, two pieces of evidence of one instant are two steps."""
    found = shop.rows(
        "SELECT changed_at, to_rung FROM rung_change WHERE customer_id = :who ORDER BY changed_at, id", who=who
    )
    return [(rung, moment) for moment, rung in dict(found).items()]


@QUIET
@given(history=HISTORIES)
def test_increments_lead_where_one_full_reading_leads(shop: Shop, history: list[Event]) -> None:
    with shop.undone():
        step_by_step = newcomers(shop)
        shop.climb(*step_by_step, now=END)
        for event in history:
            happen(shop, step_by_step, event)
            shop.climb(step_by_step[event.who], now=END)
        by_steps = standing(shop, step_by_step)
        assert shop.climb(*step_by_step, now=END) == 0
        at_once = newcomers(shop)
        for event in history:
            happen(shop, at_once, event)
        shop.climb(now=END)
        assert standing(shop, at_once) == by_steps


@QUIET
@given(history=HISTORIES, day=st.integers(0, 199))
def test_any_past_day_is_as_it_was_then(shop: Shop, history: list[Event], day: int) -> None:
    """The counts as of a day equal those of a shop that only ever heard of what had happened by then."""
    evening = (BEGIN + timedelta(days=day)).replace(hour=16, minute=59)
    shop.now = END
    with shop.undone():
        people = newcomers(shop)
        for event in history:
            happen(shop, people, event)
        with shop.work() as conn:  # friends are known from the day they bought, not from the shop's opening
            conn.exec_driver_sql(f"UPDATE customer SET created_at = '2030-01-01' WHERE id > {max(people)}")
        seen = shop.counts(evening.date())
    with shop.undone():
        people = newcomers(shop)
        for event in (event for event in history if event.day <= day):
            happen(shop, people, event)
        with shop.work() as conn:
            conn.exec_driver_sql(f"DELETE FROM customer WHERE id > {max(people)}")
        shop.climb(now=evening)
        assert shop.counts() == seen
