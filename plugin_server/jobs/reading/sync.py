"""Reads a store: all of it, or what changed since; facts and rungs fill while it goes on."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError

from connectors.base import BASKET, Page, Store
from connectors.errors import LOCKED_OUT, ConnectorError
from plugin_server import wiring
from plugin_server.db.ingest import catalogue as ingest_catalogue
from plugin_server.db.ingest import gone as ingest_gone
from plugin_server.db.ingest import links as ingest_links
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.customers import ingest_customers
from plugin_server.db.ingest.order_rows import lay_out
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, stores
from plugin_server.db.shops import sync as readings
from plugin_server.jobs.consequences import follow
from plugin_server.jobs.queues import awake
from plugin_server.jobs.reading.ahead import ahead
from plugin_server.jobs.reading.ingest import Connect, retrying
from plugin_server.jobs.reading.owed import Owed
from plugin_server.wiring import Services

BATCH, LARGEST = 1000, 5_000
"""Rows written in one transaction: the first few soon, so that somebody sees them; then more, while they come fast."""
IMPATIENCE = timedelta(seconds=10)
"""From a slow shop what came in so long is written, however little."""
BESIDE = {"reviews", "baskets"}
"""What a shop may keep to itself: a plugin or a narrow role that shuts these must not cost the orders."""
LAG = timedelta(minutes=5)
"""The next reading begins this long before this one began: clocks differ, and a shop may commit late."""

ALLOCATIONS = 500_000
"""Between two looks for garbage that refers in circles: each goes through the thousands of rows that wait to be
written. Python's own 700 cost a reading a tenth of its time."""
TURN = 0.001
"""Seconds for which a thread may keep the interpreter from another. With Python's own 5 ms the thread that reads ahead
kept the one that writes waiting after each of a batch's forty statements: a fifth of the time of a reading."""


class Frozen(RuntimeError):
    """The shop tells another address than before; nothing is read from it until a person confirms."""


def sync_store(merchant_id: int, store_id: int, kind: str = "incremental") -> None:
    """Read a store, as a job; ``kind`` is ``full``, ``incremental`` or ``reconcile``."""
    services = wiring.services()
    awake(services.redis, sync_store, merchant_id, store_id, kind)
    try:
        read_store(services, merchant_id, store_id, kind, wiring.connector)
    except (readings.AlreadyRunning, Frozen, ConnectorError):
        # Whoever holds the store does the work; the others are told by the row of the reading, and the sweeper.
        return


def read_store(services: Services, merchant_id: int, store_id: int, kind: str, connect: Connect) -> dict[str, Any]:
    """Read a store; gives the counts of INTERFACES ``tangga sync``.

    Raises ``AlreadyRunning``, ``Frozen`` and ``ConnectorError``; what came in before stays, the cursor does not move.
    """
    store = connect(services, merchant_id, store_id)
    with readings.alone(services.engine, store_id), _undisturbed():
        reading = Reading(services, merchant_id, store_id, kind)
        try:
            return reading.run(store)
        except BaseException as error:
            # Whatever ends a reading is written into its row, so that the owner sees why it stopped.
            reading.fail(error)
            raise


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Look for garbage that refers in circles less often, and change threads more often than is usual."""
    usual, pause = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(ALLOCATIONS, *usual[1:])
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        sys.setswitchinterval(pause)


LAYERS: dict[str, Callable[[list[Any]], Any]] = {"orders": lay_out, "baskets": lay_out}
"""What is laid out before its turn to be written comes. Else there are too few rows to gain by it."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one transaction writes: ``items`` as the shop tells them, ``laid`` out, and the ``total`` on their way."""

    items: list[Any]
    laid: Any
    total: int | None

    def halves(self) -> Iterator[_Batch]:
        """Both, not laid out."""
        middle = len(self.items) // 2
        for half in (self.items[:middle], self.items[middle:]):
            yield _Batch(half, half, self.total)


class Reading:
    """One reading of one store, with its row in ``sync_run``."""

    def __init__(self, services: Services, merchant_id: int, store_id: int, kind: str) -> None:
        self.services, self.merchant_id, self.store_id = services, merchant_id, store_id
        self.started = services.now()
        self.done: dict[str, Ingested] = {}
        self.faults: dict[tuple[str, str], None] = {}
        """(place, sentence) of what could not be read, each once however often it was met."""
        self.extra: dict[str, Any] = {}
        with self._tenant() as connection:
            self.run_id, self.kind = readings.begin(
                connection, merchant_id=merchant_id, store_id=store_id, kind=kind, now=self.started
            )
            broken_off = readings.broken_off(connection, store_id)
        self.owed = Owed(services, merchant_id, whole=broken_off)

    def run(self, store: Store) -> dict[str, Any]:
        """All resources, one after the other."""
        self._recognise(store)
        walks: dict[str, Callable[[datetime | None], Iterable[Page[Any]]]] = {
            "categories": lambda _since: store.categories(),
            "products": lambda since: store.products(since=since),
            "customers": lambda since: store.customers(since=since),
            "orders": lambda since: store.orders(since=since),
            "reviews": lambda since: store.reviews(since=since),
        }
        if hasattr(store, "baskets"):
            walks["baskets"] = lambda since: wiring.beyond(store).baskets(since=since)
        for resource, walk in walks.items():
            try:
                self._read(resource, walk)
            except ConnectorError as error:
                if resource not in BESIDE or not error.permanent:
                    raise
                self.faults[resource, error.sentence] = None
        with self._tenant() as connection:
            people = ingest_links.link_store(connection, merchant_id=self.merchant_id, store_id=self.store_id)
            follow(connection, merchant_id=self.merchant_id, done=Ingested(touched=people), now=self.services.now())
        if self.kind == "reconcile":
            self.repair(store)
        return self._close()

    def repair(self, store: Store) -> None:
        """Find what the store no longer lists, and look at each such order once more."""
        known: list[str] = []
        for page in store.order_ids():
            known.extend(page.items)
            self.beat("order ids", len(known), page.total)
        with self._tenant() as connection:
            window = wiring.window(stores.get(connection, self.store_id))
            listed = ingest_gone.missing(
                connection,
                store_id=self.store_id,
                known=known,
                before=self.started - LAG,
                after=self.started - window if window else None,
            )
        lost = [external_id for external_id in listed if not external_id.startswith(BASKET)]
        back = [order for external_id in lost if (order := store.order(external_id))]
        still = {order.external_id for order in back}
        gone = [external_id for external_id in lost if external_id not in still]
        of: dict[str, Any] = {"merchant_id": self.merchant_id, "store_id": self.store_id, "now": self.services.now()}
        with self._tenant() as connection:
            found = ingest_orders(connection, **of, orders=back)
            binned = ingest_gone.orders_gone(connection, **of, external_ids=gone)
            follow(connection, merchant_id=self.merchant_id, done=found + binned, now=self.services.now())
        repaired = {name: done.created + done.updated for name, done in self.done.items()}
        repaired["orders"] = repaired.get("orders", 0) + found.updated + binned.updated
        self.extra["repaired"] = repaired | {"orders_gone": binned.updated}

    def fail(self, error: BaseException) -> None:
        """Write down why the reading stopped."""
        sentence = str(error) or type(error).__name__
        counters = self._counters() | ({readings.PAID: True} if self.owed.nothing else {})
        with self._tenant() as connection:
            readings.finish(
                connection, self.run_id, counters=counters, faults=list(self.faults), error=sentence,
                now=self.services.now(),
            )  # fmt: skip
            if isinstance(error, ConnectorError) and error.code in LOCKED_OUT:
                access.locked_out(
                    connection, merchant_id=self.merchant_id, store_id=self.store_id, code=error.code,
                    sentence=error.sentence, now=self.services.now(),
                )  # fmt: skip

    def beat(self, phase: str, seen: int, total: int | None) -> None:
        """Show how far it is."""
        with self._tenant() as connection:
            readings.beat(
                connection, self.run_id, phase=phase, seen=seen, total=total, counters=self._counters(),
                now=self.services.now(),
            )  # fmt: skip

    def _recognise(self, store: Store) -> None:
        with self._tenant() as connection:
            reason = stores.told(connection, self.store_id, store.info(), self.services.now())
        if reason:
            raise Frozen(f"{reason} Nothing was read. If it is the real shop: `tangga stores confirm {self.store_id}`.")

    def _read(self, resource: str, walk: Callable[[datetime | None], Iterable[Page[Any]]]) -> None:
        with self._tenant() as connection:
            since = readings.since(connection, self.store_id, resource) if self.kind == "incremental" else None
        began = self.services.now()
        self.done[resource] = Ingested()
        self.beat(resource, 0, None)
        try:
            with closing(ahead(self._batches(walk(since), LAYERS.get(resource, list)))) as batches:
                for batch in batches:
                    self._bring_in(resource, batch)
                    self.beat(resource, self.done[resource].seen, batch.total)
        except ConnectorError:
            # What came in before the shop fell silent stays, and is shown.
            self.owed.pay()
            raise
        self.owed.pay()
        with self._tenant() as connection:
            readings.move(
                connection, merchant_id=self.merchant_id, store_id=self.store_id, resource=resource, to=began - LAG
            )

    def _bring_in(self, resource: str, batch: _Batch) -> None:
        written: list[Ingested] = []
        try:
            retrying(self.services, self.merchant_id, partial(self._write, resource, batch.laid, written))
        except (psycopg.DataError, DBAPIError) as error:
            if isinstance(error, DBAPIError) and not isinstance(error, DataError):
                raise
            # A row that the database cannot hold is found by halving; the others come in.
            if len(batch.items) > 1:
                for half in batch.halves():
                    self._bring_in(resource, half)
                return
            self.faults[f"{resource} {batch.items[0].external_id}", str(error).splitlines()[0]] = None
            return
        self.done[resource] += written[-1].without_ids()
        self.owed.add(written[-1])

    def _batches(self, pages: Iterable[Page[Any]], lay: Callable[[list[Any]], Any]) -> Iterator[_Batch]:
        batch: list[Any] = []
        total, wanted, began = None, BATCH, self.services.now()
        for page in pages:
            batch.extend(page.items)
            self.faults.update(dict.fromkeys(page.faults))
            total = page.total or total
            full = len(batch) >= wanted
            if full or (batch and self.services.now() - began >= IMPATIENCE):
                yield _Batch(batch, lay(batch), total)
                batch, began = [], self.services.now()
                wanted = min(wanted * 2, LARGEST) if full else wanted
        if batch:
            yield _Batch(batch, lay(batch), total)

    def _write(self, resource: str, batch: Any, written: list[Ingested], connection: Connection) -> None:
        of: dict[str, Any] = {"merchant_id": self.merchant_id, "store_id": self.store_id}
        now = self.services.now()
        match resource:
            case "orders" | "baskets":
                done = ingest_orders(connection, **of, orders=batch, now=now)
            case "customers":
                done = ingest_customers(connection, **of, customers=batch, now=now)
            case "products":
                done = ingest_catalogue.ingest_products(connection, **of, products=batch, now=now)
            case "categories":
                done = ingest_catalogue.ingest_categories(connection, **of, categories=batch)
            case _:
                done = ingest_catalogue.ingest_reviews(connection, **of, reviews=batch, now=now)
        written.append(done)

    def _counters(self) -> dict[str, Any]:
        return {name: done.counts() for name, done in self.done.items()} | self.extra

    def _close(self) -> dict[str, Any]:
        with self._tenant() as connection:
            now = self.services.now()
            readings.finish(connection, self.run_id, counters=self._counters(), faults=list(self.faults), now=now)
            access.let_in_again(connection, self.store_id)
            cursor = readings.since(connection, self.store_id, "orders")
        counted = {name: done.counts() for name, done in self.done.items()}
        return (
            counted
            | self.extra
            | {
                "seconds": round((now - self.started).total_seconds(), 3),
                "cursor": cursor.isoformat() if cursor else None,
                "faults": [{"place": place, "reason": reason} for place, reason in list(self.faults)[:20]],
            }
        )

    def _tenant(self) -> AbstractContextManager[Connection]:
        return tenant(self.services.engine, self.merchant_id)
