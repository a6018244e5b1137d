"""Runs everything of `tangga up`: PostgreSQL, Valkey, then our own processes; mends what dies; stops in order."""

import errno
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Self

from plugin_server.launcher.children import Process, spawn, stop
from plugin_server.launcher.errors import PortTaken, ServiceFailed
from plugin_server.launcher.folders import open_home
from plugin_server.launcher.home import HomeLock, RunningInstance, ServiceUrls, running
from plugin_server.launcher.logs import LogPump
from plugin_server.launcher.mending import Mended
from plugin_server.launcher.service import Service
from plugin_server.launcher.services import Services, embedded

__all__ = ["ProcessSpec", "RunningInstance", "ServiceUrls", "Supervisor", "embedded", "run", "running"]

FALLS_WHILE_STARTING = 3


@dataclass(frozen=True)
class ProcessSpec:
    """One of our own processes.

    `name` prefixes its log lines; `argv` should contain it, so that `ps` tells the processes apart. `env` is the whole
    environment of the process, None passes ours on. `ready` tells, quickly, whether it does its work (None: as soon
    as it runs). `restart` starts it again whenever it ends. `grace` is how many seconds it has to end after SIGTERM.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    restart: bool = True
    ready: Callable[[], bool] | None = None
    grace: float = 20.0


class StopRequested(BaseException):
    """SIGTERM, SIGINT or SIGHUP came while we were starting. A BaseException, so that nobody's `except` keeps it."""


def run(
    home: Path,
    port: int,
    *,
    database_url: str | None,
    redis_url: str | None,
    prepare: Callable[[ServiceUrls], None],
    processes: Callable[[ServiceUrls], Sequence[ProcessSpec]],
    on_ready: Callable[[ServiceUrls], None],
) -> int:
    """Run a home until SIGTERM, SIGINT or SIGHUP; return 0 then. Call it in the main thread.

    Starts PostgreSQL and Valkey (unless their URLs are given), calls `prepare` (migrations), starts `processes` in
    their order, calls `on_ready` once when all of them are ready, and mends what dies. Stops in the opposite order; a
    second signal skips the graces of our processes. Raises HomeTaken and PortTaken before anything is started,
    ServiceFailed when something does not start; whatever was started is stopped then.
    """
    home = open_home(home)
    with ExitStack() as stack:
        signals = stack.enter_context(_stop_signals())
        try:
            signals.raising = True
            lock = stack.enter_context(HomeLock(home))
            refuse_taken_port(port)
            services = stack.enter_context(Services(home, database_url=database_url, redis_url=redis_url))
            urls = services.urls
            lock.publish(urls, port)
            prepare(urls)
            # Looked at once more: to make everything ready takes long enough for another program to take the port.
            refuse_taken_port(port)
            supervisor = stack.enter_context(Supervisor(services.parts, processes(urls), signals))
        except StopRequested:
            return 0
        finally:
            signals.raising = False
        supervisor.watch(lambda: on_ready(urls))
    return 0


def refuse_taken_port(port: int) -> None:
    """Raise PortTaken when nobody could serve on this TCP port. Port 0 (any free one) is always fine."""
    if not 0 <= port <= 65535:
        raise PortTaken(f"Port {port} does not exist. Choose one between 1024 and 65535 with --port.")
    with socket.socket() as probe:
        # As the web server does: a port whose last connections are only winding down is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - nothing listens; this finds users of any address
        except OSError as error:
            if error.errno == errno.EACCES:
                raise PortTaken(f"Port {port} is reserved for root. Choose one above 1023 with --port.") from error
            raise PortTaken(f"Port {port} is in use by another program. Choose another with --port.") from error


class StopSignals:
    """Counts the requests to stop; the first one interrupts us while `raising`."""

    def __init__(self) -> None:
        self.count = 0
        self.raising = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.raising:
            self.raising = False
            raise StopRequested


@contextmanager
def _stop_signals() -> Iterator[StopSignals]:
    signals = StopSignals()
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, signals) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Supervisor:
    """Watches over running services and our own processes. Everything happens in one thread; see `children`."""

    def __init__(self, services: Sequence[Service], specs: Sequence[ProcessSpec], signals: StopSignals) -> None:
        self._signals = signals
        self._logs = LogPump()
        self._services = [Mended(service.name, service.spawn, process=service.process) for service in services]
        self._own = [(spec, Mended(spec.name, partial(self._spawn, spec), restart=spec.restart)) for spec in specs]

    def __enter__(self) -> Self:
        return self

    def watch(self, on_ready: Callable[[], None]) -> None:
        """Until a stop is requested: pass logs on, restart what ended, announce once that all are ready."""
        waiting = [spec.ready for spec, _ in self._own if spec.ready]
        announced = False
        while not self._signals.count:
            for part in (*self._services, *(part for _, part in self._own)):
                part.mend()
            self._logs.pump(0.25 if announced else 0.05)
            if not announced:
                self._give_up_on_falling()
                waiting = [ready for ready in waiting if not ready()]
                if not waiting and all(part.well for _, part in self._own):
                    announced = True
                    on_ready()

    def __exit__(self, *_: object) -> None:
        for spec, part in reversed(self._own):
            if part.process:
                stop(part.process, [(signal.SIGTERM, spec.grace)], meanwhile=self._pass_time)
        self._logs.close()

    def _spawn(self, spec: ProcessSpec) -> Process:
        process = spawn(spec.argv, output=subprocess.PIPE, env=spec.env)
        if process.stdout:
            self._logs.follow(spec.name, process.stdout)
        return process

    def _give_up_on_falling(self) -> None:
        for spec, part in self._own:
            if part.falls >= (FALLS_WHILE_STARTING if spec.restart else 1):
                raise ServiceFailed(f"{spec.name} does not start. Its log above says why.")

    def _pass_time(self, seconds: float) -> bool:
        self._logs.pump(seconds)
        return self._signals.count > 1
