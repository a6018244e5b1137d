"""Whatever a source gives, in its order; its error behind that; and no more of it than is wanted."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_server.jobs.reading.ahead import ahead


class Source:
    """Counts to ``last``, then raises ``error``; remembers which thread closed it, and how far it came."""

    def __init__(self, last: int, error: Exception | None = None) -> None:
        self.last, self.error = last, error
        self.drawn = 0
        self.closed_by: threading.Thread | None = None

    def items(self) -> Iterator[int]:
        try:
            for number in range(self.last):
                self.drawn = number + 1
                yield number
            if self.error:
                raise self.error
        finally:
            self.closed_by = threading.current_thread()


@given(st.integers(0, 30), st.integers(1, 5), st.booleans())
def test_everything_comes_in_its_order_and_errors_last(last: int, most: int, fails: bool) -> None:
    source, got = Source(last, KeyError("gone") if fails else None), []
    try:
        for item in ahead(source.items(), most):
            got.append(item)
        assert not fails
    except KeyError:
        assert fails
    assert got == list(range(last))


def test_no_more_is_drawn_than_may_wait_and_the_source_is_closed_where_it_ran() -> None:
    source = Source(1000)
    items = ahead(source.items(), 3)
    assert [next(items), next(items)] == [0, 1]
    items.close()
    assert source.drawn <= 2 + 3 + 1
    assert source.closed_by is not None
    assert source.closed_by is not threading.current_thread()
    assert not source.closed_by.is_alive()


def test_a_source_that_is_no_generator_will_do() -> None:
    assert list(ahead([1, 2, 3])) == [1, 2, 3]
    with pytest.raises(StopIteration):
        next(ahead(()))
