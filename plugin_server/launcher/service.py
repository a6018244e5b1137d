"""What PostgreSQL and Valkey have in common as long as they run inside us."""

import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path

from plugin_server.launcher.children import Process, stop
from plugin_server.launcher.errors import ServiceFailed
from plugin_server.launcher.folders import ServiceFolder
from plugin_server.launcher.logs import last_words

# Recovery after a crash reads back at most some GB of log; this is the end of patience for a server that only waits.
LONGEST_START = 600.0


class Service(ABC):
    """A server on a unix socket in one home. Its caller owns the home (see `ownership.HomeLock`)."""

    name: str
    # In words of the service itself: which signal asks it to stop, how long it may take, what comes next.
    ending: tuple[tuple[signal.Signals, float], ...]

    def __init__(self, home: Path) -> None:
        self.folder = ServiceFolder.of(home)
        self.log = home / "log" / f"{self.name}.log"
        self.process: Process | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find it."""

    @abstractmethod
    def clear(self) -> None:
        """Wait until what a killed predecessor left running is gone, ending it where it does not go by itself."""

    @abstractmethod
    def spawn(self) -> Process:
        """Start `process` and return it at once, having cleared away what a killed predecessor left."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it takes requests."""

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServiceFailed with the last words of its log."""
        self.spawn()
        self.wait()

    def wait(self) -> None:
        """Wait until it answers, however long it recovers. Raises ServiceFailed when it ends instead."""
        deadline = time.monotonic() + LONGEST_START
        while not self.answers():
            if not self.alive or time.monotonic() > deadline:
                raise ServiceFailed(f"{self.name} does not start. Its log {self.log} ends: {last_words(self.log)}")
            time.sleep(0.02)

    @property
    def alive(self) -> bool:
        """Whether the process we started still runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stop it in order; returns when it is gone. Does nothing when it does not run."""
        if self.process is not None:
            stop(self.process, self.ending)
            self.process = None
