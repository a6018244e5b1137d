"""A whole shop and a whole Tangga in one process, over real HTTP: the real connector, the real web application."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import text
from woocommerce import API

from campaigns.triggers import OnEvent
from plugin_server import wiring
from plugin_server.app import create_app
from plugin_server.cli.stores import connect
from plugin_server.db.campaigning.happened import happened
from plugin_server.db.session import tenant
from plugin_server.demo.generator import generate
from plugin_server.demo.generator_types import ShopData
from plugin_server.demo.opening import free_port
from plugin_server.demo.shop import ShopState, running_shop, stock
from plugin_server.jobs.reading.ingest import drained
from plugin_server.jobs.reading.sync import read_store
from plugin_server.wiring import Services, utc_now
from tests.demo.test_store_front import Visitor
from tests.serving import served

KEY, SECRET = "ck_" + "1" * 40, "cs_" + "2" * 40


@dataclass
class Spine:
    """A demo shop of 200 contacts, connected; nothing is read yet."""

    services: Services
    merchant: int
    store: int
    shop: ShopState
    data: ShopData
    shop_url: str

    def read(self, kind: str = "full") -> dict[str, Any]:
        """Read the shop as the job does."""
        return read_store(self.services, self.merchant, self.store, kind, wiring.connector)

    def deliver(self) -> int:
        """The shop sends its waiting webhooks to our web application; then our inbox is drained."""
        assert self.shop.listener is not None
        self.shop.listener.drain()
        return drained(self.services, self.merchant, wiring.connector)

    def buy(self, email: str, code: str, product: int, quantity: int = 2) -> requests.Response:
        """Order in the shop's own window, as a visitor does."""
        visitor = Visitor(self.shop_url)
        visitor.get("/?lang=en")
        visitor.take(product, quantity)
        return visitor.checkout(email=email, code=code)

    def cancel(self, order: int) -> None:
        """The shop keeper cancels an order, by the shop's own interface."""
        answer = API(self.shop_url, KEY, SECRET, version="wc/v3").put(f"orders/{order}", {"status": "cancelled"})
        assert answer.status_code == 200, answer.text

    def of(self, email: str, fact: str) -> Any:
        """A fact of the customer with this address."""
        sql = f"SELECT {fact} FROM customer_facts JOIN customer ON id = customer_id WHERE email_norm = :email"
        return self.one(sql, email=email.lower())

    def abandoned(self) -> set[str]:
        """The numbers of today's orders that the event of an abandoned checkout is for."""
        trigger = OnEvent(kind="event", event="checkout_abandoned", after_days=1)
        with tenant(self.services.engine, self.merchant) as connection:
            today = happened(
                trigger, timezone="UTC", day=utc_now().date() + timedelta(days=1), rungs=(), topic="promotions"
            )
            people = list(connection.scalars(today))
        found = self.rows("SELECT external_id FROM shop_order WHERE customer_id = ANY(:ids) AND NOT paid", ids=people)
        return {number for (number,) in found}

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a query of this merchant finds."""
        with tenant(self.services.engine, self.merchant) as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]

    def one(self, sql: str, **values: Any) -> Any:
        """The single value that a query finds."""
        ((found,),) = self.rows(sql, **values)
        return found


@pytest.fixture
def spine(app: Services, merchant: int) -> Iterator[Spine]:
    port = free_port()
    settings = app.settings.model_copy(update={"public_url": f"http://127.0.0.1:{port}"})
    services = replace(app, settings=settings, now=utc_now)
    shop, data = ShopState(), generate(seed=5, customers=200, now=utc_now().replace(microsecond=0))
    stock(shop, data)
    shop.add_key(KEY, SECRET)
    with served(create_app(services), port), running_shop(shop, interval=60) as url:
        added = connect(services, merchant, url=url, key=KEY, secret=SECRET, name=None, read_only=False)
        assert [check for check in added["checks"] if not check["ok"]] == []
        yield Spine(services, merchant, added["id"], shop, data, url)
