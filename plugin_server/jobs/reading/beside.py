"""The first reading of facts and rungs on a connection of its own, while another one still writes the orders.

Both read what an import laid out in a room. What is read here is committed after the orders, or not at all: orders
without their facts can be left by a crash, as by any, and are found at night; facts without orders cannot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from plugin_server.db.ingest import csv_raw
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ladder import first_reading, known, rungs
from plugin_server.db.session import tenant
from plugin_server.jobs.consequences import follow
from plugin_server.wiring import Services

SHADOWS = ("TABLE pg_temp.shop_order", "VIEW pg_temp.identity", "VIEW pg_temp.customer")
"""What stands in the place of tables that are not written yet."""

ALONE = ("max_parallel_workers_per_gather = 0", "max_parallel_maintenance_workers = 0", "enable_nestloop = off")
"""One process for each of the two connections; and no plan that is wrong where nobody has counted rows yet."""


class _GivenUp(Exception):
    """The orders were not written after all."""


class Beside:
    """``start`` it when the orders are about to be written for certain, and say when they ``stand``."""

    def __init__(self, services: Services, merchant_id: int, show: Callable[[Connection], None]) -> None:
        self._services, self._merchant_id, self._show = services, merchant_id, show
        self._thread = threading.Thread(target=self._run, daemon=True, name="beside")
        self._settled, self._stand = threading.Event(), False
        self._error: BaseException | None = None
        self.done = False
        """Whether facts and rungs are written."""

    def start(self) -> None:
        """Begin to read. The other connection must not wait for this one."""
        self._thread.start()

    def stand(self) -> None:
        """The orders are committed: what was read may be, too. Waits for it, and raises what went wrong."""
        self._stand = True
        self.end()
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Wait until nothing of it runs any more."""
        self._settled.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            with tenant(self._services.engine, self._merchant_id) as connection:
                self._read(connection)
            self.done = True
        except _GivenUp:
            pass
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the orders are written
            self._error = error

    def _read(self, connection: Connection) -> None:
        for setting in ALONE:
            connection.execute(text(f"SET LOCAL {setting}"))
        self._show(connection)
        read = first_reading.read(connection, merchant_id=self._merchant_id, now=self._services.now())
        for name in SHADOWS:
            connection.execute(text(f"DROP {name}"))
        self._settled.wait()
        if read is None or not self._stand:
            raise _GivenUp
        connection.execute(text("SET LOCAL enable_nestloop TO DEFAULT"))
        everybody = Ingested(touched=None)
        follow(connection, merchant_id=self._merchant_id, done=everybody, now=self._services.now(), placed=True)
        csv_raw.discard(connection)


@contextmanager
def beside(services: Services, merchant_id: int, show: Callable[[Connection], None]) -> Iterator[Beside]:
    """A reading that has ended when the block has, whatever came of it.

    ``show`` puts what is laid out in the place of the tables that are being written: the same questions are asked of
    it, for whoever looks up a name finds the connection's own temporary tables and views first.
    """
    reading = Beside(services, merchant_id, show)
    try:
        yield reading
    finally:
        reading.end()


def can_read(connection: Connection, merchant_id: int) -> bool:
    """Whether the ladder can be read from orders and people alone, with nothing beside the wide row of facts."""
    return not known.groups_of(rungs.shop(connection, merchant_id).asked)
