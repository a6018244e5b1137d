"""A bulk import that goes on until it is stopped: the real ingest, batch after batch of new orders.

Run as a process of its own; prints ``BEGUN`` when the first orders are about to be written, and how many came in when
it is told to end (a line on stdin).
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from connectors.types import Order, OrderStatus
from plugin_server import wiring
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.session import tenant

BATCH = 10_000
BEGUN = "begun\n"
START = datetime(2026, 1, 1, tzinfo=UTC)


def orders(first: int) -> list[Order]:
    """``BATCH`` paid orders of as many guests."""
    return [
        Order(
            external_id=f"bulk-{number}",
            number=str(number),
            status=OrderStatus.COMPLETED,
            raw_status="completed",
            paid=True,
            placed_at=START + timedelta(seconds=number),
            updated_at=START + timedelta(seconds=number),
            currency="IDR",
            total_minor=5_000_000,
            email=f"bulk{number}@example.com",
        )
        for number in range(first, first + BATCH)
    ]


def _listen(told: Event) -> None:
    sys.stdin.readline()
    told.set()


def main() -> None:
    """Import until told to end."""
    told = Event()
    Thread(target=_listen, args=(told,), daemon=True).start()
    services, done = wiring.services(), 0
    sys.stdout.write(BEGUN)
    sys.stdout.flush()
    while not told.is_set() or not done:
        with tenant(services.engine, 1) as connection:
            ingest_orders(connection, merchant_id=1, store_id=1, orders=orders(done), now=services.now())
        done += BATCH
    sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    main()
