"""Incremental windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from connectors.windows import Seen, chunks, exclusive_start

NOON = datetime(2026, 11, 22, 12, 0, 0, 999_999, tzinfo=UTC)


def test_the_start_is_closed_whole_and_overlaps() -> None:
    assert exclusive_start(NOON) == datetime(2026, 11, 22, 11, 58, 59, tzinfo=UTC)


def test_the_start_is_in_utc() -> None:
    jakarta = NOON.astimezone(timezone(timedelta(hours=7)))
    assert exclusive_start(jakarta) == exclusive_start(NOON)


def test_a_clock_behind_ours_moves_the_start_back_and_one_ahead_moves_nothing() -> None:
    assert exclusive_start(NOON, lag=timedelta(minutes=5)) == exclusive_start(NOON) - timedelta(minutes=5)
    assert exclusive_start(NOON, lag=timedelta(minutes=-5)) == exclusive_start(NOON)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        exclusive_start(datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_row_passes_once_until_it_changes() -> None:
    seen = Seen()
    assert [seen.fresh("1", "a"), seen.fresh("1", "a"), seen.fresh("1", "b"), seen.fresh("2", "b")] == [
        True,
        False,
        True,
        True,
    ]


def test_chunks() -> None:
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(chunks([], 2)) == []
