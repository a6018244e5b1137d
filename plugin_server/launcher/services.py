"""PostgreSQL and Valkey together, for as long as somebody needs them."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from plugin_server.launcher.errors import HomeTaken, HomeUnusable
from plugin_server.launcher.folders import discard, open_home
from plugin_server.launcher.home import HomeLock, ServiceUrls, lease, running
from plugin_server.launcher.postgres import EmbeddedPostgres
from plugin_server.launcher.service import Service
from plugin_server.launcher.valkey import EmbeddedValkey

# How long a command waits for another process that has the home but does not answer yet (or any more).
PATIENCE = 60.0


class Services:
    """Starts what is not given: PostgreSQL unless `database_url`, Valkey unless `redis_url`; a context manager.

    The caller owns the home. Start them in the main thread: they end with the thread that started them.
    """

    def __init__(self, home: Path, *, database_url: str | None = None, redis_url: str | None = None) -> None:
        self._home = home
        self._given = (database_url, redis_url)
        self.parts: list[Service] = []

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self.__exit__)
            try:
                self._start()
            except OSError as error:
                raise HomeUnusable(
                    f"The services of {self._home} cannot use {error.filename}: {error.strerror}. "
                    "Start Tangga as the user who owns it, or choose another home with --home."
                ) from error
            undo.pop_all()
        return self

    def _start(self) -> None:
        database_url, redis_url = self._given
        if not database_url:
            self.parts.append(EmbeddedPostgres(self._home))
        if not redis_url:
            self.parts.append(EmbeddedValkey(self._home))
        for part in self.parts:
            part.start()

    @property
    def urls(self) -> ServiceUrls:
        """Where the two answer, given or started."""
        own = {part.name: part.url for part in self.parts}
        database_url, redis_url = self._given
        return ServiceUrls(database_url or own["postgres"], redis_url or own["valkey"])

    def __exit__(self, *_: object) -> None:
        for part in reversed(self.parts):
            part.stop()
        if self.parts:
            self.parts[0].folder.remove_sockets()
        self.parts.clear()


@contextmanager
def embedded(home: Path, *, database_url: str | None = None, redis_url: str | None = None) -> Iterator[ServiceUrls]:
    """The services of a home for the duration of one command.

    Given both URLs, nothing is started. Otherwise those of the instance that already runs in this home are used, and
    if there is none, PostgreSQL and Valkey are started and stopped again, after others who use them are done.
    Call it in the main thread: the services end with the thread that started them. Raises LauncherError.
    """
    if database_url and redis_url:
        yield ServiceUrls(database_url, redis_url)
        return
    home = open_home(home)
    with ExitStack() as stack:
        urls = _borrow_or_own(stack, home, database_url, redis_url)
        yield ServiceUrls(database_url or urls.database_url, redis_url or urls.redis_url)


def discard_data(home: Path) -> None:
    """Delete the database and the queue of a home: its next start begins anew. Raises HomeTaken when it runs."""
    home = open_home(home)
    with HomeLock(home):
        for service in (EmbeddedPostgres(home), EmbeddedValkey(home)) if (home / "services").exists() else ():
            service.clear()
        discard(home)


def _borrow_or_own(stack: ExitStack, home: Path, database_url: str | None, redis_url: str | None) -> ServiceUrls:
    deadline = time.monotonic() + PATIENCE
    while True:
        with ExitStack() as borrowed:
            borrowed.enter_context(lease(home))
            if instance := running(home):
                stack.enter_context(borrowed.pop_all())
                return instance.urls
        try:
            lock = stack.enter_context(HomeLock(home))
        except HomeTaken:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            services = stack.enter_context(Services(home, database_url=database_url, redis_url=redis_url))
            lock.publish(services.urls)
            stack.enter_context(_last_to_leave(home))
            return services.urls


@contextmanager
def _last_to_leave(home: Path) -> Iterator[None]:
    try:
        yield
    finally:
        # Nobody new may come in while we wait for those who are in.
        with lease(home, alone=True):
            (home / "run.json").unlink(missing_ok=True)
