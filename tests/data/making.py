"""Orders and customers for tests, with everything said that a test does not say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.types import Customer, Order, OrderLine, OrderStatus, Refund

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
