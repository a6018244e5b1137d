"""A small shop over real HTTP, an API client that signs as WooCommerce's own does, and an ear for webhooks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from woocommerce import API

from plugin_server.demo.shop import Faults, ShopState, running_shop
from plugin_server.demo.shop.delivery import Delivery
from plugin_server.demo.shop.model import Category, Customer, Product


@dataclass
class Clock:
    """The present, or a while after it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0) + self.ahead

    def forward(self, **span: float) -> None:
        self.ahead += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def shop(clock: Clock) -> ShopState:
    """Two soaps, a shirt in two sizes, and one account."""
    shop, then = ShopState(clock=clock), datetime(2025, 1, 5, 3, 0, tzinfo=UTC)
    shop.place(Category(10, "Sabun & Lilin", "sabun-lilin"))
    for id, name, price in ((11, "Sabun", 25_000), (12, "Lilin", 65_000)):
        shop.place(Product(id, name, name.lower(), name.upper(), Decimal(price), then, then, category_ids=[10]))
    shop.place(Product(13, "Kaos", "kaos", "KAOS", Decimal(99_000), then, then, "variable", variation_ids=[14, 15]))
    for id, size in ((14, "S"), (15, "XL")):
        shop.place(Product(id, "Kaos", f"kaos-{size}", f"KAOS-{size}", Decimal(99_000), then, then, "variation",
                           parent_id=13, option=size))  # fmt: skip
    shop.place(Customer(2, "Budi@contoh.test", then, then, "Budi", "Santoso", username="budi"))
    shop.add_key("ck_rw", "cs_rw")
    return shop


@pytest.fixture
def url(shop: ShopState, faults: Faults) -> Iterator[str]:
    with running_shop(shop, faults=faults, interval=3600, allow_http_callback=True) as address:
        yield address


@pytest.fixture
def deliver(shop: ShopState) -> Callable[[], int]:
    """Run the webhook queue now; gives how many deliveries were tried."""

    def drain() -> int:
        assert isinstance(shop.listener, Delivery)
        return shop.listener.drain()

    return drain


class Client:
    """Asks and gives back (status, body)."""

    def __init__(self, url: str, key: str = "ck_rw", secret: str = "cs_rw") -> None:
        self._api = API(url=url, consumer_key=key, consumer_secret=secret, version="wc/v3", timeout=10)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self._api.get(path, params=params)  # type: ignore[no-any-return]

    def ids(self, path: str, **params: Any) -> list[int]:
        return [row["id"] for row in self.get(path, **params).json()]

    def post(self, path: str, body: Any = None) -> requests.Response:
        return self._api.post(path, body or {})  # type: ignore[no-any-return]

    def put(self, path: str, body: Any = None) -> requests.Response:
        return self._api.put(path, body or {})  # type: ignore[no-any-return]

    def delete(self, path: str, **params: Any) -> requests.Response:
        return self._api.delete(path, params=params)  # type: ignore[no-any-return]

    def order(self, **given: Any) -> dict[str, Any]:
        """A paid order of one soap, unless told otherwise."""
        basic = {"status": "processing", "billing": {"email": "siti@contoh.test"},
                 "line_items": [{"product_id": 11, "quantity": 1}]}  # fmt: skip
        answer = self.post("orders", {**basic, **given})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def coupon(self, code: str, **rules: Any) -> dict[str, Any]:
        """A coupon of 10 %, unless told otherwise."""
        answer = self.post("coupons", {"code": code, "discount_type": "percent", "amount": "10", **rules})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture
def api(url: str) -> Client:
    return Client(url)


@dataclass
class Heard:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def ping(self) -> bool:
        return self.body.startswith(b"webhook_id=")

    @property
    def topic(self) -> str:
        return self.headers.get("x-wc-webhook-topic", "")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Ear:
    """Hears what is posted to it; ``answer`` decides the status (and Location) by the request."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answer: Callable[[Heard], tuple[int, str | None]] = lambda heard: (200, None)

    def events(self, topic: str | None = None) -> list[Heard]:
        return [one for one in self.heard if not one.ping and topic in {None, one.topic}]

    def pings(self) -> int:
        return sum(one.ping for one in self.heard)


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            heard = Heard(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            ear.heard.append(heard)
            status, location = ear.answer(heard)
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ear.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield ear
    server.shutdown()
    server.server_close()
    thread.join()
