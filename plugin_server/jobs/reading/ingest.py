"""Drains the inbox: what stores told us by webhook becomes orders, customers, facts and rungs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError

from connectors.base import Store
from connectors.errors import BadPayload, ConnectorError
from connectors.types import Customer, Order, Product, StoreEvent, StoreEventKind
from plugin_server import wiring
from plugin_server.db.ingest import catalogue as ingest_catalogue
from plugin_server.db.ingest import gone as ingest_gone
from plugin_server.db.ingest import merges as ingest_merges
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.customers import ingest_customers
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.session import tenant
from plugin_server.db.shops import inbox, own_writes, stores
from plugin_server.jobs.consequences import follow
from plugin_server.jobs.queues import awake
from plugin_server.jobs.reading import lifecycle
from plugin_server.wiring import Services

BATCH = 200
VAIN = 3
"""So often a shop is asked in vain about the events of a batch: each time takes minutes, and others wait behind it."""
PASSING = (DeadlockDetected, SerializationFailure, UniqueViolation)
"""Database errors that two ingests at once can cause, and that trying again mends."""

Connect = Callable[[Services, int, int], Store]


def drain(merchant_id: int) -> None:
    """Bring in all that waits in the inbox of a merchant's stores."""
    services = wiring.services()
    awake(services.redis, drain, merchant_id)
    drained(services, merchant_id, wiring.connector)


def drained(services: Services, merchant_id: int, connect: Connect) -> int:
    """Bring in all that waits; gives how many events were looked at. Those that fail wait, the others go on."""
    looked_at = 0
    while True:
        with tenant(services.engine, merchant_id) as connection:
            rows = inbox.claim(connection, provider=None, limit=BATCH, now=services.now())
        if not rows:
            return looked_at
        looked_at += len(rows)
        for store_id in sorted({row.store_id for row in rows}):
            _Batch(services, merchant_id, store_id).work(connect, [row for row in rows if row.store_id == store_id])


@dataclass
class News:
    """What a batch of events comes down to."""

    orders: list[Order] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    orders_gone: list[str] = field(default_factory=list)
    customers_gone: list[str] = field(default_factory=list)
    products_gone: list[str] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)
    """(account that stays, account that was given up), as the shop merged them."""


_LEFT = "the shop was disconnected before this was read"


class _Batch:
    """The waiting events of one store."""

    def __init__(self, services: Services, merchant_id: int, store_id: int) -> None:
        self.services, self.merchant_id, self.store_id = services, merchant_id, store_id
        with tenant(services.engine, merchant_id) as connection:
            row = stores.get(connection, store_id)
        self.home, self.left = row["fingerprint"], row["state"] == "disconnected"
        self.vain = 0

    def work(self, connect: Connect, rows: Sequence[Row[Any]]) -> None:
        try:
            store = connect(self.services, self.merchant_id, self.store_id)
        except (ConnectorError, LookupError, ValueError) as error:
            if self.left:
                self._settle([row.id for row in rows], "ignored", _LEFT)
            else:
                self._again([row.id for row in rows], str(error))
            return
        parsed = [(row, event) for row in rows if (event := self._parsed(store, row))]
        for row, event in parsed:
            if event.kind in lifecycle.KINDS:
                self._live_through(row, event)
        read = [pair for pair in parsed if pair[1].kind not in lifecycle.KINDS]
        if self.left:
            self._settle([row.id for row, _ in read], "ignored", _LEFT)
            return
        try:
            self._bring_in(store, read)
        except (ConnectorError, DBAPIError, psycopg.Error) as error:
            # One event spoils the batch: each is tried by itself, so that only the guilty one waits.
            if len(read) == 1:
                self._again([read[0][0].id], str(error))
                return
            self._one_by_one(store, read)

    def _live_through(self, row: Row[Any], event: StoreEvent) -> None:
        """What concerns the store itself or somebody's rights: each in a transaction of its own, with its event."""
        try:
            lifecycle.live_through(self.services, self.merchant_id, self.store_id, row, event)
        except (DBAPIError, psycopg.Error) as error:
            self._again([row.id], str(error))

    def _one_by_one(self, store: Store, read: Sequence[tuple[Row[Any], StoreEvent]]) -> None:
        for row, event in read:
            if event.refetch and self.vain >= VAIN:
                self._again([row.id], "The shop does not answer.")
                continue
            try:
                self._bring_in(store, [(row, event)])
            except (ConnectorError, DBAPIError, psycopg.Error) as error:
                self._again([row.id], str(error))
                self.vain += isinstance(error, ConnectorError) and not error.permanent

    def _parsed(self, store: Store, row: Row[Any]) -> StoreEvent | None:
        try:
            event = store.parse_webhook(headers=row.headers, body=bytes(row.body))
            if not self._from_a_copy(event):
                return event
            self._settle([row.id], "ignored", f"sent by {event.source}, not by {self.home}: a copy of the shop")
        except BadPayload as error:
            self._settle([row.id], "failed", str(error))
        except Exception as error:  # noqa: BLE001 - a payload nobody foresaw must not stop the ones behind it
            self._again([row.id], f"{type(error).__name__}: {error}")
        return None

    def _from_a_copy(self, event: StoreEvent) -> bool:
        """A staging copy keeps our webhooks and signs them well; its test orders bear the numbers of real ones."""
        told, known = (urlsplit(address or "").netloc.lower() for address in (event.source, self.home))
        return bool(told and known) and told.removeprefix("www.") != known.removeprefix("www.")

    def _bring_in(self, store: Store, read: Sequence[tuple[Row[Any], StoreEvent]]) -> None:
        with tenant(self.services.engine, self.merchant_id) as connection:
            slim = [event.customer for _, event in read if event.refetch and event.customer]
            own = own_writes.echoes(connection, self.store_id, slim)
        news = gather(store, [event for _, event in read if not _echo(event, own)])
        self._introduce(store, news)
        idle = {
            StoreEventKind.PING,
            StoreEventKind.IGNORED,
            StoreEventKind.COUPON,
            StoreEventKind.CHECKOUT,
            StoreEventKind.BULK_FINISHED,
        }
        ignored = [row.id for row, event in read if event.kind in idle]
        done = [row.id for row, event in read if event.kind not in idle and not _echo(event, own)]
        retrying(self.services, self.merchant_id, lambda connection: self._write(connection, news, done))
        self._settle(ignored, "ignored", "")
        self._settle([row.id for row, event in read if _echo(event, own)], "ignored", "our own writing")

    def _introduce(self, store: Store, news: News) -> None:
        """Read the accounts we do not know yet; without them their orders come in all the same."""
        named = {order.customer_external_id for order in news.orders if order.customer_external_id}
        named -= {customer.external_id for customer in news.customers}
        if not named or self.vain >= VAIN:
            return
        with tenant(self.services.engine, self.merchant_id) as connection:
            known = connection.scalars(
                text("SELECT external_id FROM identity WHERE store_id = :store AND external_id = ANY(:ids)"),
                {"store": self.store_id, "ids": sorted(named)},
            ).all()
        try:
            news.customers += [found for name in sorted(named.difference(known)) if (found := store.customer(name))]
        except ConnectorError as error:
            self.vain += not error.permanent

    def _write(self, connection: Connection, news: News, done: Sequence[int]) -> None:
        of: dict[str, Any] = {"merchant_id": self.merchant_id, "store_id": self.store_id}
        now = self.services.now()
        total = Ingested()
        if news.merged:
            total += ingest_merges.accounts_merged(connection, **of, pairs=news.merged, now=now)
        if news.customers:
            total += ingest_customers(connection, **of, customers=news.customers, now=now)
            # The account that stays may be one that nobody had read before.
            total += ingest_merges.accounts_merged(connection, **of, pairs=news.merged, now=now)
        if news.orders:
            total += ingest_orders(connection, **of, orders=news.orders, now=now)
        if news.products:
            ingest_catalogue.ingest_products(connection, **of, products=news.products, now=now)
        if news.orders_gone:
            total += ingest_gone.orders_gone(connection, **of, external_ids=news.orders_gone, now=now)
        if news.customers_gone:
            total += ingest_gone.accounts_gone(connection, **of, external_ids=news.customers_gone)
        if news.products_gone:
            ingest_gone.products_gone(connection, store_id=self.store_id, external_ids=news.products_gone)
        follow(connection, merchant_id=self.merchant_id, done=total, now=now)
        inbox.settle(connection, done, "done", "", now=now)

    def _settle(self, ids: Sequence[int], state: str, note: str) -> None:
        if ids:
            with tenant(self.services.engine, self.merchant_id) as connection:
                inbox.settle(connection, ids, state, note, now=self.services.now())

    def _again(self, ids: Sequence[int], note: str) -> None:
        with tenant(self.services.engine, self.merchant_id) as connection:
            inbox.again(connection, ids, note, now=self.services.now())


def _echo(event: StoreEvent, own: set[str]) -> bool:
    """True where the shop tells of nothing but what we wrote to it."""
    return event.refetch and event.customer is not None and event.customer.external_id in own


def gather(store: Store, events: Iterable[StoreEvent]) -> News:
    """The last word of the events on each thing; what they only point at is read from the store, once."""
    news = News()
    last: dict[tuple[StoreEventKind, str], StoreEvent] = {}
    for event in events:
        if event.products:
            news.products.extend(event.products)
        elif event.order:
            news.orders.append(event.order)
        elif event.customer and not event.refetch:
            news.customers.append(event.customer)
        elif event.external_id:
            last[event.kind, event.external_id] = event
            if event.other_id:
                news.merged.append((event.external_id, event.other_id))
    for (kind, external_id), event in last.items():
        _add(store, news, kind, external_id, refetch=event.refetch)
    return news


def _add(store: Store, news: News, kind: StoreEventKind, external_id: str, *, refetch: bool) -> None:
    if kind is StoreEventKind.ORDER or (kind is StoreEventKind.ORDER_GONE and refetch):
        order = store.order(external_id)
        if order:
            news.orders.append(order)
        else:
            news.orders_gone.append(external_id)
    elif kind is StoreEventKind.ORDER_GONE:
        news.orders_gone.append(external_id)
    elif kind in (StoreEventKind.CUSTOMER, StoreEventKind.CUSTOMERS_MERGED):
        customer = store.customer(external_id)
        if customer:
            news.customers.append(customer)
        else:
            news.customers_gone.append(external_id)
    elif kind is StoreEventKind.CUSTOMER_GONE:
        news.customers_gone.append(external_id)
    elif kind is StoreEventKind.PRODUCT and hasattr(store, "product_family"):
        found = store.product_family(external_id)
        news.products.extend(found)
        if not found:
            news.products_gone.append(external_id)
    elif kind is StoreEventKind.PRODUCT and hasattr(store, "product"):
        product = store.product(external_id)
        news.products.extend([product] if product else [])
    elif kind is StoreEventKind.PRODUCT_GONE:
        news.products_gone.append(external_id)


def retrying(services: Services, merchant_id: int, act: Callable[[Connection], None]) -> None:
    """Do ``act`` in a transaction; up to five times where another transaction was in the way."""
    for left in reversed(range(5)):
        try:
            with tenant(services.engine, merchant_id) as connection:
                act(connection)
            return
        except (DBAPIError, psycopg.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if not left or not isinstance(cause, PASSING):
                raise
