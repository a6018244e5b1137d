"""Log files of the services, and the log lines of our own processes passed on to stderr."""

import selectors
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

LARGEST_LOG = 10_000_000
LONGEST_LINE = 65_536


def open_log(path: Path) -> IO[bytes]:
    """Open a service's log for appending, private to us; one that grew past 10 MB becomes `….1` first.

    We open it and hand it down, so that a service that runs as another user needs no right to the folder.
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileNotFoundError):
        if path.stat().st_size > LARGEST_LOG:
            path.rename(path.with_name(path.name + ".1"))
    path.touch(mode=0o600)
    return path.open("ab")


def last_words(path: Path) -> str:
    """The last three lines of a log, for an error message."""
    with suppress(OSError), path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 4096))
        return " | ".join(log.read().decode(errors="replace").splitlines()[-3:])
    return ""


def to_stderr(line: str) -> None:
    """Write one line to our stderr. A reader who went away must not take the shop down."""
    with suppress(OSError, ValueError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


class LogPump:
    """Reads the output of child processes and writes it line by line as `name | line`."""

    def __init__(self, write: Callable[[str], None] = to_stderr) -> None:
        self._write = write
        self._selector = selectors.DefaultSelector()
        self._unfinished: dict[str, bytes] = {}

    def follow(self, name: str, pipe: IO[bytes]) -> None:
        """Read this pipe from now on; it is closed at its end."""
        self._selector.register(pipe, selectors.EVENT_READ, name)

    def pump(self, seconds: float) -> None:
        """Pass on what there is, waiting up to `seconds` for something to come."""
        for key, _ in self._selector.select(seconds):
            pipe, name = key.fileobj, str(key.data)
            chunk = pipe.read1(LONGEST_LINE)  # type: ignore[union-attr]
            self._pass_on(name, chunk)
            if not chunk:
                self._selector.unregister(pipe)
                pipe.close()  # type: ignore[union-attr]

    def close(self) -> None:
        """Pass on what is left and let go of the pipes."""
        while self._selector.get_map() and self._selector.select(0):
            self.pump(0)
        for key in list(self._selector.get_map().values()):
            self._pass_on(str(key.data), b"")
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def _pass_on(self, name: str, chunk: bytes) -> None:
        *lines, rest = (self._unfinished.pop(name, b"") + chunk).split(b"\n")
        if rest and (not chunk or len(rest) > LONGEST_LINE):
            lines, rest = [*lines, rest], b""
        for line in lines:
            self._write(f"{name} | {line.decode(errors='replace')}")
        if rest:
            self._unfinished[name] = rest
