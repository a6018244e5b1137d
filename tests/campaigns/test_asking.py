"""What counts as an answer, where a score leads, and the net promoter score with its interval."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.asking import BadAnswer, promotion, read_birthday, read_score, route

TODAY = date(2026, 11, 22)


def test_scores_lead_where_the_method_says() -> None:
    assert [route(score) for score in range(11)] == ["detractor"] * 7 + ["passive"] * 2 + ["promoter"] * 2


@pytest.mark.parametrize("given", ["", "11", "-1", "3.5", "x", "²", "٣", "0000000009", " 9"])
def test_what_is_no_score_is_refused(given: str) -> None:
    with pytest.raises(BadAnswer):
        read_score(given)


@pytest.mark.parametrize("given", ["", "2026-11-22", "2027-01-01", "1890-01-01", "2000-02-30", "30-01-2000"])
def test_what_is_no_birthday_is_refused(given: str) -> None:
    with pytest.raises(BadAnswer):
        read_birthday(given, TODAY)


def test_a_leap_day_is_a_birthday() -> None:
    assert read_birthday("2000-02-29", TODAY) == date(2000, 2, 29)


def test_the_interval_of_a_worked_example() -> None:
    """(51 - 21) / 102 = 0.2941, less and more 1.96 times the root of (72/102 - 0.2941²) / 102 = 0.1527."""
    found = promotion(50, 30, 20)
    assert found.score == 30
    assert found.low == pytest.approx(14.139, abs=0.001)
    assert found.high == pytest.approx(44.685, abs=0.001)
    assert promotion(0, 0, 0).score is None


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_the_interval_keeps_its_bounds_and_mirrors(up: int, middle: int, down: int) -> None:
    found, mirrored = promotion(up, middle, down), promotion(down, middle, up)
    if found.score is None or found.low is None or found.high is None or mirrored.high is None:
        assert up + middle + down == 0
        return
    assert -100 <= found.low <= found.high <= 100
    assert found.low == pytest.approx(-mirrored.high)
