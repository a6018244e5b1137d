"""Who owns a home, and how others find what runs in it.

`lock`      held by the one process that runs the home's services; its text names that process
`run.json`  where the owner's PostgreSQL and Valkey answer, while it runs
`lease`     shared by processes that use another's services, so that a command waits for them before it stops these

All three locks are the kernel's (flock): whoever dies has let go, however it died.
"""

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

from plugin_server.launcher.errors import HomeTaken
from plugin_server.launcher.logs import to_stderr

# How long a passing look at the lock (see `_owned`) may keep an owner from taking it.
GLIMPSE = 0.5


@dataclass(frozen=True)
class ServiceUrls:
    """Where PostgreSQL (for SQLAlchemy) and Valkey or Redis (for redis-py) answer."""

    database_url: str
    redis_url: str


@dataclass(frozen=True)
class RunningInstance:
    """A process that owns a home: `tangga up` or `demo` with its web port, or a command (port None)."""

    pid: int
    port: int | None
    urls: ServiceUrls


class HomeLock:
    """Ownership of a home (a real path); a context manager. Entering raises HomeTaken when another process has it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        file = _open(self._home / "lock")
        deadline = time.monotonic() + GLIMPSE
        while not _flock(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                file.close()
                raise HomeTaken(_taken(self._home))
            time.sleep(0.02)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        # What a killed owner announced is no longer true.
        (self._home / "run.json").unlink(missing_ok=True)
        return self

    def publish(self, urls: ServiceUrls, port: int | None = None) -> None:
        """Let other processes find the services: from now on `running` tells of us. Readable by us alone."""
        note = json.dumps({"pid": os.getpid(), "port": port, **asdict(urls)})
        descriptor, name = tempfile.mkstemp(prefix="run.", dir=self._home)
        with os.fdopen(descriptor, "w") as file:
            file.write(note)
        Path(name).replace(self._home / "run.json")

    def __exit__(self, *_: object) -> None:
        (self._home / "run.json").unlink(missing_ok=True)
        if self._file is not None:
            self._file.close()
            self._file = None


def running(home: Path) -> RunningInstance | None:
    """The instance that runs in this home now and takes requests, or None. A note left by a dead one counts as none."""
    home = home.expanduser()
    try:
        note = json.loads((home / "run.json").read_text())
    except FileNotFoundError:
        return None
    if not _owned(home):
        return None
    return RunningInstance(note["pid"], note["port"], ServiceUrls(note["database_url"], note["redis_url"]))


@contextmanager
def lease(home: Path, *, alone: bool = False) -> Iterator[None]:
    """Inside, the owner of the home keeps its services running; with `alone`, wait until nobody else is inside."""
    kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    with _open(home / "lease") as file:
        if not _flock(file, kind):
            if alone:
                to_stderr("Another command still uses the database started here; this one ends after it.")
            fcntl.flock(file, kind)
        yield


def _open(path: Path) -> IO[str]:
    # Not `touch`: the lock's time of change tells since when it is held.
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def _flock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owned(home: Path) -> bool:
    with suppress(FileNotFoundError), (home / "lock").open() as file:
        return not _flock(file, fcntl.LOCK_SH)
    return False


def _taken(home: Path) -> str:
    file = home / "lock"
    since = datetime.fromtimestamp(file.stat().st_mtime, UTC).strftime("%d %b %Y %H:%M UTC")
    return (
        f"This home is already in use by process {file.read_text() or 'unknown'} (started {since}). "
        "Stop it, or choose another with --home."
    )
