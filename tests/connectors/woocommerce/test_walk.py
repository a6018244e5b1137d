"""The stitched walk against lists that change at random between any two pages."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.woocommerce.walk import _Ahead, _stitched

PER_PAGE = 5
Change = tuple[str, int]
changes = st.lists(
    st.lists(st.tuples(st.sampled_from(["delete", "delete", "insert", "restore"]), st.integers(0, 200)), max_size=12),
    max_size=40,
)


class Listing:
    """Rows by id, some of them not shown, changing each time a page is served."""

    def __init__(self, ids: set[int], hidden: set[int], script: list[list[Change]], most: int = PER_PAGE) -> None:
        self.ids = set(ids)
        self.hidden = hidden
        self.script = list(script)
        self.most = most
        self.stayed = ids - hidden
        self.left: set[int] = set()

    def page(self, offset: int) -> tuple[list[Any], int | None]:
        if self.script:
            for what, number in self.script.pop(0):
                self._change(what, number)
        rows = sorted(self.ids)
        shown = [{"id": number} for number in rows[offset : offset + self.most] if number not in self.hidden]
        return shown, len(rows) if offset < len(rows) else 0

    def _change(self, what: str, number: int) -> None:
        if what == "delete" and self.ids:
            gone = sorted(self.ids)[number % len(self.ids)]
            self.ids.discard(gone)
            self.stayed.discard(gone)
            self.left.add(gone)
        elif what == "insert":
            self.ids.add(max([*self.ids, *self.left, 0]) + 1 + number % 3)
        elif what == "restore" and self.left:
            self.ids.add(sorted(self.left)[number % len(self.left)])


def walked(listing: Listing, workers: int) -> list[int]:
    ahead = _Ahead(listing.page, workers)
    try:
        return [row["id"] for page in _stitched(ahead, PER_PAGE, workers) for row in page.rows]
    finally:
        ahead.close()


@settings(max_examples=400, deadline=None)
@given(count=st.integers(0, 80), hidden=st.sets(st.integers(1, 80), max_size=30), script=changes)
@example(count=10, hidden={1, 2, 3, 4, 5, 9}, script=[])
def test_what_stays_in_the_list_is_read_once_whatever_else_happens(
    count: int, hidden: set[int], script: list[list[Change]]
) -> None:
    listing = Listing(set(range(1, count + 1)), hidden if not script else set(), script)
    found = walked(listing, workers=1)
    assert len(found) == len(set(found))
    assert listing.stayed <= set(found)


@settings(max_examples=200, deadline=None)
@given(count=st.integers(0, 80), most=st.integers(2, PER_PAGE), script=changes)
def test_a_host_that_allows_fewer_rows_on_a_page_hides_none(count: int, most: int, script: list[list[Change]]) -> None:
    listing = Listing(set(range(1, count + 1)), set(), script, most)
    found = walked(listing, workers=1)
    assert len(found) == len(set(found))
    assert listing.stayed <= set(found)


@settings(max_examples=60, deadline=None)
@given(count=st.integers(0, 80), script=changes)
def test_fetching_ahead_changes_nothing_about_that(count: int, script: list[list[Change]]) -> None:
    listing = Listing(set(range(1, count + 1)), set(), script)
    found = walked(listing, workers=2)
    assert len(found) == len(set(found))
    assert listing.stayed <= set(found)


@settings(max_examples=200, deadline=None)
@given(count=st.integers(0, 120), hidden=st.sets(st.integers(1, 120)))
def test_rows_that_are_counted_but_not_shown_never_hold_the_walk_up(count: int, hidden: set[int]) -> None:
    listing = Listing(set(range(1, count + 1)), hidden, [])
    assert walked(listing, workers=1) == sorted(listing.stayed)
