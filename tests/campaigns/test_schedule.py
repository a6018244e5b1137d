"""Campaigns fire when their time has come, once, also after a time of being down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from plugin_server.db import periodic
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Refused
from plugin_server.db.merchant import holidays
from plugin_server.db.session import tenant
from plugin_server.jobs import schedule
from plugin_server.jobs.campaigning import run, ticks
from plugin_server.jobs.schedule import Periodic, run_due
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.test_run import holiday

DAY = timedelta(days=1)


def at(app: Services, moment: datetime) -> Services:
    """The same process at another time."""
    return replace(app, now=lambda: moment)


def active(app: Services, merchant: int, since: datetime) -> None:
    """The holiday discount, active since then."""
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=holiday(), by="test")
        campaigns.set_state(conn, "eid-al-fitr-thanks", "active", since)


def fired(app: Services, merchant: int) -> list[tuple[str, str, str]]:
    """What has fired, with state and reason."""
    with tenant(app.engine, merchant) as conn:
        runs = campaigns.runs_of(conn, campaigns.need(conn, "eid-al-fitr-thanks").id)
    return [(run.occasion, run.state, run.state_reason) for run in runs]


def test_a_campaign_fires_at_its_time_and_once(app: Services, merchant: int) -> None:
    active(app, merchant, NOW - DAY)
    assert ticks.tick_merchant(at(app, NOW - timedelta(seconds=1)), merchant) == 0
    assert ticks.tick_merchant(app, merchant) == 1
    assert ticks.tick_merchant(at(app, NOW + timedelta(minutes=1)), merchant) == 0
    assert fired(app, merchant) == [("eid_al_fitr:2027:-14", "planned", "")]


def test_what_was_missed_is_made_up_within_two_days(app: Services, merchant: int) -> None:
    active(app, merchant, NOW - DAY)
    assert ticks.tick_merchant(at(app, NOW + 2 * DAY), merchant) == 1


def test_of_missed_firings_for_the_same_people_the_newest_is_made_up_alone(app: Services, merchant: int) -> None:
    made = holiday(trigger={"kind": "recurring", "every": "day", "at": "09:00"})
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=made, by="test")
        campaigns.set_state(conn, made.key, "active", NOW - DAY)
    back = at(app, NOW + 3 * DAY + timedelta(hours=1))
    assert [ticks.tick_merchant(back, merchant), ticks.tick_merchant(back, merchant)] == [1, 0]
    told = {occasion: (state, reason) for occasion, state, reason in fired(app, merchant)}
    assert [state for state, _ in told.values()].count("planned") == 1
    assert told["day:2027-02-27"] == ("planned", "")
    sentence = "missed: it was due on 2027-02-26 02:00 UTC, and the firing of 2027-02-27 02:00 UTC goes in its place"
    assert told["day:2027-02-26"] == ("stopped", sentence)
    assert "too old to be sent now" in told["day:2027-02-24"][1]


def test_what_is_older_is_written_down_and_not_sent(app: Services, merchant: int) -> None:
    active(app, merchant, NOW - DAY)
    assert ticks.tick_merchant(at(app, NOW + 2 * DAY + timedelta(minutes=1)), merchant) == 0
    [(occasion, state, reason)] = fired(app, merchant)
    assert (occasion, state) == ("eid_al_fitr:2027:-14", "stopped")
    assert reason == "missed: it was due on 2027-02-24 02:00 UTC and is too old to be sent now"


def test_what_fell_due_before_the_activation_does_not_fire(app: Services, merchant: int) -> None:
    active(app, merchant, NOW + timedelta(hours=1))
    assert ticks.tick_merchant(at(app, NOW + timedelta(hours=2)), merchant) == 0
    assert fired(app, merchant) == []


def test_a_confirmed_date_moves_the_firing(app: Services, merchant: int) -> None:
    active(app, merchant, NOW - DAY)
    with tenant(app.engine, merchant) as conn:
        holidays.put(
            conn, merchant_id=merchant, key="eid_al_fitr", year=2027, day=date(2027, 3, 11), confirmed=True, names={}
        )
    assert ticks.tick_merchant(app, merchant) == 0
    assert ticks.tick_merchant(at(app, NOW + DAY), merchant) == 1


def test_a_date_that_moves_after_the_firing_does_not_fire_again(app: Services, merchant: int) -> None:
    active(app, merchant, NOW - DAY)
    ticks.tick_merchant(app, merchant)
    with tenant(app.engine, merchant) as conn:
        holidays.put(
            conn, merchant_id=merchant, key="eid_al_fitr", year=2027, day=date(2027, 3, 12), confirmed=True, names={}
        )
    assert ticks.tick_merchant(at(app, NOW + 2 * DAY), merchant) == 0


def test_a_frozen_store_makes_the_firing_wait(app: Services, merchant: int) -> None:
    active(app, merchant, NOW - DAY)
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE store SET state = 'frozen'"))
    assert ticks.tick_merchant(app, merchant) == 1
    assert fired(app, merchant)[0][1] == "planned"


@pytest.fixture
def line(app: Services) -> Iterator[Connection]:
    """The leader's connection."""
    with app.engine.connect() as conn:
        yield conn


def test_periodic_work_is_done_once_per_slot_and_made_up_once(app: Services, line: Connection) -> None:
    done: list[str] = []
    jobs = (Periodic("a", timedelta(minutes=10), lambda _: done.append("a")),)
    for minutes in (0, 1, 9, 10, 11, 75):
        run_due(at(app, NOW + timedelta(minutes=minutes)), line, jobs)
    assert done == ["a"] * 3


def test_work_that_fails_does_not_stop_the_rest(app: Services, line: Connection) -> None:
    def fail(_: Services) -> None:
        raise RuntimeError("no such shop")

    done: list[str] = []
    jobs = (Periodic("bad", DAY, fail), Periodic("good", DAY, lambda _: done.append("good")))
    assert run_due(app, line, jobs) == ["bad", "good"]
    assert done == ["good"]
    with line.begin():
        errors = dict(line.execute(text("SELECT key, error FROM periodic_job")).all())  # type: ignore[arg-type]
    assert errors == {"bad": "RuntimeError: no such shop", "good": ""}


def test_one_scheduler_leads_and_the_next_takes_over(app: Services, line: Connection) -> None:
    with line.begin():
        assert periodic.lead(line)
    with app.engine.connect() as other:
        with other.begin():
            assert not periodic.lead(other)
        line.invalidate()
        line.rollback()
        assert any(_leads(other) for _ in range(200))
        other.invalidate()


def _leads(other: Connection) -> bool:
    """Whether it leads; the database needs a moment to hear that the other line is cut."""
    with other.begin():
        led: bool = periodic.lead(other)
    return led or bool(time.sleep(0.05))


def test_nightly_slots_fall_into_the_night() -> None:
    [climb] = [job for job in schedule.JOBS if job.key == "climb"]
    assert climb.slot(datetime(2027, 2, 24, 12, tzinfo=UTC)) == datetime(2027, 2, 23, 20, 30, tzinfo=UTC)


def test_a_day_that_is_over_is_refused_when_it_is_activated(app: Services, merchant: int) -> None:
    made = holiday(trigger={"kind": "once", "day": "2027-02-20"})
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=made, by="test")
    with pytest.raises(Refused, match="2027-02-20 is over"):
        run.set_state(at(app, NOW), merchant, made.key, "active")
    assert run.set_state(at(app, NOW - 10 * DAY), merchant, made.key, "active").state == "active"
    assert run.set_state(at(app, NOW), merchant, made.key, "paused").state == "paused"
