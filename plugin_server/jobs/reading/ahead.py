"""Reading ahead: the next rows are fetched, understood and laid out while the last ones are being written."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from queue import Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
WAITING = 1
"""So many batches wait at most, so that memory stays flat however fast the shop is."""
LOOK = 0.2
"""Seconds between looks whether anybody still wants the next batch."""
FAREWELL = 5.0
"""Seconds to wait for the other thread to put away what it has open (a bulk file); it may hang in a request."""


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


class _Reader(threading.Thread, Generic[T]):
    """Draws from ``source`` until it ends, fails, or nobody wants more."""

    def __init__(self, source: Iterable[T], most: int) -> None:
        super().__init__(daemon=True, name="ahead")
        self._source = source
        self.waiting: Queue[_Item[T] | _End] = Queue(most)
        self.unwanted = threading.Event()

    def run(self) -> None:
        error: BaseException | None = None
        try:
            for value in self._source:
                if not self._put(_Item(value)):
                    break
        except BaseException as failure:  # noqa: BLE001 - whatever it is, it is raised where the items are asked for
            error = failure
        finally:
            if isinstance(self._source, Generator):
                self._source.close()
        self._put(_End(error))

    def _put(self, what: _Item[T] | _End) -> bool:
        while not self.unwanted.is_set():
            try:
                self.waiting.put(what, timeout=LOOK)
                return True
            except Full:
                continue
        return False


def ahead(source: Iterable[T], most: int = WAITING) -> Generator[T, None, None]:
    """The items of ``source``, drawn by a thread of its own. What it raises is raised behind the last item.

    When nobody asks any more, ``source`` is closed in that thread, if it is a generator.
    """
    reader = _Reader(source, most)
    reader.start()
    try:
        while isinstance(found := reader.waiting.get(), _Item):
            yield found.value
        if found.error is not None:
            raise found.error
    finally:
        reader.unwanted.set()
        reader.join(FAREWELL)
