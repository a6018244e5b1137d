"""Things that go wrong between a shop and us, to order: for tests.

``plan`` is consulted for every REST request in turn; ``Faults.once("/orders", Throttle(2))`` spoils the next matching
one. ``between_pages`` is called after each page of a list has been answered: change the shop there and the walk sees
what a busy shop shows.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Throttle:
    """429 with Retry-After in seconds; without the header where ``seconds`` is None."""

    seconds: int | None = 1


@dataclass(frozen=True, slots=True)
class Broken:
    """An error page of the host: some status, HTML or whatever is in ``body``."""

    status: int = 500
    body: str = "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad gateway</h1></body></html>"
    content_type: str = "text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Slow:
    """The answer comes late, by so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HalfPage:
    """The connection breaks in the middle of the body."""

    share: float = 0.5


@dataclass(frozen=True, slots=True)
class CutJson:
    """The body ends in the middle, yet its length says it is whole: a proxy's work."""

    share: float = 0.5


@dataclass(frozen=True, slots=True)
class Html:
    """A page of HTML with status 200 where JSON was expected: a log-in page, a security plugin."""

    body: str = "<!DOCTYPE html><html><body>Checking your browser…</body></html>"


@dataclass(frozen=True, slots=True)
class Moved:
    """301 to another address, ``{path}`` being the one asked for."""

    to: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The request takes effect, the answer never arrives."""


Fault = Throttle | Broken | Slow | HalfPage | CutJson | Html | Moved | Lost


@dataclass(slots=True)
class _Planned:
    path: str
    fault: Fault
    left: int
    method: str | None
    skip: int


@dataclass(slots=True)
class Faults:
    """The faults of one running shop. ``spoil_webhook`` may change (headers, body) of every delivery."""

    between_pages: Callable[[str, int], None] | None = None
    spoil_webhook: Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]] | None = None
    requests: list[str] = field(default_factory=list)
    _planned: list[_Planned] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def once(self, path: str, fault: Fault, *, times: int = 1, method: str | None = None, after: int = 0) -> None:
        """Spoil the next ``times`` requests whose path contains ``path``, leaving the first ``after`` of them alone."""
        with self._lock:
            self._planned.append(_Planned(path, fault, times, method, after))

    @contextmanager
    def always(self, fault: Fault) -> Iterator[None]:
        """Spoil every request within the block."""
        planned = _Planned("", fault, sys.maxsize, None, 0)
        with self._lock:
            self._planned.insert(0, planned)
        try:
            yield
        finally:
            with self._lock:
                self._planned.remove(planned)

    def next_for(self, method: str, path: str) -> Fault | None:
        """The fault this request meets, if any. Every request is noted in ``requests``."""
        with self._lock:
            self.requests.append(f"{method} {path}")
            for planned in self._planned:
                if planned.path in path and planned.left and planned.method in {None, method}:
                    if planned.skip:
                        planned.skip -= 1
                        continue
                    planned.left -= 1
                    return planned.fault
        return None

    def count(self, start: str) -> int:
        """How many requests began with ``start``, e.g. ``GET /wp-json/wc/v3/orders``."""
        with self._lock:
            return sum(one.startswith(start) for one in self.requests)
