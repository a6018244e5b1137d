"""Orders and customers for tests, with everything said that a test does not say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from connectors.types import Customer, Order, OrderLine, OrderStatus, Refund
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.customers import ingest_customers
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.session import tenant
from plugin_server.wiring import Services

T = TypeVar("T")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

DAY = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)


def order(external_id: str = "1", **told: Any) -> Order:
    """A paid order of 100 rupiah (10,000 minor units) by a guest, placed and changed on the first of January."""
    standard: dict[str, Any] = {
        "number": external_id,
        "status": OrderStatus.PAID,
        "raw_status": "processing",
        "paid": True,
        "placed_at": DAY,
        "updated_at": DAY,
        "currency": "IDR",
        "total_minor": 10_000,
        "email": "ani@example.com",
        "name": "Ani Wijaya",
        "lines": (line(),),
    }
    return Order(external_id=external_id, **(standard | told))


def line(**told: Any) -> OrderLine:
    """One bag of coffee."""
    standard: dict[str, Any] = {"external_id": "1", "title": "Kopi", "quantity": Decimal(1), "total_minor": 10_000}
    return OrderLine(**(standard | told))


def refund(amount_minor: int, external_id: str = "r1") -> Refund:
    """Money given back a day later."""
    return Refund(external_id=external_id, amount_minor=amount_minor, refunded_at=DAY + timedelta(days=1))


def account(external_id: str = "7", email: str | None = "ani@example.com", **told: Any) -> Customer:
    """An account opened and last changed on the first of January."""
    standard: dict[str, Any] = {"first_name": "Ani", "last_name": "Wijaya", "created_at": DAY, "updated_at": DAY}
    return Customer(external_id=external_id, email=email, **(standard | told))


class Shop:
    """The store of a test."""

    def __init__(self, app: Services, merchant: int, store: int) -> None:
        self.app, self.merchant, self.store = app, merchant, store

    def take(self, *orders: Order) -> Ingested:
        """Bring the orders in as one batch."""
        with tenant(self.app.engine, self.merchant) as connection:
            return ingest_orders(connection, merchant_id=self.merchant, store_id=self.store, orders=orders, now=NOW)

    def know(self, *customers: Customer) -> Ingested:
        """Bring the accounts in as one batch."""
        with tenant(self.app.engine, self.merchant) as connection:
            return ingest_customers(
                connection, merchant_id=self.merchant, store_id=self.store, customers=customers, now=NOW
            )

    def do(self, act: Callable[[Connection], T]) -> T:
        """Something in a transaction of its own."""
        with tenant(self.app.engine, self.merchant) as connection:
            return act(connection)

    def rows(self, sql: str) -> Sequence[Any]:
        """What a query finds."""
        return self.do(lambda connection: [tuple(row) for row in connection.execute(text(sql))])


HEADER = "order_id,ordered_at,total,email"

CLEAN = f"{HEADER},customer_id,status,currency,refunded,name\n" + "".join(
    f"{number},2024-0{number}-01T10:00:00Z,{number}.5,{email},{account},{status},EUR,{back},Ani W\n"
    for number, email, account, status, back in (
        (1, "ani@example.com", "a", "paid", ""),
        (2, "Ani@example.com", "", "refunded", ""),
        (3, "budi@example.com", "b", "completed", "1.25"),
        (4, "", "a", "pending", "0"),
        (5, "", "", "", ""),
    )
)
"""A file in which every row is in order."""


def figures(shop: Shop) -> tuple[list[Any], ...]:
    """All that was read of the orders: facts, rungs and how people came to them, the shop's rhythm."""
    facts = "SELECT to_jsonb(f) - 'customer_id', c.email FROM customer_facts f JOIN customer c ON c.id = f.customer_id"
    moves = "SELECT c.email, from_rung, to_rung, changed_at FROM rung_change m JOIN customer c ON c.id = m.customer_id"
    return (
        shop.rows(f"{facts} ORDER BY c.email"),
        shop.rows(f"{moves} ORDER BY 1, 4"),
        shop.rows("SELECT after_order, gaps, p80_days, p95_days FROM order_rhythm ORDER BY 1"),
    )
