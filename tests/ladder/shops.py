"""A shop to tell stories in: people, orders, words and friends, straight into its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection, Engine, text

from plugin_server.db.ladder import facts
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant

NOW = datetime(2026, 6, 15, 5, 0, tzinfo=UTC)
_NUMBERS = count(1)


def at(day: str) -> datetime:
    """``2026-01-31`` or ``2026-01-31T10:00`` as a moment in UTC."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def insert(conn: Connection, table: str, **values: Any) -> int:
    """One row; gives its id."""
    names = ", ".join(values)
    given = ", ".join(f":{name}" for name in values)
    return int(conn.execute(text(f"INSERT INTO {table} ({names}) VALUES ({given}) RETURNING id"), values).scalar_one())


@dataclass
class Shop:
    """One merchant with one store."""

    engine: Engine
    merchant_id: int
    store_id: int
    now: datetime = NOW
    _open: Connection | None = field(default=None, repr=False)

    @contextmanager
    def work(self) -> Iterator[Connection]:
        """The transaction in hand, else one of its own."""
        if self._open is not None:
            yield self._open
            return
        with tenant(self.engine, self.merchant_id) as conn:
            yield conn

    @contextmanager
    def undone(self) -> Iterator[Connection]:
        """Everything inside happens in one transaction that is thrown away."""
        with self.engine.connect() as conn, conn.begin() as transaction:
            conn.execute(text("SELECT set_config('tangga.merchant', :id, true)"), {"id": str(self.merchant_id)})
            self._open = conn
            try:
                yield conn
            finally:
                self._open = None
                transaction.rollback()

    def person(self, email: str | None = None, *, known: str = "2026-06-01", **values: Any) -> int:
        """A customer known since a day."""
        made = email or f"person{next(_NUMBERS)}@example.test"
        with self.work() as conn:
            return insert(
                conn,
                "customer",
                merchant_id=self.merchant_id,
                email=made,
                email_norm=made,
                created_at=at(known),
                **values,
            )

    def order(self, who: int | None, day: str, total: int = 100_00, **values: Any) -> int:
        """A paid order in rupiah; ``total`` in minor units."""
        given = {"status": "completed", "paid": True, "currency": "IDR", "content": "", **values}
        with self.work() as conn:
            return insert(
                conn,
                "shop_order",
                merchant_id=self.merchant_id,
                store_id=given.pop("store_id", self.store_id),
                external_id=f"o{next(_NUMBERS)}",
                customer_id=who,
                placed_at=at(day),
                total_minor=total,
                **given,
            )

    def refund(self, order: int, amount: int, day: str | None) -> None:
        """Give money back on an order, on a known day or not."""
        with self.work() as conn:
            conn.execute(
                text(
                    "INSERT INTO order_refund (merchant_id, order_id, external_id, amount_minor, refunded_at) "
                    "VALUES (:m, :o, :x, :a, :d)"
                ),
                {"m": self.merchant_id, "o": order, "x": f"r{next(_NUMBERS)}", "a": amount, "d": day and at(day)},
            )
            conn.execute(
                text("UPDATE shop_order SET refunded_minor = refunded_minor + :a WHERE id = :o"),
                {"a": amount, "o": order},
            )

    def review(self, who: int, day: str, rating: int = 5, approved: bool = True) -> None:
        """A review of a product."""
        with self.work() as conn:
            insert(
                conn,
                "testimonial",
                merchant_id=self.merchant_id,
                store_id=self.store_id,
                external_id=f"t{next(_NUMBERS)}",
                customer_id=who,
                email_norm="",
                rating=rating,
                approved=approved,
                written_at=at(day),
            )

    def friend(self, of: int, bought: str | None) -> int:
        """A friend brought by ``of``, who bought on a day or not yet."""
        friend = self.person()
        with self.work() as conn:
            insert(
                conn,
                "referral",
                merchant_id=self.merchant_id,
                advocate_id=of,
                friend_id=friend,
                source="link",
                joined_at=at("2025-01-01"),
                converted_at=bought and at(bought),
            )
        return friend

    def consent(self, who: int, state: str, day: str, topic: str = "promotions") -> None:
        """A yes or no."""
        with self.work() as conn:
            insert(
                conn,
                "consent",
                merchant_id=self.merchant_id,
                customer_id=who,
                topic=topic,
                state=state,
                source="test",
                occurred_at=at(day),
            )

    def refresh(self, *who: int, now: datetime | None = None) -> int:
        """Facts of these customers, or of all."""
        with self.work() as conn:
            return facts.refresh(
                conn, merchant_id=self.merchant_id, customer_ids=list(who) or None, now=now or self.now
            )

    def climb(self, *who: int, now: datetime | None = None) -> int:
        """Facts, then rungs, of these customers or of all; gives how many were placed differently."""
        self.refresh(*who, now=now)
        with self.work() as conn:
            return ladder.climb(conn, merchant_id=self.merchant_id, customer_ids=list(who) or None, now=now or self.now)

    def facts(self, who: int) -> Any:
        """The row of facts; None where there is none."""
        with self.work() as conn:
            return conn.execute(text("SELECT * FROM customer_facts WHERE customer_id = :id"), {"id": who}).one_or_none()

    def rows(self, query: str, **given: Any) -> list[tuple[Any, ...]]:
        """What a query finds, as plain tuples."""
        with self.work() as conn:
            return [tuple(row) for row in conn.execute(text(query), given)]

    def path(self, who: int) -> list[tuple[str | None, str, str]]:
        """The log of a customer: from, to, day (UTC)."""
        found = self.rows(
            "SELECT from_rung, to_rung, to_char(changed_at, 'YYYY-MM-DD') FROM rung_change "
            "WHERE customer_id = :who ORDER BY changed_at, id",
            who=who,
        )
        return [(row[0], row[1], row[2]) for row in found]

    def counts(self, as_of: date | None = None) -> dict[str, int]:
        """Rungs with somebody on them."""
        with self.work() as conn:
            found = ladder.counts(conn, merchant_id=self.merchant_id, as_of=as_of, now=self.now)
        return {rung["key"]: rung["count"] for rung in found["rungs"] if rung["count"]}


def open_shop(engine: Engine, timezone: str = "Asia/Jakarta", currency: str = "IDR", locale: str = "en") -> Shop:
    """A new merchant with one store."""
    number = merchants.add(
        engine, name="Toko", email="owner@example.com", timezone=timezone, currency=currency, locale=locale
    )
    with tenant(engine, number) as conn:
        store = insert(conn, "store", merchant_id=number, platform="csv", name="Toko", url=f"toko-{number}")
    return Shop(engine, number, store)


def every(sequence: Sequence[dict[str, Any]], key: str) -> list[Any]:
    """One field of each."""
    return [item[key] for item in sequence]
