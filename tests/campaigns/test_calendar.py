"""Holidays and firings, by the shop's own calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from campaigns.calendar import Override, country_of, due, holidays
from campaigns.triggers import OnHoliday


def found(country: str, year: int, key: str) -> list[tuple[str, date, bool]]:
    """Occurrences of one holiday."""
    return [(item.year, item.day, item.confirmed) for item in holidays(country, year) if item.key == key]


@pytest.mark.parametrize(
    ("country", "year", "key", "day", "confirmed"),
    [
        ("ID", 2026, "eid_al_fitr", date(2026, 3, 21), True),
        ("ID", 2027, "eid_al_fitr", date(2027, 3, 10), False),
        ("NL", 2027, "eid_al_fitr", date(2027, 3, 10), False),
        ("NL", 2026, "christmas", date(2026, 12, 25), True),
        ("US", 2027, "new_year", date(2027, 1, 1), True),
        ("ID", 2026, "black_friday", date(2026, 11, 27), True),
        ("US", 2024, "black_friday", date(2024, 11, 29), True),
        ("ID", 2026, "singles_day", date(2026, 11, 11), True),
        ("ID", 2026, "harbolnas", date(2026, 12, 12), True),
    ],
)
def test_dates(country: str, year: int, key: str, day: date, confirmed: bool) -> None:
    assert found(country, year, key) == [(str(year), day, confirmed)]


def test_a_year_may_have_two_of_a_moving_feast() -> None:
    assert found("ID", 2033, "eid_al_fitr") == [
        ("2033", date(2033, 1, 3), False),
        ("2033-2", date(2033, 12, 23), False),
    ]


def test_names_are_in_the_readers_language_and_without_remarks() -> None:
    [eid] = [item for item in holidays("ID", 2027) if item.key == "eid_al_fitr"]
    assert [eid.name(language) for language in ("id", "en", "nl", "fr")] == [
        "Lebaran", "Eid al-Fitr", "Suikerfeest", "Eid al-Fitr"
    ]  # fmt: skip
    assert not [item for item in holidays("ID", 2027) if "estimated" in item.name("en")]


def test_own_dates_win_and_own_holidays_are_added() -> None:
    own = (
        Override("eid_al_fitr", 2027, date(2027, 3, 11), True),
        Override("founders_day", 2027, date(2027, 5, 5), True, (("en", "Founder's Day"),)),
    )
    by = {item.key: item for item in holidays("ID", 2027, own)}
    assert (by["eid_al_fitr"].day, by["eid_al_fitr"].confirmed) == (date(2027, 3, 11), True)
    assert by["eid_al_fitr"].name("id") == "Lebaran"
    assert by["founders_day"].name("nl") == "Founder's Day"


def test_offsets_are_days_of_the_shop() -> None:
    trigger = OnHoliday(kind="holiday", holiday="christmas", offsets_days=(-1, 0))
    fires = due(
        trigger, timezone="America/New_York", country="US", around=datetime(2026, 11, 1, tzinfo=UTC), overrides=()
    )
    assert [(fire.occasion, fire.at) for fire in fires if fire.at.year == 2026] == [
        ("christmas:2026:-1", datetime(2026, 12, 24, 14, tzinfo=UTC)),
        ("christmas:2026:0", datetime(2026, 12, 25, 14, tzinfo=UTC)),
    ]


def test_the_clocks_hour_stays_through_a_change_of_time() -> None:
    trigger = OnHoliday(kind="holiday", holiday="easter", offsets_days=(-8, -6))
    fires = due(
        trigger, timezone="Europe/Amsterdam", country="NL", around=datetime(2027, 1, 1, tzinfo=UTC), overrides=()
    )
    assert [fire.at.hour for fire in fires if fire.at.year == 2027] == [8, 8]
    assert [fire.at.hour for fire in fires if fire.at.year == 2026] == [8, 7]


def test_a_shop_is_where_its_clock_is() -> None:
    assert [country_of(zone) for zone in ("Asia/Jakarta", "Europe/Amsterdam", "UTC")] == ["ID", "NL", "US"]
