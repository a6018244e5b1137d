"""A shop that tells of new orders by webhook while things are killed, and repeats each until it is taken."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import requests

from connectors.signatures import sign_hmac
from tests.connectors.woocommerce.shop import order_row

FIRST = 700_001


class Deliveries:
    """``taken`` holds the orders of which we said that we have them; ``refused`` counts the times we did not."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="shop")
        self.taken: list[str] = []
        self.refused = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """No more new orders; waits until the last one is taken."""
        self._over.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the web process did not come back"

    def _go_on(self) -> None:
        number = FIRST
        while not self._over.wait(1.0):
            email = f"shopper{number}@example.com"
            row = order_row(number, modified=datetime.now(UTC), billing={"email": email, "first_name": "Sari"})
            body = json.dumps(row).encode()
            while not self._accepted(body):
                self.refused += 1
                self._over.wait(0.2)
            self.taken.append(str(number))
            number += 1

    def _accepted(self, body: bytes) -> bool:
        headers = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Topic": "order.created",
            "X-WC-Webhook-Signature": sign_hmac(body, self._secret),
        }
        try:
            return requests.post(self._url, body, headers=headers, timeout=10).status_code == 200
        except requests.RequestException:
            return False
