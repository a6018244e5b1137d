"""A process that is started again when it ended, after pauses that grow."""

import time
from collections.abc import Callable

from plugin_server.launcher.children import Process, kill_group
from plugin_server.launcher.errors import LauncherError
from plugin_server.launcher.logs import to_stderr

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
# A process that ran this long had started well: its next fall is the first of a new row.
STEADY = 20.0


class Mended:
    """`falls` counts how often it ended, unasked, in a row. With `restart` off it runs once; to end well is no fall."""

    def __init__(
        self, name: str, start: Callable[[], Process], *, restart: bool = True, process: Process | None = None
    ) -> None:
        self.process = process
        self.falls = 0
        self._name = name
        self._start = start
        self._restart = restart
        self._over = False
        self._since = self._due = time.monotonic()

    @property
    def well(self) -> bool:
        """Whether it runs, or has done its work and need not run again."""
        return self._over or (self.process is not None and self.process.poll() is None)

    def mend(self) -> None:
        """Start it when it is due: at the first call, and again when its pause after a fall is over."""
        if self.process is not None and self.process.poll() is not None:
            self._ended(self.process)
        if self.process is None and not self._over and time.monotonic() >= self._due:
            self._since = time.monotonic()
            try:
                self.process = self._start()
            except (LauncherError, OSError) as error:
                self._fell(str(error))

    def _ended(self, process: Process) -> None:
        # Its children, when it had any, would hold the port or the socket that the next one needs.
        kill_group(process)
        self.process = None
        code = process.returncode
        if code == 0 and not self._restart:
            self._over = True
        else:
            self._fell(f"ended with exit code {code}." if code >= 0 else f"was ended by signal {-code}.")

    def _fell(self, reason: str) -> None:
        now = time.monotonic()
        self.falls = 1 if now - self._since > STEADY else self.falls + 1
        self._over = not self._restart
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self.falls - 1))
        self._due = now + pause
        to_stderr(f"{self._name} | {reason}" + (f" It starts again in {pause:g} s." if self._restart else ""))
