"""Incremental reading: a closed start, an overlap, and no row twice unless it changed.

A source tells "changed after T" exclusively and in whole seconds, by its own clock, and only once the change is
committed. A cursor taken literally therefore loses what happened in its own second, what a slow checkout committed
late, and everything by which the source's clock lags. So we ask from earlier on and drop what we have already seen.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

OVERLAP = timedelta(seconds=60)
MAX_LAG = timedelta(days=2)

T = TypeVar("T", bound=Hashable)


def exclusive_start(since: datetime, *, lag: timedelta = timedelta(0)) -> datetime:
    """The instant (UTC, whole seconds) to send to a source whose "after" is exclusive, so that nothing is lost.

    ``since`` is aware, by our clock. ``lag`` is how far the source's clock is behind ours; a source that is ahead
    (negative) moves nothing, because reading too much is harmless.
    """
    if since.tzinfo is None:
        raise ValueError("since must carry a time zone")
    behind = min(max(lag, timedelta(0)), MAX_LAG)
    return (since.astimezone(UTC) - behind - OVERLAP).replace(microsecond=0) - timedelta(seconds=1)


class Seen:
    """Remembers rows by id and content: ``fresh`` passes a row on the first time and whenever it differs."""

    def __init__(self) -> None:
        self._hashes: dict[str, int] = {}

    def fresh(self, key: str, content: Hashable) -> bool:
        """True where ``content`` of ``key`` is not what it was when last asked."""
        digest = hash(content)
        known = self._hashes.get(key)
        self._hashes[key] = digest
        return known != digest


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """``items`` in lists of at most ``size``, in their order."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
