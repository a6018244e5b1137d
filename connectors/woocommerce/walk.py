"""Walks over a shop's lists that lose nothing while the list changes.

WooCommerce pages by counting rows. When a row leaves the list during the walk (drafts are deleted by the shop itself
every day, orders are trashed), all later rows move up and the first of the next page is never seen. There is no
"id greater than" filter, but there is ``offset``. So:

* rows are sorted by id, ascending; new rows come at the end and disturb nothing;
* each page begins one row *before* the end of the last one. If its first id is not past the last id we hold, the two
  pages overlap and nothing can lie between them; the ranges [first id, last id] of all pages then cover the whole list;
* if it is past, rows have left in the meantime: we go back (one page, then twice as far, at most to the start, where
  nothing can be missing) until the pages overlap again, and go on from there;
* the argument speaks about ids and not about moments, so pages may be fetched ahead, two at a time.

A row that *enters* the list below our position during the walk (restored, or just changed in an incremental walk) may
be missed: it changed after the walk began and is found by the walk that starts there.

Rows the key may not read are counted by the shop but not shown; they look like a gap that stays the same however often
one looks. A gap seen twice is therefore taken for what it is: nothing.

A host may allow fewer rows on a page than WooCommerce does, and say nothing. No page then reaches as far as was asked,
so the longest page met so far tells how far to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from connectors.errors import ConnectorError
from connectors.woocommerce.client import Params, WooClient
from connectors.woocommerce.values import reference

PER_PAGE = 100
AT_ONCE = 2

Rows = tuple[list[Any], int | None]


@dataclass(frozen=True, slots=True)
class RawPage:
    """Rows as they came (none twice, by id) and the length the shop states for the whole list."""

    rows: list[Any]
    total: int | None


class _Ahead:
    """Fetches pages by offset, up to two at once, the expected ones before they are asked for."""

    def __init__(self, fetch: Callable[[int], Rows], workers: int) -> None:
        self._fetch = fetch
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="walk")
        self._pending: dict[int, Future[Rows]] = {}

    def take(self, offset: int) -> Rows:
        self.expect(offset)
        return self._pending.pop(offset).result()

    def expect(self, *offsets: int) -> None:
        for offset in offsets:
            if offset not in self._pending:
                self._pending[offset] = self._pool.submit(self._fetch, offset)

    def forget(self) -> None:
        for future in self._pending.values():
            future.cancel()
        self._pending.clear()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def by_id(client: WooClient, path: str, params: Params, *, at_once: int = AT_ONCE) -> Iterator[RawPage]:
    """All rows of the list at ``path``, ascending by id. Raises ``ConnectorError`` where the shop cannot be paged."""

    def fetch(offset: int, count: int = PER_PAGE) -> Rows:
        ask = {**params, "orderby": "id", "order": "asc", "per_page": count, "offset": offset}
        try:
            return client.rows(path, ask)
        except ConnectorError as error:
            if error.code != "too_large" or count < 2:
                raise
        return _by_halves(fetch, offset, count)

    ahead = _Ahead(fetch, at_once)
    try:
        yield from _stitched(ahead, PER_PAGE, at_once)
    finally:
        ahead.close()


def _by_halves(fetch: Callable[[int, int], Rows], offset: int, count: int) -> Rows:
    """A page whose rows hold megabytes each, in two, which overlap by a row as pages do (two rows alone cannot)."""
    half, shared = (count + 1) // 2, int(count > 2)
    for last_look in (False, True):
        rows, _ = fetch(offset, half)
        more, total = fetch(offset + half - shared, count - half + shared)
        ids, later = ([number for row in part if (number := _id(row)) is not None] for part in (rows, more))
        if last_look or not ids or not later or later[0] <= ids[-1]:
            break
    edge = max(ids, default=0)
    return [*rows, *(row for row in more if (number := _id(row)) is None or number > edge)], total


def _stitched(ahead: _Ahead, per_page: int, at_once: int) -> Iterator[RawPage]:
    reach = max(2, per_page // 10)
    offset, last, back = 0, 0, per_page - 1
    gaps: set[tuple[int, int, int]] = set()
    opening: list[int] = []
    while True:
        rows, total = ahead.take(offset)
        ids = [number for row in rows if (number := _id(row)) is not None]
        if len(rows) > reach:
            reach = min(len(rows), per_page)
            ahead.forget()
        stride = reach - 1
        ended = len(rows) < reach if total is None else offset + reach >= total
        if offset or not ended:  # A list on one page is whole in any order.
            _require_order(ids)
        gap = (offset, ids[0] if ids else 0, last)
        if _torn(offset, ids, last, total) and gap not in gaps:
            gaps.add(gap)
            ahead.forget()
            offset, back = max(0, offset - back), back * 2
            continue
        if offset >= per_page - 1 and len(ids) > 1 and ids == opening:
            raise ConnectorError("The shop ignores paging, so its list cannot be read in full.", code="no_paging")
        if not offset:  # A page further on may be read again after going back, and is then equal to itself.
            opening = ids
        back = per_page - 1
        if not ended:
            upcoming = range(offset + stride, offset + stride * (at_once + 1), stride)
            ahead.expect(*(start for start in upcoming if total is None or start < total))
        fresh = [row for row in rows if (number := _id(row)) is None or number > last]
        last = max([last, *ids])
        if fresh:
            yield RawPage(fresh, total)
        if ended:
            return
        offset += stride


def _torn(offset: int, ids: list[int], last: int, total: int | None) -> bool:
    """True where rows may lie between what we hold and this page."""
    if not offset:
        return False
    if ids:
        return ids[0] > last
    return not total or total <= offset


def _require_order(ids: list[int]) -> None:
    if any(one >= other for one, other in pairwise(ids)):
        raise ConnectorError("The shop does not sort its list by id, so it cannot be read in full.", code="no_sorting")


def _id(row: Any) -> int | None:
    found = reference(row, "id") if isinstance(row, dict) else None
    return int(found) if found else None


def by_page(client: WooClient, path: str, params: Params) -> Iterator[RawPage]:
    """All rows of a short list that knows no ``offset`` (categories, webhooks, refunds, reviews), page by page."""
    page, met, before = 1, 0, None
    while True:
        rows, total = client.rows(path, {**params, "per_page": PER_PAGE, "page": page})
        ids = [_id(row) for row in rows]
        if ids and ids == before:
            raise ConnectorError("The shop ignores paging, so its list cannot be read in full.", code="no_paging")
        if rows:
            yield RawPage(rows, total)
        met += len(rows)
        # Where the shop says how many there are, a short page is not the last one yet: its host may allow no more.
        if not rows or (len(rows) < PER_PAGE if total is None else met >= total):
            return
        page, before = page + 1, ids
