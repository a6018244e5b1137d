"""How fast a sender may send."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from campaigns.mail.pace import WARM, Pace, read, room

NOW = datetime(2027, 3, 1, 18, 30, tzinfo=UTC)
"""01:30 of the second of March in Jakarta."""
ZONE = "Asia/Jakarta"


def test_the_plan_doubles_by_the_shops_day_and_ends() -> None:
    pace = Pace(warm_up_from=date(2027, 3, 1), first_day=200)
    assert [pace.of_day(date(2027, 3, day)) for day in (1, 2, 3)] == [200, 400, 800]
    assert pace.of_day(date(2027, 2, 1)) == 200
    assert pace.of_day(date(2027, 4, 1)) is None
    full = room(pace, now=NOW, zone=ZONE, today=400, last_minute=0, most=500)
    assert (full.mails, full.until) == (0, datetime(2027, 3, 2, 17, tzinfo=UTC))
    assert full.reason
    assert full.reason.key == "pace_day"


@given(
    st.builds(
        Pace,
        st.none() | st.integers(1, 900),
        st.none() | st.dates(date(2027, 2, 1), date(2027, 3, 9)),
        st.integers(1, 999),
    ),
    st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 500),
)  # fmt: skip
def test_there_is_never_more_room_than_any_limit_allows(pace: Pace, today: int, minute: int, most: int) -> None:
    found = room(pace, now=NOW, zone=ZONE, today=today, last_minute=minute, most=most)
    assert 0 <= found.mails <= most
    assert bool(found.mails) == (found.until is None) == (found.reason is None)
    allowed = pace.of_day(date(2027, 3, 2))
    assert allowed is None or (found.mails == 0 or today + found.mails <= allowed < WARM)
    assert pace.per_minute is None or found.mails == 0 or minute + found.mails <= pace.per_minute
    assert found.until is None or NOW < found.until <= NOW + timedelta(days=1)
    assert not pace.free or found.mails == most


def test_settings_hold_it() -> None:
    assert read({}).free
    told = {"pace": {"per_minute": 60, "warm_up_from": "2027-03-01", "first_day": 50}}
    assert read(told) == Pace(60, date(2027, 3, 1), 50)
